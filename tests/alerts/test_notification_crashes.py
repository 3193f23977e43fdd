"""The notification stage is killed between any two of its steps: a revision never tells two things."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.alerts.receiver import Notification, Outcome
from pipeline.emission import Outgoing
from pipeline.stages import intent
from pipeline.topics import ALERTS, DEAD_LETTERS
from schemas import Alert, AlertAction, Record
from schemas.codec import decode, encode
from tests.alerts.spikes import MINUTE, at, spike
from tests.alerts.surroundings import MemoryRows, Scripted, Stage, Time, webhooks

RECORDS: tuple[Record | bytes, ...] = (
    spike("bank", name="регулятор"),
    spike("bank", 2, "updated", minute=1, name="регулятор"),
    spike("rival", name="регулятор", minute=1),  # joins the first one's incident
    AlertAction(id="a1", action="acknowledge", target=spike("bank").id, at=at(2), author="anna"),
    AlertAction(id="a2", action="unacknowledge", target=spike("bank").id, at=at(2), author="anna"),
    b"{",
    spike("third", severity="critical", minute=2),
    AlertAction(id="a3", action="snooze", target="third", until=at(6000), at=at(0)),
    spike("bank", 3, "updated", minute=3, severity="critical"),
    AlertAction(id="a4", action="cancel", target="a3", at=at(4)),
    spike("bank", 4, "resolved", minute=5),
    spike("rival", 2, "resolved", minute=6),
    spike("third", 2, "resolved", minute=7),
)


class Killed(BaseException):
    """The process is gone: none of its steps does anything any more, and nothing outlives it to catch it."""


class Fuse:
    """Burns down by one with every step that the world outside would see."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.burnt = 0

    def step(self) -> None:
        if self.left <= 0:
            raise Killed
        self.left -= 1
        self.burnt += 1


class World:
    """What outlives a process: the journal, the topics, what is acknowledged, what the receiver has heard."""

    def __init__(self) -> None:
        self.rows = MemoryRows()
        self.time = Time()
        self.topic: list[Outgoing] = []
        self.acknowledged = 0
        self.heard: list[Notification] = []
        self.early: list[str] = []
        """Keys of notifications that were told before they were published."""

    def alerts(self) -> list[Alert]:
        return [decode(Alert, each.message.value) for each in self.topic if each.topic == ALERTS]

    def contents(self) -> dict[str, set[bytes]]:
        """By incident and revision, what was published under it."""
        found: dict[str, set[bytes]] = {}
        for each in self.topic:
            if each.topic == ALERTS:
                found.setdefault(decode(Alert, each.message.value).event_id, set()).add(each.message.value)
        return found

    def letters(self) -> set[bytes]:
        return {each.message.key for each in self.topic if each.topic == DEAD_LETTERS}


class DyingRows(MemoryRows):
    """Kafka takes the rows of a write one after the other."""

    def __init__(self, world: World, fuse: Fuse) -> None:
        self.rows = world.rows.rows
        self._fuse = fuse

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        for key, value in rows.items():
            self._fuse.step()
            await super().write({key: value})
            await asyncio.sleep(0)


class DyingReceiver(Scripted):
    """Whatever it is told has been published."""

    def __init__(self, world: World, fuse: Fuse) -> None:
        super().__init__("chat")
        self._world = world
        self._fuse = fuse

    async def send(self, notification: Notification) -> Outcome:
        self._fuse.step()
        value = encode(notification.alert).value
        if not any(each.message.value == value for each in self._world.topic):
            self._world.early.append(notification.idempotency_key)
        self._world.heard.append(notification)
        return await super().send(notification)


class Life(Stage):
    """One process, from its start to its end or to the end of its fuse."""

    def __init__(self, world: World, fuse: Fuse) -> None:
        receiver = DyingReceiver(world, fuse)
        super().__init__(webhooks("chat"), [receiver], DyingRows(world, fuse), world.time)
        self._world = world
        self._fuse = fuse

    async def _emit(self, items: Sequence[Outgoing]) -> None:
        for item in items:
            self._fuse.step()
            self._world.topic.append(item)
            await asyncio.sleep(0)

    async def live(self, batch: int) -> None:
        """Take all that is not acknowledged, so many records at once, and tell everybody."""
        try:
            await self.shift.start()
            while (done := self._world.acknowledged) < len(RECORDS):
                self.offset = done
                records = RECORDS[done : done + batch]
                await self.take(*records)
                self._fuse.step()
                self._world.acknowledged = done + len(records)
                self.time.now += MINUTE
                await self.shift.tick()
                self.shift.raise_failure()
            while any(key.startswith("outbox|") for key in self.rows.rows):
                await asyncio.sleep(0)
                self.shift.raise_failure()
        finally:
            for task in self.shift._tasks:
                task.cancel()
            await asyncio.gather(*self.shift._tasks, return_exceptions=True)


async def lived(*lives: tuple[int, int]) -> tuple[World, int]:
    """The world after processes that had so many steps and took so many records at once; the steps of all."""
    world, steps = World(), 0
    for fuse, batch in ((Fuse(steps), batch) for steps, batch in (*lives, (10_000, 1))):
        try:
            await Life(world, fuse).live(batch)
        except Killed:
            world.time.now += 7 * MINUTE
        steps += fuse.burnt
    return world, steps


def story(world: World) -> list[tuple[Any, ...]]:
    """The events of incidents without their moments, each where it came first."""
    events = {
        alert.event_id: (alert.revision, alert.event, alert.status, alert.severity, alert.acknowledged_by)
        for alert in reversed(world.alerts())
    }
    return sorted((key, *event) for key, event in events.items())


def assert_same(world: World, undisturbed: World) -> None:
    assert {key for key, values in world.contents().items() if len(values) > 1} == set()
    assert world.early == []
    assert story(world) == story(undisturbed)
    assert world.letters() == undisturbed.letters()
    keys = list(dict.fromkeys(each.idempotency_key for each in world.heard))
    assert keys == [each.idempotency_key for each in undisturbed.heard]
    assert not any(key.startswith(("outbox|", intent.PREFIX)) for key in world.rows.rows)


def test_a_kill_at_any_step_changes_nothing_that_anybody_reads() -> None:
    undisturbed, steps = asyncio.run(lived((10_000, 1)))
    assert len(undisturbed.letters()) == 1
    assert steps > 60
    for fuse in range(steps + 1):
        world, _ = asyncio.run(lived((fuse, 1)))
        assert_same(world, undisturbed)


LIVES = st.lists(st.tuples(st.integers(0, 90), st.integers(1, len(RECORDS))), max_size=5)


@settings(deadline=None, max_examples=100)
@given(LIVES)
def test_nor_do_several_kills_though_records_come_in_other_batches(lives: list[tuple[int, int]]) -> None:
    world, _ = asyncio.run(lived(*lives))
    undisturbed, _ = asyncio.run(lived())
    assert_same(world, undisturbed)


def test_an_intent_of_several_rows_stands_only_as_a_whole() -> None:
    rows = {"row|я": "ж".encode() * intent.PART_BYTES, "gone": None}
    whole = intent.Intent.of([], [], rows)
    parts = whole.parts()
    assert parts.keys() == {"intent|1/3", "intent|2/3", "intent|3/3"}
    assert intent.Intent.join(dict(reversed(parts.items()))) == whole
    assert whole.values == rows
    for lost in parts:
        assert intent.Intent.join({key: value for key, value in parts.items() if key != lost}) is None
    assert intent.Intent.join({}) is None
