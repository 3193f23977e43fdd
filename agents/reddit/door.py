"""Async PRAW's network through the agents' own: named hosts, checked addresses, limits, circuits."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpraw
from asyncprawcore import Requestor
from asyncprawcore.exceptions import (
    BadJSON,
    Forbidden,
    InsufficientScope,
    InvalidToken,
    NotFound,
    OAuthException,
    ResponseException,
    UnavailableForLegalReasons,
)

from agents.base import SourceUnavailable
from agents.listing import Unreadable
from agents.rates import token_key
from agents.reddit.options import Options
from agents.web import Reply, Unusable, Web

VERSION: Final = "0.1"
SPARE: Final = 3.0
"""Requests of Reddit's budget that are left to others who use the application."""
LONGEST_REST: Final = 600.0
LIMITS: Final = ("x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset")
ABSENT: Final = (Forbidden, NotFound, UnavailableForLegalReasons)
WRONG: Final = (
    "Reddit refuses `client_id` and `client_secret`: take them anew from reddit.com/prefs/apps"
    " (docs/sources/reddit.md)"
)


class Absent(SourceUnavailable):
    """A place that this application cannot see: private, banned, quarantined, suspended, or not there."""


class _Response:
    """What asyncprawcore looks at of an answer."""

    def __init__(self, reply: Reply, headers: Mapping[str, str]) -> None:
        self.status = reply.status
        self.headers = headers
        self._reply = reply

    async def json(self, **_: Any) -> Any:
        """Raises ValueError where it is none."""
        return json.loads(self._reply.body)

    async def text(self) -> str:
        return self._reply.text


class Door(Requestor):
    """A `Requestor` that asks by ``web``.

    Reddit's own budget (``X-Ratelimit-*``) is kept here, by the agents' clock, for all who share the host;
    asyncprawcore does not hear of it, so nothing waits twice.
    """

    def __init__(self, *, web: Web, token_key: str, **given: Any) -> None:
        """``token_key`` names the application: see `agents.rates.token_key`."""
        super().__init__(**given)
        self._web = web
        self._token_key = token_key

    async def close(self) -> None:
        """Nothing: the network is closed by whoever gave it."""

    @asynccontextmanager
    async def request(self, *args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
        """One request; its time-outs are those of the agents' network. Raises Absent for a place unknown."""
        method, url = args
        headers = {**self.headers, **kwargs.get("headers", {})}
        headers.pop("Connection", None)
        if (login := kwargs.get("auth")) is not None:
            headers["Authorization"] = login.encode()
        if method == "GET":
            params = {key: str(value) for key, value in (kwargs.get("params") or {}).items()}
            reply = await self._web.get(url, params=params, headers=headers, token_key=self._token_key)
            _check_place(url, reply.url)
        else:
            form = dict(kwargs.get("data") or ())
            reply = await self._web.post(
                url, data=form, headers=headers, token_key=self._token_key, retries=1
            )
        self._spare(url, reply.headers)
        told = {key.lower(): value for key, value in reply.headers.items() if key.lower() not in LIMITS}
        yield _Response(reply, told)

    def _spare(self, url: str, headers: Mapping[str, str]) -> None:
        """Where the budget is nearly used up, wait until it is renewed."""
        remaining, reset = _number(headers.get(LIMITS[0])), _number(headers.get(LIMITS[2]))
        if remaining is not None and reset is not None and remaining < SPARE:
            span = timedelta(seconds=min(reset + 1.0, LONGEST_REST))
            self._web.rest(url, span, token_key=self._token_key)


def _check_place(asked: str, answered: str) -> None:
    """A subreddit that does not exist leads to a search for subreddits, which is no answer.

    Raises:
        Absent: the answer is that of another path.
    """
    path, other = (urlsplit(url).path.rstrip("/").lower() for url in (asked, answered))
    if path != other:
        raise Absent(f"{path.lstrip('/')}: is not there (Reddit leads to {other}); is the name right?")


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < 1e6 else None


class Api:
    """Reddit's API as an application without a user."""

    def __init__(self, options: Options, web: Web) -> None:
        application = options.client_id.get_secret_value()
        self._reddit = asyncpraw.Reddit(
            client_id=application,
            client_secret=options.client_secret.get_secret_value(),
            user_agent=f"server:molva:v{VERSION} (by /u/{options.contact})",
            oauth_url=options.api,
            reddit_url=options.site,
            check_for_updates=False,
            username=None,
            password=None,
            refresh_token=None,
            requestor_class=Door,
            requestor_kwargs={"web": web, "token_key": token_key("reddit", application)},
        )

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of a path.

        Raises:
            Absent: this application cannot see it.
            Unreadable: the credentials must be mended.
            SourceUnavailable: no answer, or one that cannot be used.
        """
        given = {name: value for name, value in params.items() if value not in ("", None)}
        try:
            return await self._reddit.request(method="GET", path=path, params=given)
        except ABSENT as error:
            raise Absent(f"{path}: {await _why(error)}") from error
        except (InvalidToken, InsufficientScope) as error:
            raise SourceUnavailable(f"{path}: the token was refused ({type(error).__name__})") from error
        except OAuthException as error:
            raise Unreadable(f"{WRONG} ({error})") from error
        except BadJSON as error:
            raise Unusable(f"{path}: Reddit gave no JSON") from error
        except ResponseException as error:
            if error.response.status == 401:
                raise Unreadable(WRONG) from error
            raise SourceUnavailable(f"{path}: HTTP {error.response.status}") from error

    async def listing(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """The things of a listing, `kind` and `data` each; raises as `get`."""
        return things_of(await self.get(path, **params), path)


def things_of(told: Any, path: str) -> list[dict[str, Any]]:
    """The children of a listing.

    Raises:
        Unusable: it is no listing.
    """
    data = told.get("data") if isinstance(told, dict) else None
    children = data.get("children") if isinstance(data, dict) else None
    if not isinstance(children, list):
        raise Unusable(f"{path}: Reddit gave no listing")
    return [each for each in children if isinstance(each, dict) and isinstance(each.get("data"), dict)]


async def _why(error: ResponseException) -> str:
    """What Reddit says of why: ``private``, ``quarantined``, ``banned``, ..."""
    try:
        told = await error.response.json()
    except ValueError:
        told = None
    reason = told.get("reason") if isinstance(told, dict) else None
    if isinstance(reason, str):
        return f"is {reason[:50]}"
    return {403: "is not open", 404: "is not there, or suspended"}.get(
        error.response.status, f"HTTP {error.response.status}"
    )


def kinds(things: Sequence[dict[str, Any]], *wanted: str) -> list[dict[str, Any]]:
    """The data of the things of some kinds, such as ``t1``."""
    return [each["data"] for each in things if each.get("kind") in wanted]
