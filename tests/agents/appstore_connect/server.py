"""A local App Store Connect: the customer reviews of own apps, newest first, with responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
APP = "123456789"
KEY_ID = "ABCDE12345"
ISSUER = "57246542-96fe-1a63-e053-0824d011072a"
PACIFIC = timezone(-timedelta(hours=8))
_KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Review:
    """A review; ``reply`` with its moment and its state; ``more`` further attributes."""

    number: str
    created: datetime
    text: str = ""
    title: str = ""
    rating: int = 5
    author: str = "Анна"
    reply: str = ""
    replied: datetime = NOON
    state: str = "PUBLISHED"
    more: tuple[tuple[str, Any], ...] = ()


class Server:
    """``async with Server() as server``: ``server.url`` is what ``site`` is set to.

    ``times`` has the moments of requests by ``clock``; ``answers`` are given in turn instead of reviews;
    ``after`` is called after each page with its start.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] = lambda: NOON
        self.apps: dict[str, dict[str, Review]] = {APP: {}}
        self.requests: Counter[str] = Counter()
        self.times: list[datetime] = []
        self.answers: list[web.Response] = []
        self.after: Callable[[int], None] = lambda start: None
        self.url = ""
        self._count = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/apps/{app}/customerReviews", self._reviews)
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

    @property
    def key(self) -> str:
        """The content of AuthKey_....p8."""
        return _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def publish(self, text: str = "", *, app: str = APP, **fields: Any) -> Review:
        self._count += 1
        number = f"00000028-b08c-0014-729e-{self._count:012x}"
        made = Review(number, fields.pop("at", None) or self.clock(), text, **fields)
        self.apps.setdefault(app, {})[number] = made
        return made

    def change(self, number: str, **fields: Any) -> None:
        for reviews in self.apps.values():
            if number in reviews:
                reviews[number] = replace(reviews[number], **fields)

    def delete(self, number: str) -> None:
        for reviews in self.apps.values():
            reviews.pop(number, None)

    async def _reviews(self, request: web.Request) -> web.StreamResponse:
        self.requests["reviews"] += 1
        self.times.append(self.clock())
        if self.answers:
            return self.answers.pop(0)
        if not self._lets(request.headers.get("Authorization", "")):
            return error(401, "NOT_AUTHORIZED", "Provide a properly configured and signed bearer token.")
        app = request.match_info["app"]
        reviews = self.apps.get(app)
        if reviews is None:
            return error(404, "NOT_FOUND", f"There is no resource of type 'apps' with id '{app}'")
        assert (request.query["sort"], request.query["include"]) == ("-createdDate", "response")
        most, start = int(request.query.get("limit", 50)), int(request.query.get("cursor", 0))
        found = sorted(reviews.values(), key=lambda each: (each.created, each.number), reverse=True)
        shown = found[start : start + min(most, 200)]
        links = {"self": str(request.url)}
        if start + len(shown) < len(found):
            links["next"] = str(request.url.update_query(cursor=str(start + len(shown))))
        document = {
            "data": [_shown(each) for each in shown],
            "included": [_reply(each) for each in shown if each.reply],
            "links": links,
            "meta": {"paging": {"total": len(found), "limit": most}},
        }
        self.after(start)
        return web.json_response(document)

    def _lets(self, header: str) -> bool:
        """Whether the token is good, and of at most 20 minutes."""
        token = header.removeprefix("Bearer ")
        claims = jwt.decode(
            token,
            _KEY.public_key(),
            algorithms=["ES256"],
            audience="appstoreconnect-v1",
            options={"verify_exp": False, "verify_iat": False},
        )
        short = claims["exp"] - claims["iat"] <= 1200 and claims["exp"] > self.clock().timestamp()
        return bool(short) and claims["iss"] == ISSUER and jwt.get_unverified_header(token)["kid"] == KEY_ID


def error(status: int, code: str, detail: str) -> web.Response:
    """An error as the API gives it."""
    found = {"id": "1", "status": str(status), "code": code, "title": code.title(), "detail": detail}
    return web.json_response({"errors": [found]}, status=status)


def _shown(review: Review) -> dict[str, Any]:
    named = {"data": {"type": "customerReviewResponses", "id": f"r-{review.number}"}} if review.reply else {}
    return {
        "type": "customerReviews",
        "id": review.number,
        "attributes": {
            "rating": review.rating,
            "title": review.title,
            "body": review.text,
            "reviewerNickname": review.author,
            "createdDate": review.created.astimezone(PACIFIC).isoformat(),
            "territory": "RUS",
            **dict(review.more),
        },
        "relationships": {"response": {**named, "links": {"related": "https://api.example.org/response"}}},
    }


def _reply(review: Review) -> dict[str, Any]:
    return {
        "type": "customerReviewResponses",
        "id": f"r-{review.number}",
        "attributes": {
            "responseBody": review.reply,
            "lastModifiedDate": review.replied.astimezone(PACIFIC).isoformat(),
            "state": review.state,
        },
    }
