"""The lists of an ``appstore-connect`` agent: the reviews of an app in all countries, newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import jwt

from agents.appstore.options import App
from agents.appstore_connect.options import REMEMBERED, Options
from agents.appstore_connect.reviews import entries_of, problem_of
from agents.base import BadConfiguration, SourceUnavailable
from agents.listing import ListingSource, Page, Unreadable, Validators
from agents.rates import token_key
from agents.surroundings import Surroundings
from agents.web import Reply

AUDIENCE: Final = "appstoreconnect-v1"
LIFE: Final = timedelta(minutes=15)
"""Of a token; Apple takes none of more than 20 minutes."""
MARGIN: Final = timedelta(minutes=2)
PAGE: Final = 200


class Signature:
    """Signs tokens with the key of App Store Connect."""

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self._token: tuple[str, datetime] | None = None
        self.token_key = token_key("appstore-connect", options.key.get_secret_value())
        self.token()

    def token(self) -> str:
        """One that is good for the next minutes.

        Raises:
            BadConfiguration: the key is none; the message does not show it.
        """
        now = self._around.clock()
        if self._token is None or now >= self._token[1]:
            self._token = self._signed(now), now + LIFE - MARGIN
        return self._token[0]

    def _signed(self, now: datetime) -> str:
        claims = {
            "iss": self._options.issuer,
            "aud": AUDIENCE,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFE).timestamp()),
        }
        key, headers = self._options.key.get_secret_value(), {"kid": self._options.key_id}
        try:
            return jwt.encode(claims, key, algorithm="ES256", headers=headers)
        except (jwt.InvalidKeyError, ValueError, TypeError):  # their messages may show the key
            raise BadConfiguration(
                "`key` is no private key of App Store Connect: write `key: file:PATH` of the AuthKey_....p8"
                " that was downloaded under Users and Access, Integrations"
            ) from None


class Reviews:
    """The reviews of an app."""

    def __init__(self, app: App, site: str, signature: Signature, around: Surroundings) -> None:
        self.name = app.id
        self._app = app
        self._site = site
        self._signature = signature
        self._around = around

    async def pages(self, known: Validators, most: int) -> AsyncIterator[Page]:
        """See `agents.listing.source.Listing.pages`; ``known`` is not used, the API has nothing like it."""
        channel = {"id": self._app.id, "name": self._app.name, "kind": "app", "own": True}
        url = f"{self._site}/v1/apps/{self._app.id}/customerReviews"
        query: dict[str, str | int | float | None] | None = {
            "sort": "-createdDate",
            "limit": PAGE,
            "include": "response",
        }
        for _ in range(most):
            document = await self._ask(url, query)
            yield Page(entries_of(document, channel))
            links = document.get("links")
            following = links.get("next") if isinstance(links, dict) else None
            if not isinstance(following, str):
                return
            url, query = following, None

    async def _ask(self, url: str, query: dict[str, str | int | float | None] | None) -> dict[str, Any]:
        headers, key = {"Authorization": f"Bearer {self._signature.token()}"}, self._signature.token_key
        reply = await self._around.web.get(url, params=query, headers=headers, token_key=key)
        if reply.status != httpx.codes.OK:
            raise _refusal(reply, self._app.id)
        document = reply.json()
        if not isinstance(document, dict) or not isinstance(document.get("data"), list):
            raise SourceUnavailable("App Store Connect's answer has no list of reviews")
        return document


def _refusal(reply: Reply, app: str) -> SourceUnavailable:
    """What an error of the API means."""
    told = f"app {app}: HTTP {reply.status} {problem_of(reply)}".rstrip()
    match reply.status:
        case httpx.codes.UNAUTHORIZED:
            return Unreadable(f"{told}: check `key`, `key_id`, `issuer`, and that the clock is right")
        case httpx.codes.FORBIDDEN:
            return Unreadable(f"{told}: the key needs the role Customer Support, or a higher one")
        case httpx.codes.NOT_FOUND:
            return Unreadable(f"{told}: there is no such app in the account")
        case _:
            return SourceUnavailable(told)


def build(options: Options, around: Surroundings) -> ListingSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: the key is none.
    """
    signature = Signature(options, around)
    lists = [Reviews(app, options.site, signature, around) for app in options.apps]
    return ListingSource(
        lists,
        around,
        interval=options.interval,
        sweep=options.sweep,
        pages=options.pages,
        remembered=REMEMBERED,
    )
