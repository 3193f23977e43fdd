"""A reader of the local site, with options for each of its forms."""

from __future__ import annotations

from typing import Any

from agents.manual_time import JumpingTime
from agents.options import Lookup
from agents.page import Options, build
from tests.agents.listing.reading import Reader
from tests.agents.page.server import NOON, Server

HTML: dict[str, Any] = {
    "item": "article.review",
    "fields": {
        "id": "@data-id",
        "link": ".review__title a @href",
        "title": ".review__title",
        "text": ".review__text",
        "author": ".review__author",
        "author_id": ".review__author @href",
        "date": ".review__date",
        "rating": ".stars @class",
        "media": ".review__photo @src",
    },
    "reply": {
        "item": ".answer",
        "text": ".review__text",
        "author": ".answer__who",
        "date": ".answer__when",
    },
    "next": "a.next @href",
}
LD: dict[str, Any] = {"format": "json-ld", "next": "a[rel=next] @href"}
JSON: dict[str, Any] = {
    "format": "json",
    "item": "data.reviews",
    "fields": {
        "id": "id",
        "text": "body.text",
        "author": "user.name",
        "author_id": "user.id",
        "date": "created",
        "rating": "score",
        "media": "photos[].url",
    },
    "reply": {"item": "official", "text": "text", "date": "date"},
    "next": "next",
    "best": 10,
}
FORMS = {"html": HTML, "ld": LD, "json": JSON}


def options_of(site: Server, form: str = "html", *lists: Any, **given: Any) -> Options:
    listed = lists or ({"url": f"{site.url}/{form}/teplo", "name": "Тепло Банк", "own": True},)
    entry = {"name": "otzyvy", "kind": "page", "lists": listed, **FORMS[form], **given}
    return Options.model_validate(entry, context=Lookup())


def reader_of(site: Server, form: str = "html", *lists: Any, **given: Any) -> Reader:
    time = JumpingTime(NOON)
    site.clock = time.clock
    return Reader(build, options_of(site, form, *lists, **given), time, site.url)
