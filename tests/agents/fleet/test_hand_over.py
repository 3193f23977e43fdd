"""Two processes of a fleet: each agent has one active instance, and nothing is lost when one goes.

Every process is a child of its own, the broker is the embedded one and Apache Kafka in turn.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.settings import Settings
from tests.agents.fleet.watching import Member, Watcher, members, watching

pytestmark = pytest.mark.integration
AGENTS = ["a", "b", "c", "d", "e", "f", "g", "h"]
"""They hash to five partitions or more, on both halves of a range assignment."""
NewBroker = Callable[[Path], Any]


def settings_of(broker: Any, folder: Path) -> Settings:
    return broker.settings(Settings(data_dir=folder / "data", partitions=3))  # type: ignore[no-any-return]


async def both_at_work(watcher: Watcher, first: Member, second: Member) -> None:
    """Until each agent is run by one of the two, and each of them runs some."""
    wanted = {first.pid, second.pid}
    await watcher.until(lambda: {watcher.newest(agent) for agent in AGENTS} == wanted)


async def test_a_process_that_is_killed_is_replaced_and_nothing_is_lost(
    new_broker: NewBroker, tmp_path: Path
) -> None:
    settings = settings_of(new_broker(tmp_path), tmp_path)
    async with watching(settings) as watcher:
        with members(settings, AGENTS, tmp_path) as start:
            first, second = start(), start()
            await both_at_work(watcher, first, second)
            killed_at = time.time()
            second.send(signal.SIGKILL)
            second.wait()
            await watcher.until(lambda: all(watcher.newest(agent) == first.pid for agent in AGENTS))
            first.send(signal.SIGTERM)
            assert first.wait() == 0
        for agent in AGENTS:
            assert watcher.missing(agent) == set()
            assert len(watcher.tenures(agent)) <= 4, "two at a time"
            assert watcher.tenures(agent, killed_at) == [first.pid]
            reached = max(int(seen.number) for seen in watcher.posts[agent])
            every_tenth = {f"{agent}/{number}" for number in range(9, reached, 10)}
            assert every_tenth <= watcher.deleted


async def test_a_process_that_was_suspended_publishes_nothing_when_it_wakes(
    new_broker: NewBroker, tmp_path: Path
) -> None:
    settings = settings_of(new_broker(tmp_path), tmp_path)
    async with watching(settings) as watcher:
        with members(settings, AGENTS, tmp_path) as start:
            first, second = start(), start()
            await both_at_work(watcher, first, second)
            second.send(signal.SIGSTOP)
            stopped_at = time.time()
            await watcher.until(lambda: all(watcher.newest(agent) == first.pid for agent in AGENTS))
            second.send(signal.SIGCONT)
            await both_at_work(watcher, first, second)
        for agent in AGENTS:
            assert watcher.missing(agent) == set()
            # after its return the group divides the agents anew, so it may have some again, after the first
            assert watcher.tenures(agent, stopped_at) in ([first.pid], [first.pid, second.pid])
