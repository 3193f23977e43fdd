"""Pages that hold data: a JSON document by JMESPath, and the JSON-LD of schema.org in HTML -> items. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from selectolax.lexbor import LexborHTMLParser

from agents.html import plain_text
from agents.page.items import Item, LayoutChanged, Said
from agents.page.options import Options, Pick

MAX_ITEMS: Final = 1000
DEEPEST: Final = 40
SCRIPT: Final = "script[type='application/ld+json']"


def items_of_json(document: Any, options: Options) -> list[Item]:
    """The items that `Options.item` finds.

    Raises:
        LayoutChanged: it finds something else than a list.
    """
    found = _found(document, options.item)
    if found is None:
        return []
    if not isinstance(found, list):
        raise LayoutChanged(f"`{options.item}` finds {type(found).__name__}, not a list")
    return [_item(each, options) for each in found[:MAX_ITEMS] if isinstance(each, dict)]


def next_of_json(document: Any, options: Options) -> str:
    """The address of the next page; empty where there is none."""
    return "" if options.next is None else _first(document, (options.next,))


def is_empty_json(document: Any, options: Options) -> bool:
    """Whether the document says that its list is empty."""
    return bool(options.empty) and bool(_found(document, options.empty))


def items_of_ld(tree: LexborHTMLParser) -> list[Item]:
    """The objects of type ``Review`` in the page's JSON-LD, wherever they stand; broken scripts have none."""
    found = []
    for script in tree.css(SCRIPT):
        try:
            document = json.loads(script.text())
        except (ValueError, RecursionError):
            continue
        found += [_review(each) for each in _reviews(document, DEEPEST)]
    return found[:MAX_ITEMS]


def _item(part: Any, options: Options) -> Item:
    fields = options.fields
    replies: tuple[Said, ...] = ()
    if options.reply is not None:
        found = _found(part, options.reply.item)
        given = found if isinstance(found, list) else [found]
        replies = tuple(said for each in given if each and (said := _said(each, options)).text)
    return Item(
        id=_first(part, fields.id),
        link=_first(part, fields.link),
        title=plain_text(_first(part, fields.title)),
        text="\n".join(text for pick in fields.text or () if (text := plain_text(_first(part, (pick,))))),
        author=plain_text(_first(part, fields.author)),
        author_id=_first(part, fields.author_id),
        date=_first(part, fields.date),
        rating=_first(part, fields.rating),
        media=tuple(text for pick in fields.media or () for text in _all(part, pick)),
        replies=replies,
    )


def _said(part: Any, options: Options) -> Said:
    assert options.reply is not None
    parts = options.reply
    return Said(
        text="\n".join(text for pick in parts.text if (text := plain_text(_first(part, (pick,))))),
        author=plain_text(_first(part, parts.author)),
        date=_first(part, parts.date),
    )


def _first(part: Any, picks: Sequence[Pick] | None) -> str:
    return next((text for pick in picks or () for text in _all(part, pick)), "")


def _all(part: Any, pick: Pick) -> list[str]:
    found = _found(part, pick.pick)
    values = found if isinstance(found, list) else [found]
    return [text for each in values if (text := pick.cut(_text(each)).strip())]


def _found(part: Any, expression: str) -> Any:
    try:
        return jmespath.search(expression, part)
    except JMESPathError as error:
        raise LayoutChanged(f"`{expression}` cannot be applied: {error}") from error


def _text(value: Any) -> str:
    """A text or a number as text; anything else is none."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _reviews(part: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(part, list):
        for each in part:
            yield from _reviews(each, depth - 1)
    elif isinstance(part, dict):
        if "Review" in _types(part):
            yield part
            return
        for each in part.values():
            yield from _reviews(each, depth - 1)


def _types(part: dict[str, Any]) -> list[str]:
    told = part.get("@type", ())
    names = told if isinstance(told, list | tuple) else [told]
    return [name.rpartition("/")[2] for name in names if isinstance(name, str)]


def _review(part: dict[str, Any]) -> Item:
    rating, author = part.get("reviewRating"), part.get("author")
    stars = rating if isinstance(rating, dict) else {"ratingValue": rating}
    said = part.get("comment") or ()
    given = said if isinstance(said, list) else [said]
    best = _text(stars.get("bestRating")).replace(",", ".")
    return Item(
        id=_text(part.get("identifier")) or _lasting(_text(part.get("@id"))),
        link=_text(part.get("url")),
        title=plain_text(_text(part.get("name")) or _text(part.get("headline"))),
        text=plain_text(_text(part.get("reviewBody")) or _text(part.get("description"))),
        author=_person(author),
        author_id=_text(author.get("url") or author.get("@id")) if isinstance(author, dict) else "",
        date=_text(part.get("datePublished")) or _text(part.get("dateCreated")),
        rating=_text(stars.get("ratingValue")),
        best=float(best) if best.replace(".", "", 1).isdecimal() and float(best) > 0 else None,
        replies=tuple(_comment(each) for each in given if isinstance(each, dict) and each.get("text")),
    )


def _lasting(node: str) -> str:
    """An ``@id`` that is an address; others (``#review-1``, ``_:b0``) may count places on the page."""
    return node if "://" in node and "#" not in node else ""


def _comment(part: dict[str, Any]) -> Said:
    date = _text(part.get("datePublished")) or _text(part.get("dateCreated"))
    return Said(text=plain_text(_text(part.get("text"))), author=_person(part.get("author")), date=date)


def _person(part: Any) -> str:
    """The name of ``{"name": ...}``, of a plain text, or of the first of a list."""
    if isinstance(part, list):
        return _person(part[0]) if part else ""
    return plain_text(_text(part.get("name") if isinstance(part, dict) else part))
