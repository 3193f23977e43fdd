"""Asks the REST API of one Mastodon instance: its errors as what a person can do, its budget kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import httpx

from agents.base import Clock, Refused, SourceUnavailable
from agents.discussions.answered import wants_rest
from agents.mastodon.answers import Status, error_of, json_of, moment_of, newer_than, statuses_of
from agents.mastodon.cursor import newest, order
from agents.mastodon.options import Instance
from agents.web import Unusable, Web

OK: Final = 200
PAGE: Final = 40
"""The most that a page may hold."""
MOST_PAGES: Final = 100_000
SEARCH_PAGES: Final = 50
SEARCH_STEP: Final = PAGE - 5
"""From page to page: what is deleted between two questions shifts others to the page before."""
BATCH: Final = 20
"""Statuses that may be asked for at once, since Mastodon 4.3."""
OLD: Final = timedelta(days=1)
"""So long an instance counts as older than that."""
MOST_FAILED: Final = 3
"""Posts that cannot be read until their instance counts as broken."""
SPARE: Final = 5
"""Requests of the server's budget that are left to others who use the token."""
LONGEST_REST: Final = timedelta(hours=1)


class Denied(SourceUnavailable):
    """A person must mend something: a token, a right, a name; the message says what."""


class Missing(Denied):
    """What was asked for is not there (any more)."""


class Statuses(NamedTuple):
    """What was asked for by id: the posts that are ``there``, and the ids of those that are not (any more).

    An id in neither could not be read.
    """

    there: dict[str, Status]
    absent: list[str]


class Search(NamedTuple):
    """What a search found, oldest first, and the newest id; not ``whole``: there is more than it tells."""

    found: list[Status]
    newest: str | None
    whole: bool


class Api:
    """The API of an instance with its token, if it has one."""

    def __init__(self, web: Web, instance: Instance, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._one_by_one_until: datetime | None = None
        """The instance is too old to be asked for several statuses."""
        self.instance = instance

    @property
    def headers(self) -> dict[str, str]:
        token = self.instance.token
        return {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> tuple[Any, httpx.Headers]:
        """Ask; the document and the headers of the answer.

        Raises:
            Denied: see `denial`.
            SourceUnavailable: no answer, or one that cannot be used.
        """
        url = f"{self.instance.url}{path}"
        reply = await self._web.get(
            url,
            params=params,
            headers=self.headers,
            accept=("application/json",),
            token_key=self.instance.token_key,
        )
        self._spare(url, reply.headers)
        if reply.status != OK:
            raise self.denial(reply.status, path, error_of(reply))
        return json_of(reply), reply.headers

    async def document(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An object; raises what `get` does."""
        found, _ = await self.get(path, params)
        if not isinstance(found, dict):
            raise Unusable(f"{self.instance.host}{path} gave no object")
        return found

    async def about(self) -> dict[str, Any]:
        """What the instance says of itself.

        Raises:
            SourceUnavailable: no answer, or one that cannot be used: it does not work as an instance.
        """
        try:
            return await self.document("/api/v2/instance")
        except Missing:
            return await self.document("/api/v1/instance")

    async def statuses(self, ids: Sequence[str]) -> Statuses:
        """At most `BATCH` posts by id.

        A list of several leaves out what the token's account does not want to see, and limited authors; so
        what is not in it is asked for by itself, which shows them.

        Raises:
            SourceUnavailable: no answer, or several that cannot be used.
        """
        there, absent, failed = await self._listed(ids), list[str](), 0
        for each in ids:
            if each in there:
                continue
            try:
                there[each] = await self.document(f"/api/v1/statuses/{each}")
            except Missing:
                absent.append(each)
            except SourceUnavailable as error:
                failed += 1
                if failed == MOST_FAILED or isinstance(error, Denied) or wants_rest(error):
                    raise
        return Statuses(there, absent)

    async def _listed(self, ids: Sequence[str]) -> dict[str, Status]:
        """Those that the instance shows in a list; nothing where it has none."""
        now = self._clock()
        if not ids or (self._one_by_one_until is not None and now < self._one_by_one_until):
            return {}
        try:
            found, _ = await self.get(f"/api/v1/statuses?{urlencode([('id[]', each) for each in ids])}")
        except Missing:
            self._one_by_one_until = now + OLD
            return {}
        except Refused as error:  # perhaps because of one of them
            if wants_rest(error):
                raise
            return {}
        return {str(each["id"]): each for each in statuses_of(found, f"{self.instance.host}, by id,")}

    async def context(self, status_id: str) -> list[Status]:
        """What stands above and below a post, as far as the server shows it (60 answers without a token).

        Raises:
            SourceUnavailable: as `get`.
        """
        path = f"/api/v1/statuses/{status_id}/context"
        found = await self.document(path)
        return [each for part in ("ancestors", "descendants") for each in statuses_of(found.get(part), path)]

    async def pages(
        self, path: str, params: Mapping[str, str], after: str | None, before: str | None = None
    ) -> AsyncIterator[tuple[list[Status], str]]:
        """Posts newer than ``after``, oldest first, a page at a time with the id up to which it reaches.

        Without ``after`` only the newest page. New posts between two pages shift nothing: each page begins
        where the one before it ended. A page may be short where the server has hidden something, so only an
        empty one is the end.
        """
        for _ in range(MOST_PAGES):
            asked = {**params, "limit": PAGE, "min_id": after, "max_id": before}
            document, headers = await self.get(path, asked)
            found = statuses_of(document, f"{self.instance.host}{path}")
            ids = [str(each["id"]) for each in found]
            reached = newest(*ids, *newer_than(headers)) if ids else after
            if not ids or reached is None or reached == after:
                return
            yield sorted(found, key=lambda each: order(str(each["id"]))), reached
            if after is None:
                return
            after = reached

    async def search(self, params: Mapping[str, str], after: str | None) -> Search:
        """What a search finds above ``after``.

        The server sorts by age and pages by offset: what comes in between shifts a post to the next page,
        so it is found twice; what is deleted shifts it to the page before, so pages overlap.
        """
        found: dict[str, Status] = {}
        whole = after is None
        for page in range(1 if after is None else SEARCH_PAGES):
            asked = {**params, "limit": PAGE, "offset": page * SEARCH_STEP or None, "min_id": after}
            document = await self.document("/api/v2/search", asked)
            listed = statuses_of(document.get("statuses"), "the search")
            fresh = [each for each in listed if after is None or order(str(each["id"])) > order(after)]
            before = len(found)
            found |= {str(each["id"]): each for each in fresh}
            if len(found) == before:
                whole = True
                break
        ids = sorted(found, key=order)
        return Search([found[each] for each in ids], ids[-1] if ids else after, whole)

    def denial(self, status: int, path: str, told: str = "") -> SourceUnavailable:
        """What an answer other than 200 means."""
        host, has_token = self.instance.host, self.instance.token is not None
        said = f" ({told})" if told else ""
        match status:
            case 401 | 422 if not has_token:
                return Denied(f"{host} tells {path} to its users only{said}: give the instance a `token`")
            case 401:
                return Denied(
                    f"{host} refuses the token{said}: make another one under Preferences, Development,"
                    " with the right `read`"
                )
            case 403 | 422:
                return Denied(f"{host} forbids {path}{said}: its token needs the right `read`")
            case 404 | 410:
                return Missing(f"{host} has no {path}{said}")
        return SourceUnavailable(f"{host}{path}: HTTP {status}{said}")

    def _spare(self, url: str, headers: httpx.Headers) -> None:
        """Where the server's budget is nearly used up, wait until it is renewed."""
        remaining, reset = headers.get("X-RateLimit-Remaining", ""), headers.get("X-RateLimit-Reset", "")
        if not remaining.isdecimal() or int(remaining[:9]) > SPARE:
            return
        renewed = moment_of(reset)
        if renewed is not None and timedelta() < (wait := renewed - self._clock()) <= LONGEST_REST:
            self._web.rest(url, wait, token_key=self.instance.token_key)
