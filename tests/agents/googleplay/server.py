"""A local Google: the sign-in of service accounts and the reviews of the Google Play Developer API."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
APP = "ru.teplo.bank"
EMAIL = "molva@project.iam.gserviceaccount.com"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Review:
    """A review; ``reply`` with the moment at which it was written; ``more`` further fields of the comment."""

    number: str
    modified: datetime
    text: str = ""
    rating: int = 5
    author: str = "Анна"
    reply: str = ""
    replied: datetime = NOON
    more: tuple[tuple[str, Any], ...] = ()


class Server:
    """``async with Server() as server``: ``server.url`` is what ``site`` is set to.

    ``times`` has the moments of requests for reviews by ``clock``; ``answers`` are given in turn instead of
    them; ``after`` is called after each page. ``revoked`` refuses the key.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] = lambda: NOON
        self.apps: dict[str, dict[str, Review]] = {APP: {}}
        self.requests: Counter[str] = Counter()
        self.times: list[datetime] = []
        self.answers: list[web.Response] = []
        self.after: Callable[[int], None] = lambda number: None
        self.revoked = False
        self.tokens: dict[str, datetime] = {}
        self.url = ""
        self._count = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/token", self._sign_in)
        app.router.add_get("/androidpublisher/v3/applications/{package}/reviews", self._reviews)
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
    def credentials(self) -> str:
        """The JSON key of the service account."""
        pem = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        document = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "key-1",
            "private_key": pem,
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }
        return json.dumps(document)

    def publish(self, text: str = "", *, app: str = APP, **fields: Any) -> Review:
        self._count += 1
        number = f"gp:AOqpTO{self._count:05}"
        made = Review(number, fields.pop("at", None) or self.clock(), text, **fields)
        self.apps.setdefault(app, {})[number] = made
        return made

    def edit(self, number: str, **fields: Any) -> None:
        for reviews in self.apps.values():
            if number in reviews:
                reviews[number] = replace(reviews[number], modified=self.clock(), **fields)

    def reply(self, number: str, text: str) -> None:
        for reviews in self.apps.values():
            if number in reviews:
                reviews[number] = replace(reviews[number], reply=text, replied=self.clock())

    def delete(self, number: str) -> None:
        for reviews in self.apps.values():
            reviews.pop(number, None)

    async def _sign_in(self, request: web.Request) -> web.Response:
        self.requests["sign in"] += 1
        form = await request.post()
        now = self.clock()
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims = jwt.decode(
            str(form["assertion"]),
            _KEY.public_key(),
            algorithms=["RS256"],
            audience=f"{self.url}/token",
            options={"verify_exp": False, "verify_iat": False},
        )
        fresh = abs(claims["iat"] - now.timestamp()) < 300 and claims["exp"] - claims["iat"] <= 3600
        if self.revoked or claims["iss"] != EMAIL or not fresh:
            problem = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return web.json_response(problem, status=400)
        token = f"ya29.{len(self.tokens)}"
        self.tokens[token] = now + timedelta(hours=1)
        return web.json_response({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    async def _reviews(self, request: web.Request) -> web.StreamResponse:
        self.requests["reviews"] += 1
        self.times.append(self.clock())
        if self.answers:
            return self.answers.pop(0)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, NOON - WEEK) <= self.clock():
            return error(401, "Request had invalid authentication credentials.", "authError")
        reviews = self.apps.get(request.match_info["package"])
        if reviews is None:
            return error(404, "No application was found for the given package name.", "applicationNotFound")
        most, start = int(request.query.get("maxResults", 10)), int(request.query.get("token", 0))
        recent = [each for each in reviews.values() if each.modified > self.clock() - WEEK]
        recent.sort(key=lambda each: (each.modified, each.number), reverse=True)
        shown = recent[start : start + min(most, 100)]
        document: dict[str, Any] = {"reviews": [_shown(each) for each in shown]} if shown else {}
        if start + len(shown) < len(recent):
            document["tokenPagination"] = {"nextPageToken": str(start + len(shown))}
        self.after(start)
        return web.json_response(document)


def error(status: int, message: str, reason: str) -> web.Response:
    """An error as Google's APIs give it."""
    found = {"message": message, "domain": "androidpublisher", "reason": reason}
    return web.json_response(
        {"error": {"code": status, "message": message, "errors": [found]}}, status=status
    )


def _shown(review: Review) -> dict[str, Any]:
    said = {
        "text": f"\t{review.text}",
        "lastModified": _stamp(review.modified),
        "starRating": review.rating,
        "reviewerLanguage": "ru",
        "device": "a52q",
        "androidOsVersion": 33,
        "appVersionCode": 7010,
        "appVersionName": "7.1.0",
        "thumbsUpCount": 2,
        "thumbsDownCount": 1,
        "deviceMetadata": {"productName": "a52q (Galaxy A52)", "manufacturer": "Samsung", "ramMb": 6144},
        **dict(review.more),
    }
    comments: list[dict[str, Any]] = [{"userComment": said}]
    if review.reply:
        comments.append({"developerComment": {"text": review.reply, "lastModified": _stamp(review.replied)}})
    named = {"authorName": review.author} if review.author else {}
    return {"reviewId": review.number, **named, "comments": comments}


def _stamp(moment: datetime) -> dict[str, Any]:
    return {"seconds": str(int(moment.timestamp())), "nanos": 5_000_000}
