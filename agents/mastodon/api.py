"""Asks the REST API of one Mastodon instance: its errors as what a person can do, its budget kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from agents.base import Clock, SourceUnavailable
from agents.mastodon.cursor import newest, order
from agents.mastodon.options import Instance
from agents.web import Reply, Unusable, Web
from schemas.codec import InvalidRecord, parse_json

OK: Final = 200
PAGE: Final = 40
"""The most that a page may hold."""
MOST_PAGES: Final = 100_000
SEARCH_PAGES: Final = 10
BATCH: Final = 20
"""Statuses that may be asked for at once, since Mastodon 4.3."""
SPARE: Final = 5
"""Requests of the server's budget that are left to others who use the token."""
LONGEST_REST: Final = timedelta(hours=1)
_LINK: Final = re.compile(r"<([^<>]*)>\s*;\s*rel=\"?prev\"?")

Status = dict[str, Any]


class Denied(SourceUnavailable):
    """A person must mend something: a token, a right, a name; the message says what."""


class Missing(Denied):
    """What was asked for is not there (any more)."""


class Api:
    """The API of an instance with its token, if it has one."""

    def __init__(self, web: Web, instance: Instance, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._one_by_one = False
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
            raise self.denial(reply.status, path, _told(reply))
        return _document(reply), reply.headers

    async def document(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An object; raises what `get` does."""
        found, _ = await self.get(path, params)
        if not isinstance(found, dict):
            raise Unusable(f"{self.instance.host}{path} gave no object")
        return found

    async def statuses(self, ids: Sequence[str]) -> dict[str, Status]:
        """At most `BATCH` posts by id, without those that are not there or not for this token.

        Raises:
            SourceUnavailable: no answer, or one that cannot be used.
        """
        if not self._one_by_one:
            try:
                found, _ = await self.get(f"/api/v1/statuses?{urlencode([('id[]', each) for each in ids])}")
                return {str(each["id"]): each for each in _statuses(found, f"{self.instance.host}, by id,")}
            except Denied:
                self._one_by_one = True
        met: dict[str, Status] = {}
        for each in ids:
            try:
                met[each] = await self.document(f"/api/v1/statuses/{each}")
            except Missing:
                continue
        return met

    async def context(self, status_id: str) -> list[Status]:
        """What stands above and below a post, as far as the server shows it (60 answers without a token).

        Raises:
            SourceUnavailable: as `get`.
        """
        path = f"/api/v1/statuses/{status_id}/context"
        found = await self.document(path)
        return [each for part in ("ancestors", "descendants") for each in _statuses(found.get(part), path)]

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
            found = _statuses(document, f"{self.instance.host}{path}")
            ids = [str(each["id"]) for each in found]
            reached = newest(*ids, *_linked(headers)) if ids else after
            if not ids or reached is None or reached == after:
                return
            yield sorted(found, key=lambda each: order(str(each["id"]))), reached
            if after is None:
                return
            after = reached

    async def search(self, params: Mapping[str, str], after: str | None) -> tuple[list[Status], str | None]:
        """What a search finds above ``after``, oldest first, and the newest id.

        The server sorts by age and pages by offset: what comes in between shifts a post to the next page,
        so it is found twice, never missed.
        """
        found: dict[str, Status] = {}
        for page in range(1 if after is None else SEARCH_PAGES):
            asked = {**params, "limit": PAGE, "offset": page * PAGE or None, "min_id": after}
            document = await self.document("/api/v2/search", asked)
            listed = _statuses(document.get("statuses"), "the search")
            fresh = [each for each in listed if after is None or order(str(each["id"])) > order(after)]
            found |= {str(each["id"]): each for each in fresh}
            if not fresh:
                break
        ids = sorted(found, key=order)
        return [found[each] for each in ids], ids[-1] if ids else after

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
        renewed = _moment(reset)
        if renewed is not None and timedelta() < (wait := renewed - self._clock()) <= LONGEST_REST:
            self._web.rest(url, wait, token_key=self.instance.token_key)


def _document(reply: Reply) -> Any:
    """The JSON of an answer, without the lone surrogates that no text may hold."""
    try:
        return parse_json(reply.body)
    except InvalidRecord:
        return reply.json()  # says in its error where it came from


def _told(reply: Reply) -> str:
    """What the server says of an error."""
    try:
        document = reply.json()
    except Unusable:
        return ""
    told = document.get("error") if isinstance(document, dict) else None
    return told[:200] if isinstance(told, str) else ""


def _statuses(found: Any, where: str) -> list[Status]:
    if not isinstance(found, list):
        raise Unusable(f"{where} gave no list of posts")
    return [each for each in found if isinstance(each, dict) and each.get("id")]


def _linked(headers: httpx.Headers) -> list[str]:
    """The id from which the header Link goes on to newer posts; it is never followed as an address."""
    found = _LINK.search(headers.get("Link", ""))
    try:
        after = httpx.URL(found[1]).params.get("min_id") if found else None
    except httpx.InvalidURL:
        return []
    return [after] if after else []


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
