"""Whom posts answer to: Mastodon tells the parent by the server's own number, which is looked up here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from agents.base import SourceUnavailable
from agents.mastodon.answers import Status
from agents.mastodon.api import BATCH, Api
from agents.mastodon.statuses import uri_of
from agents.remembered import Remembered
from agents.web import Forbidden

REMEMBERED: Final = 5000


class Parent(NamedTuple):
    """``uri`` of a post, empty where it is hidden or gone; ``root`` that of its thread, where it is known."""

    uri: str
    root: str


class Parents:
    """The posts that were answered to, by instance and local id."""

    def __init__(self) -> None:
        self._known: Remembered[tuple[str, str], Parent] = Remembered(REMEMBERED)

    async def learn(self, api: Api, statuses: Sequence[Status], recent: Remembered[str, str]) -> None:
        """Look up the parents of ``statuses`` that are not known; what cannot be learned stays unknown."""
        url = api.instance.url
        self.note(api, statuses)
        wanted = dict.fromkeys(
            str(parent)
            for status in statuses
            if (parent := status.get("in_reply_to_id")) and (url, str(parent)) not in self._known
        )
        missing = [each for each in wanted if each not in recent]
        try:
            for begin in range(0, len(missing), BATCH):
                await self._ask(api, missing[begin : begin + BATCH])
        except (SourceUnavailable, Forbidden):
            return  # a post is worth more than the knowledge of its parent, so it is not held up

    def note(self, api: Api, statuses: Sequence[Status]) -> None:
        """Remember posts that may be answered to; what stands above another one comes before it."""
        url = api.instance.url
        for status in statuses:
            uri, above = uri_of(status), status.get("in_reply_to_id")
            parent = self._known.get((url, str(above))) if above else None
            root = uri if not above else "" if parent is None else parent.root
            self._known.note((url, str(status["id"])), Parent(uri, root))

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
        return known.uri or None, known.root or None

    async def _ask(self, api: Api, ids: Sequence[str]) -> None:
        found = await api.statuses(ids)
        self.note(api, list(found.there.values()))
        for each in found.absent:
            self._known.note((api.instance.url, each), Parent("", ""))
