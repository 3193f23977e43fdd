"""Asks Bluesky's AppView: profiles, searches, the posts of an account; with a login where it wants one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from agents.base import BadConfiguration, Refused, SourceUnavailable
from agents.bluesky.options import Options
from agents.web import Reply, Unusable, Web

OK: Final = 200
BATCH: Final = 25
"""Profiles, or posts, that may be asked for at once."""
PAGE: Final = 100
DEPTH: Final = 1000
"""Of a thread: the most that may be asked for."""
PROXY: Final = "did:web:api.bsky.app#bsky_appview"
"""The service that a login's server is to ask."""

Params = Sequence[tuple[str, str | int]]


class Denied(SourceUnavailable):
    """A person must mend something; the message says what."""


class AppView:
    """Without a login until it is needed; a session is renewed when it has expired."""

    def __init__(self, web: Web, options: Options) -> None:
        self._web = web
        self._options = options
        self._access = self._renewal = ""

    async def profiles(self, actors: Sequence[str]) -> list[dict[str, Any]]:
        """What is told of at most `BATCH` accounts; those that are gone or blocked are left out."""
        found = await self._public("app.bsky.actor.getProfiles", [("actors", each) for each in actors])
        return _listed(found, "profiles")

    async def author_feed(self, actor: str, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """A page of what an account has posted and reposted, the newest first, and where the next one is."""
        params: list[tuple[str, str | int]] = [("actor", actor), ("limit", PAGE)]
        params += [("filter", "posts_with_replies"), *([("cursor", cursor)] if cursor else [])]
        found = await self._public("app.bsky.feed.getAuthorFeed", params)
        return _listed(found, "feed"), _cursor(found)

    async def posts(self, uris: Sequence[str]) -> dict[str, dict[str, Any]]:
        """At most `BATCH` posts by URI; those that are gone or hidden are left out."""
        found = await self._public("app.bsky.feed.getPosts", [("uris", each) for each in uris])
        return {str(each.get("uri")): each for each in _listed(found, "posts")}

    async def thread(self, uri: str) -> dict[str, Any]:
        """A post with all that stands below it, as far as the AppView shows it: ``post`` and ``replies``."""
        params: Params = [("uri", uri), ("depth", DEPTH), ("parentHeight", 0)]
        thread = (await self._public("app.bsky.feed.getPostThread", params)).get("thread")
        return thread if isinstance(thread, dict) else {}

    async def search(
        self, phrase: str, since: str, until: str, cursor: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of the posts with a phrase, the newest first, and where the next one is.

        Raises:
            Denied: the AppView searches for users only, and there is no login.
        """
        quoted = '"' + phrase.replace('"', " ") + '"'
        params: list[tuple[str, str | int]] = [("q", quoted), ("sort", "latest"), ("limit", PAGE)]
        params += [("since", since), ("until", until), *([("cursor", cursor)] if cursor else [])]
        method = "app.bsky.feed.searchPosts"
        if self._options.identifier is None:
            found = await self._public(method, params)
        else:
            found = await self._with_login(method, params)
        return _listed(found, "posts"), _cursor(found)

    async def _public(self, method: str, params: Params) -> dict[str, Any]:
        url = f"{self._options.appview}/xrpc/{method}?{urlencode(params)}"
        return self._read(await self._web.get(url, accept=("application/json",)), method)

    async def _with_login(self, method: str, params: Params) -> dict[str, Any]:
        url = f"{self._options.service}/xrpc/{method}?{urlencode(params)}"
        for attempt in range(2):
            if not self._access:
                await self._log_in()
            headers = {"Authorization": f"Bearer {self._access}", "atproto-proxy": PROXY}
            reply = await self._web.get(
                url, headers=headers, accept=("application/json",), token_key=self._token_key
            )
            if attempt or _error(reply) not in ("ExpiredToken", "InvalidToken"):
                break
            await self._renew()
        return self._read(reply, method)

    async def _log_in(self) -> None:
        """Begin a session; 30 in 5 minutes and 300 a day are allowed, so it is kept.

        Raises:
            BadConfiguration: the identifier or the password is wrong.
        """
        password = self._options.password
        assert password is not None and self._options.identifier is not None
        reply = await self._web.post(
            f"{self._options.service}/xrpc/com.atproto.server.createSession",
            json={"identifier": self._options.identifier, "password": password.get_secret_value()},
            accept=("application/json",),
            token_key=self._token_key,
        )
        if reply.status in (400, 401):
            raise BadConfiguration(
                f"Bluesky refuses the login of {self._options.identifier} ({_error(reply) or reply.status}):"
                " make an app password under Settings, Privacy and security, App passwords"
            )
        self._take(self._read(reply, "createSession"))

    async def _renew(self) -> None:
        """Renew the session, or forget it."""
        reply = await self._web.post(
            f"{self._options.service}/xrpc/com.atproto.server.refreshSession",
            headers={"Authorization": f"Bearer {self._renewal}"},
            accept=("application/json",),
            token_key=self._token_key,
        )
        if reply.status == OK:
            self._take(self._read(reply, "refreshSession"))
        else:
            self._access = self._renewal = ""

    def _take(self, session: dict[str, Any]) -> None:
        access, renewal = session.get("accessJwt"), session.get("refreshJwt")
        if not isinstance(access, str) or not isinstance(renewal, str):
            raise Unusable("Bluesky's answer to the login has no tokens")
        self._access, self._renewal = access, renewal

    @property
    def _token_key(self) -> str:
        return f"bluesky@{self._options.identifier}"

    def _read(self, reply: Reply, method: str) -> dict[str, Any]:
        """The document of an answer.

        Raises:
            Denied: 401 or 403.
            SourceUnavailable: another status, or no document.
        """
        if reply.status == OK:
            found = reply.json()
            if isinstance(found, dict):
                return found
            raise Unusable(f"{method} gave no object")
        told = _error(reply) or "no reason is given"
        if reply.status in (401, 403):
            raise Denied(
                f"Bluesky answers {method} to users only (HTTP {reply.status}, {told}):"
                " give `identifier` and `password`"
            )
        if told == "RateLimitExceeded":
            raise Refused(f"{method}: {told}", None)
        if reply.status in (400, 404):
            raise Denied(f"Bluesky refuses {method} (HTTP {reply.status}, {told})")
        raise SourceUnavailable(f"{method}: HTTP {reply.status}, {told}")


def _error(reply: Reply) -> str:
    if reply.status == OK:
        return ""
    try:
        document = reply.json()
    except Unusable:
        return ""
    error = document.get("error") if isinstance(document, dict) else None
    return error[:100] if isinstance(error, str) else ""


def _listed(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list):
        raise Unusable(f"the answer has no {name}")
    return [each for each in found if isinstance(each, dict)]


def _cursor(document: dict[str, Any]) -> str | None:
    cursor = document.get("cursor")
    return cursor if isinstance(cursor, str) and cursor else None
