"""The end of a hosted agent: bounded, whatever its source does; and what its failures are told as."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from agents.base import Collected, Progress, PublishFailed
from agents.fleet import hosted as hosting
from agents.kinds import Loaded
from agents.surroundings import Surroundings
from tests.agents.fleet.counting import Counting, Options
from tests.agents.fleet.hosting import House
from tests.agents.fleet.test_hosted import AGENT, options, posts_of


class Clinging(Counting):
    """Its connection does not let itself be closed before ``released``."""

    released: asyncio.Event

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        try:
            async for item in super().posts(cursor):
                yield item
        finally:
            while not self.released.is_set():
                try:
                    await self.released.wait()
                except asyncio.CancelledError:
                    continue


async def test_a_source_that_does_not_close_holds_up_no_rebalance(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hosting, "ORDERLY_SECONDS", 0.05)
    monkeypatch.setattr(hosting, "CANCEL_SECONDS", 0.05)
    released = asyncio.Event()

    def build(chosen: Options, around: Surroundings) -> Clinging:
        source = Clinging(chosen, around)
        source.released = released
        return source

    house = House()
    hosted = house.host(options(), lambda _: Loaded(Options, build))
    await house.until(lambda: posts_of(house) > 0)
    with caplog.at_level(logging.WARNING):
        await hosted.stop(orderly=True)
    assert f"{AGENT} has not ended within" in caplog.text and f"{AGENT} does not end" in caplog.text
    assert house.reports(AGENT)[-1].phase == "stopped"
    released.set()
    await asyncio.wait(hosted._tasks)


async def test_kafka_that_is_away_while_a_cursor_file_is_taken_over_is_waited_for() -> None:
    house = House()
    await house.files.save("counting", "40")
    failures, write = 2, house.write

    async def away(key: str, value: bytes | None) -> None:
        nonlocal failures
        if key == AGENT and failures > 0:
            failures -= 1
            raise PublishFailed("Kafka is away")
        await write(key, value)

    house.write = away  # type: ignore[method-assign]
    hosted = house.host(options())
    await house.until(lambda: posts_of(house) > 0)
    await hosted.stop(orderly=True)
    assert hosting.AGAIN_SECONDS in house.time.pauses and hosting.REMEDY_SECONDS not in house.time.pauses
    assert "failed" not in {report.phase for report in house.reports(AGENT)}


class Quiet(Counting):
    """None of its places answers; it tries again by itself."""

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        while True:
            yield Progress(trouble="none of 3 feeds can be read")
            await self._around.sleep(60)


async def test_an_agent_none_of_whose_places_answers_does_not_run() -> None:
    house = House()
    hosted = house.host(options(), lambda _: Loaded(Options, Quiet))

    def waits_for_long() -> bool:
        return any(
            report.phase == "waiting" and report.idle(report.at) for report in house.reports(AGENT)[-1:]
        )

    await house.until(waits_for_long)
    problem = house.reports(AGENT)[-1].problem
    await hosted.stop(orderly=True)
    assert problem == "none of 3 feeds can be read"
