"""Whom posts answer to: Mastodon tells the parent by the server's own number, which is looked up here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from agents.base import SourceUnavailable
from agents.mastodon.api import Api, Denied, Status
from agents.mastodon.statuses import uri_of
from agents.remembered import Remembered

REMEMBERED: Final = 5000
BATCH: Final = 20
"""Statuses that may be asked for at once, since Mastodon 4.3."""


class Parent(NamedTuple):
    """``uri`` of a post, empty where it is hidden or gone; ``answers`` tells whether it answers as well."""

    uri: str
    answers: bool


class Parents:
    """The posts that were answered to, by instance and local id."""

    def __init__(self) -> None:
        self._known: Remembered[tuple[str, str], Parent] = Remembered(REMEMBERED)
        self._one_by_one: set[str] = set()
        """Instances that are too old to be asked for several."""

    async def learn(self, api: Api, statuses: Sequence[Status], recent: Remembered[str, str]) -> None:
        """Look up the parents of ``statuses`` that are not known; what cannot be learned stays unknown."""
        url = api.instance.url
        for status in statuses:
            self._note(url, status)
        wanted = dict.fromkeys(
            str(parent)
            for status in statuses
            if (parent := status.get("in_reply_to_id")) and (url, str(parent)) not in self._known
        )
        missing = [each for each in wanted if each not in recent]
        try:
            for begin in range(0, len(missing), BATCH):
                await self._ask(api, missing[begin : begin + BATCH])
        except SourceUnavailable:
            return  # a post is worth more than the knowledge of its parent, so it is not held up

    def of(
        self, api: Api, status: Mapping[str, Any], recent: Remembered[str, str]
    ) -> tuple[str | None, str | None]:
        """The URIs of a post's parent and of the beginning of its thread, as far as they are known."""
        parent_id = status.get("in_reply_to_id")
        if not parent_id:
            return None, None
        known = self._known.get((api.instance.url, str(parent_id)))
        if known is None:
            return recent.get(str(parent_id)), None
        return known.uri or None, known.uri if known.uri and not known.answers else None

    async def _ask(self, api: Api, ids: Sequence[str]) -> None:
        url = api.instance.url
        if url not in self._one_by_one:
            query = urlencode([("id[]", each) for each in ids])
            try:
                found, _ = await api.get(f"/api/v1/statuses?{query}")
            except Denied:
                self._one_by_one.add(url)
            else:
                for status in found if isinstance(found, list) else ():
                    self._note(url, status)
                for each in ids:
                    if (url, each) not in self._known:
                        self._known.note((url, each), Parent("", False))
                return
        for each in ids:
            try:
                self._note(url, await api.document(f"/api/v1/statuses/{each}"))
            except Denied:
                self._known.note((url, each), Parent("", False))

    def _note(self, url: str, status: Any) -> None:
        if isinstance(status, dict) and status.get("id"):
            parent = Parent(uri_of(status), bool(status.get("in_reply_to_id")))
            self._known.note((url, str(status["id"])), parent)
