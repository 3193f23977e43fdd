"""Edits and deletions that no stream told: the latest posts of an instance are asked for again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from agents.base import AgentError, Collected, Refused, SourceUnavailable
from agents.mastodon.api import BATCH, Api
from agents.mastodon.collecting import Collector
from agents.mastodon.conversations import Conversations
from agents.mastodon.feeds import Feed
from agents.surroundings import Surroundings
from agents.web import Forbidden

SETTLED: Final = timedelta(seconds=30)
"""After so long a stream that was asked for is open, and a post that is absent may be asked for again."""
OFTEN: Final = timedelta(minutes=15)
"""Between two rounds where streams are lost, or a server does not answer."""
SELDOM: Final = timedelta(hours=1)
"""Between two rounds otherwise."""
LATEST: Final = Feed(key="latest")
"""What was collected stays wanted, whatever an edit makes of it."""

log = logging.getLogger("molva.agent.mastodon")


class Unheard:
    """Asks in rounds, `BATCH` posts at once; a post was deleted that is absent twice where all else is well.

    ``due`` is the moment of the next `step`. Posts of accounts that `Conversations` looks at are left to it.
    """

    def __init__(
        self,
        api: Api,
        collector: Collector,
        around: Surroundings,
        conversations: Conversations,
        accounts: Sequence[Feed],
    ) -> None:
        self._api = api
        self._collector = collector
        self._around = around
        self._conversations = conversations
        self._accounts = accounts
        self._lost = self._recent
        """What was known when nobody listened any more: an outage may bring more than is remembered."""
        self._asked: dict[str, str] = {}
        self._left: list[str] = []
        self._absent: list[str] = []
        self._doubted: frozenset[str] = frozenset()
        self._pause = SELDOM
        self._begun = around.clock() - OFTEN
        self._not_before = around.clock()
        self.due = around.clock() + SETTLED

    def lost(self) -> None:
        """A stream has ended."""
        self._lost = self._lost or self._recent

    def opened(self) -> None:
        """A stream was opened: what happened before is asked for, all of it, once it surely is open."""
        self._left, self._absent = [], []
        due = self._around.clock() + SETTLED
        self._rest_until(min(max(due, self._begun + OFTEN), max(self._begun + SELDOM, self._around.clock())))

    async def step(self) -> list[Collected]:
        """What became of the next posts; failures are told, and the posts left to the next round."""
        if not self._left:
            self._begin()
        asked, self._left = self._left[:BATCH], self._left[BATCH:]
        items = list[Collected]()
        try:
            items = await self._ask(asked)
        except (SourceUnavailable, Forbidden) as error:
            self._tell(error)
            self._pause = OFTEN
            if isinstance(error, Refused) and error.retry_after is not None:
                self._not_before = self._around.clock() + error.retry_after
        if self._left:
            self._rest_until(self._around.clock())  # after whatever else is due
        else:
            self._end()
        return items

    @property
    def _recent(self) -> dict[str, str]:
        return self._collector.recent[self._api.instance.url].copy()

    def _rest_until(self, moment: datetime) -> None:
        self.due = max(moment, self._not_before)

    def _begin(self) -> None:
        """Ask for all, the newest first."""
        self._asked, self._lost = {**self._lost, **self._recent}, {}
        self._left = [each for each in self._asked if not self._conversations.has(each)][::-1]
        self._begun, self._pause = self._around.clock(), SELDOM
        self._absent, self._doubted = [], frozenset()

    def _end(self) -> None:
        """Go on with what was absent for the first time, or rest."""
        self._doubted, self._left, self._absent = frozenset(self._absent), self._absent, []
        self._rest_until(self._around.clock() + (SETTLED if self._left else self._pause))

    async def _ask(self, numbers: list[str]) -> list[Collected]:
        found = await self._api.statuses(numbers)
        gone = [each for each in found.absent if each in self._doubted]
        if gone:
            await self._require_all_well()
        self._absent += [each for each in found.absent if each not in self._doubted]
        edited = [status for status in found.there.values() if status.get("edited_at")]
        items = await self._collector.posts(self._api, LATEST, edited)
        for number in gone:
            items += self._collector.absent(self._api, number, self._asked[number])
        return items

    async def _require_all_well(self) -> None:
        """That the instance works, and the accounts are there: who is suspended has deleted nothing.

        Raises:
            SourceUnavailable: it does not, or one is not.
        """
        await self._api.about()
        for feed in self._accounts:
            await self._collector.statuses_path(self._api, feed, again=True)

    def _tell(self, error: AgentError) -> None:
        self._around.metrics.agent_errors.labels(self._around.agent, type(error).__name__).inc()
        log.warning("%s, latest posts of %s: %s", self._around.agent, self._api.instance.host, error)
