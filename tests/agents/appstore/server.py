"""A local ``itunes.apple.com``: the customer-reviews feed of apps by country, fifty reviews a page."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Self

from aiohttp import web

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAGE = 50
DEEPEST = 10
PACIFIC = timezone(-timedelta(hours=7))


@dataclass(frozen=True)
class Review:
    """A review; one without an author is of a deleted account."""

    number: int
    updated: datetime
    text: str = ""
    title: str = ""
    rating: int = 5
    author: str = "Анна"
    more: tuple[tuple[str, Any], ...] = ()
    """Further fields of the entry."""


class Server:
    """``async with Server() as server``: ``server.url`` is what ``site`` is set to.

    ``requests`` counts paths, ``times`` has their moments by ``clock``; ``answers`` are given in turn instead
    of pages; ``hanging`` requests are not answered; ``after`` is called after each page with its number.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] = lambda: NOON
        self.reviews: dict[tuple[str, str], dict[int, Review]] = {}
        self.names: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        self.times: list[datetime] = []
        self.answers: list[web.Response] = []
        self.after: Callable[[int], None] = lambda number: None
        self.hanging = 0
        self._over = asyncio.Event()
        self.url = ""
        self._numbers = 10_000_000_000
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        path = "/{country}/rss/customerreviews/page={page}/id={app}/sortby=mostrecent/json"
        app.router.add_get(path, self._feed)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self._over.set()
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many are open."""
        assert self._runner is not None and self._runner.server is not None
        return len(self._runner.server.connections)

    def publish(
        self, text: str = "", *, app: str = "123456789", country: str = "ru", **fields: Any
    ) -> Review:
        """A new review of an app in a country."""
        self._numbers += 1
        made = Review(self._numbers, fields.pop("at", None) or self.clock(), text, **fields)
        self.reviews.setdefault((country, app), {})[made.number] = made
        self.names.setdefault(app, f"Приложение {app}")
        return made

    def edit(self, number: int, **fields: Any) -> None:
        """An edit moves its review to the top, as its date is that of the edit."""
        for reviews in self.reviews.values():
            if number in reviews:
                reviews[number] = replace(reviews[number], updated=self.clock(), **fields)

    def delete(self, number: int) -> None:
        for reviews in self.reviews.values():
            reviews.pop(number, None)

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        country, app = request.match_info["country"], request.match_info["app"]
        number = int(request.match_info["page"])
        self.requests[request.path] += 1
        self.times.append(self.clock())
        if self.hanging:
            self.hanging -= 1
            await self._over.wait()
        if self.answers:
            return self.answers.pop(0)
        if number > DEEPEST:
            return web.Response(status=400, text="CustomerReviews RSS page depth is limited to 10")
        found = sorted(
            self.reviews.get((country, app), {}).values(),
            key=lambda each: (each.updated, each.number),
            reverse=True,
        )
        shown = found[(number - 1) * PAGE : number * PAGE]
        document = self._document(country, app, shown, first=number == 1)
        self.after(number)
        return web.json_response(document, content_type="text/javascript")

    def _document(self, country: str, app: str, shown: list[Review], *, first: bool) -> dict[str, Any]:
        entries = [_entry(each, country, app) for each in shown]
        if entries and first:
            entries.insert(0, _app(app, self.names[app]))
        address = f"https://itunes.apple.com/{country}/rss/customerreviews/id={app}/json"
        feed: dict[str, Any] = {
            "author": {"name": {"label": "iTunes Store"}, "uri": {"label": "http://www.apple.com/itunes/"}},
            "updated": {"label": self.clock().isoformat()},
            "title": {"label": "iTunes Store: Customer Reviews"},
            "link": [{"attributes": {"rel": "self", "href": address}}],
            "id": {"label": address},
        }
        if entries:
            feed["entry"] = entries[0] if len(entries) == 1 else entries
        return {"feed": feed}


def _app(number: str, name: str) -> dict[str, Any]:
    return {
        "im:name": {"label": name},
        "im:artist": {"label": "Тепло Банк", "attributes": {"href": "https://apps.apple.com/developer/id1"}},
        "title": {"label": f"{name} - Тепло Банк"},
        "id": {"label": f"https://apps.apple.com/app/id{number}", "attributes": {"im:id": number}},
    }


def _entry(review: Review, country: str, app: str) -> dict[str, Any]:
    page = f"https://itunes.apple.com/{country}/reviews/id{review.number % 1000}" if review.author else ""
    return {
        "author": {"uri": {"label": page}, "name": {"label": review.author}, "label": ""},
        "updated": {"label": review.updated.astimezone(PACIFIC).isoformat()},
        "im:rating": {"label": str(review.rating)},
        "im:version": {"label": "7.1.0"},
        "id": {"label": str(review.number)},
        "title": {"label": review.title},
        "content": {"label": review.text, "attributes": {"type": "text"}},
        "link": {
            "attributes": {
                "rel": "related",
                "href": f"https://itunes.apple.com/{country}/review?id={app}&type=Purple%20Software",
            }
        },
        "im:voteSum": {"label": "3"},
        "im:contentType": {"attributes": {"term": "Application", "label": "Application"}},
        "im:voteCount": {"label": "4"},
        **dict(review.more),
    }
