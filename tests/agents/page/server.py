"""A local site with reviews: lists by pages as HTML, as JSON-LD and as JSON, and a robots.txt."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aiohttp import web

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MOSCOW = timedelta(hours=3)
PAGE = 20
MONTHS = (
    *("января", "февраля", "марта", "апреля", "мая", "июня"),
    *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
)


@dataclass(frozen=True)
class Review:
    """A review; ``date`` is shown instead of the one that its moment gives."""

    number: int
    moment: datetime
    text: str = ""
    title: str = ""
    rating: int = 5
    author: str = "Анна"
    reply: str = ""
    date: str = ""
    photo: str = ""


class Server:
    """``async with Server() as server``; lists are at ``server.url`` + ``/html/<list>`` (``/ld``, ``/json``).

    ``requests`` counts paths, ``times`` has the moments of all but robots.txt by ``clock``; ``answers`` are
    given in turn instead of pages; ``robots`` is a text or a status; ``after`` is called after each page;
    ``repeats``: the ``first`` or ``last`` page stands where there is none.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] = lambda: NOON
        self.lists: dict[str, dict[int, Review]] = {}
        self.requests: Counter[str] = Counter()
        self.times: list[datetime] = []
        self.answers: list[web.Response] = []
        self.robots: str | int = "User-agent: *\nAllow: /\n"
        self.after: Callable[[int], None] = lambda number: None
        self.item_class = "review"
        self.charset = "utf-8"
        self.etags = False
        self.repeats = ""
        self.url = ""
        self._number = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/robots.txt", self._rules)
        app.router.add_get("/{form:html|ld|json}/{list}", self._page)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many are open."""
        assert self._runner is not None and self._runner.server is not None
        return len(self._runner.server.connections)

    def publish(self, text: str = "", *, of: str = "teplo", **fields: Any) -> Review:
        """A new review in a list."""
        self._number += 1
        made = Review(self._number, fields.pop("at", None) or self.clock(), text, **fields)
        self.lists.setdefault(of, {})[made.number] = made
        return made

    def change(self, number: int, **fields: Any) -> None:
        for reviews in self.lists.values():
            if number in reviews:
                reviews[number] = replace(reviews[number], **fields)

    def delete(self, number: int) -> None:
        for reviews in self.lists.values():
            reviews.pop(number, None)

    async def _rules(self, request: web.Request) -> web.Response:
        self.requests[request.path] += 1
        if isinstance(self.robots, int):
            return web.Response(status=self.robots)
        return web.Response(text=self.robots)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self.requests[request.path_qs] += 1
        self.times.append(self.clock())
        if self.answers:
            return self.answers.pop(0)
        form, name = request.match_info["form"], request.match_info["list"]
        number = int(request.query.get("page", 1))
        found = sorted(
            self.lists.get(name, {}).values(), key=lambda each: (each.moment, each.number), reverse=True
        )
        if self.repeats and (number - 1) * PAGE >= len(found):
            number = 1 if self.repeats == "first" else (len(found) - 1) // PAGE + 1
        shown = found[(number - 1) * PAGE : number * PAGE]
        following = f"/{form}/{name}?page={number + 1}" if len(found) > number * PAGE else ""
        etag = f'"{hash((form, tuple(shown), following)):x}"'
        if self.etags and request.headers.get("If-None-Match") == etag:
            self.requests["not modified"] += 1
            return web.Response(status=304)
        answer = self._answer(form, shown, following)
        if self.etags:
            answer.headers["ETag"] = etag
        self.after(number)
        return answer

    def _answer(self, form: str, shown: list[Review], following: str) -> web.Response:
        if form == "json":
            reviews = [_as_json(each) for each in shown]
            return web.json_response({"data": {"reviews": reviews, "total": len(shown)}, "next": following})
        if form == "ld":
            body = _with_ld([_as_ld(each) for each in shown], following)
        else:
            body = _listed([_as_html(each, self.item_class) for each in shown], following, self.charset)
        return web.Response(body=body.encode(self.charset, "replace"), headers={"Content-Type": "text/html"})


def shown_date(review: Review) -> str:
    """As Russian sites show it, in Moscow's time."""
    local = review.moment + MOSCOW
    return review.date or f"{local.day} {MONTHS[local.month - 1]} {local.year} г. в {local:%H:%M}"


def _listed(items: list[str], following: str, charset: str) -> str:
    more = f'<a class="next" rel="next" href="{following}">Дальше</a>' if following else ""
    none = "" if items else '<p class="nothing">Отзывов пока нет</p>'
    return f"""<!DOCTYPE html><html lang="ru"><head><meta charset="{charset}"><title>Отзывы</title>
<script>var reviews = "<div class='review'>не отзыв</div>";</script></head><body><header><a href="/">Сайт</a>
</header><main><h1>Тепло Банк: отзывы</h1><div class="reviews">{"".join(items)}</div>{none}{more}</main>
</body></html>"""


def _as_html(review: Review, name: str) -> str:
    stars = f'<span class="stars stars--{review.rating}" title="{review.rating} из 5"></span>'
    photo = f'<img class="review__photo" src="{review.photo}">' if review.photo else ""
    reply = (
        f'<div class="answer"><b class="answer__who">Тепло Банк</b><time class="answer__when">вчера</time>'
        f'<div class="review__text">{html.escape(review.reply)}</div></div>'
        if review.reply
        else ""
    )
    author = f'<a class="review__author" href="/people/{review.author}">{review.author}</a>'
    text = html.escape(review.text).replace("\n", "<br>")
    return f"""<article class="{name} {name}--new" data-id="{review.number}">{author if review.author else ""}
<time class="review__date">{shown_date(review)}</time>{stars}<h3 class="review__title">
<a href="/reviews/{review.number}">{html.escape(review.title)}</a></h3><div class="review__text">{text}</div>
{photo}{reply}</article>"""


def _with_ld(reviews: list[dict[str, Any]], following: str) -> str:
    graph = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "BreadcrumbList", "itemListElement": []},
            {"@type": ["Organization", "BankOrCreditUnion"], "name": "Тепло Банк", "review": reviews},
        ],
    }
    more = f'<a rel="next" href="{following}">2</a>' if following else ""
    return f"""<!DOCTYPE html><html><head><script type="application/ld+json">{json.dumps(graph)}</script>
<script type="application/ld+json">{{broken</script></head><body>{more}</body></html>"""


def _as_ld(review: Review) -> dict[str, Any]:
    document: dict[str, Any] = {
        "@type": "Review",
        "@id": f"https://otzyvy.example.org/reviews/{review.number}",
        "author": {"@type": "Person", "name": review.author},
        "datePublished": review.moment.isoformat(),
        "name": review.title,
        "reviewBody": html.escape(review.text),
        "reviewRating": {"@type": "Rating", "ratingValue": str(review.rating * 2), "bestRating": 10},
    }
    if review.reply:
        said = {
            "@type": "Comment",
            "text": review.reply,
            "author": {"@type": "Organization", "name": "Тепло Банк"},
        }
        document["comment"] = [{**said, "dateCreated": review.moment.isoformat()}]
    return document


def _as_json(review: Review) -> dict[str, Any]:
    return {
        "id": review.number,
        "created": int(review.moment.timestamp() * 1000),
        "user": {"name": review.author, "id": f"u{review.number}"} if review.author else None,
        "body": {"text": review.text},
        "score": review.rating * 2,
        "photos": [{"url": review.photo}] if review.photo else [],
        "official": {"text": review.reply, "date": "2026-11-20T10:00:00+03:00"} if review.reply else None,
        "unknown": {"new": [1, 2]},
    }
