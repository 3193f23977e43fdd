"""A kind of agent that needs no network: it posts ascending numbers, and says which process did."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Literal

from agents.base import BadConfiguration, Collected, Found, Gone, Progress, SourceUnavailable
from agents.kinds import Loaded
from agents.options import AgentOptions
from agents.surroundings import Surroundings
from schemas import RawPost
from schemas.base import LIVE

KIND = "counting"


class Options(AgentOptions):
    """``pause``: seconds between two posts; ``broken``: what it lacks; ``past``: whether it has any;
    ``away``: the day since which its past does not answer."""

    kind: Literal["counting"] = "counting"
    pause: float = 0.05
    broken: str = ""
    past: bool = True
    away: str = ""


class Counting:
    """Posts 0, 1, 2 ...; every tenth is deleted again."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace
        self._options = options
        self._around = around

    def post(self, native_id: str, created_at: datetime) -> RawPost:
        return RawPost(
            source=KIND,
            native_id=f"{self._options.name}/{native_id}",
            created_at=created_at,
            collected_at=self._around.clock(),
            text=str(os.getpid()),
        )  # type: ignore[call-arg]

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        yield Progress()
        number = int(cursor or 0)
        while True:
            now = self._around.clock()
            yield Found(self.post(str(number), now), f"{self.name}#{number}")
            if number % 10 == 9:
                yield Gone(KIND, f"{self._options.name}/{number}", now, f"{self.name}#{number}")
            number += 1
            yield Progress(str(number))
            await self._around.sleep(self._options.pause)


class CountingWithPast(Counting):
    """Its past is a post per hour."""

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        if f"{since:%Y-%m-%d}" == self._options.away:
            raise SourceUnavailable("its archive does not answer")
        moment = datetime.fromisoformat(cursor) if cursor else since - timedelta(hours=1)
        while moment < until + timedelta(hours=1):
            following = moment + timedelta(hours=1)
            yield Found(self.post(f"past/{moment:%Y%m%dT%H}", moment), "past", following.isoformat())
            moment = following


def build(options: Options, around: Surroundings) -> Counting:
    if options.broken:
        raise BadConfiguration(options.broken)
    return (CountingWithPast if options.past else Counting)(options, around)


def load(kind: str) -> Loaded:
    """As `agents.kinds.load`, of this kind alone."""
    assert kind == KIND
    return Loaded(Options, build)
