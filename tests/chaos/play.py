"""Plays a schedule on a world: publishes, disturbs, waits for rest, and lets the ledger judge."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from aiokafka.errors import KafkaError

from pipeline.embedded.process import LOOPBACK
from tests.chaos.faults import befall
from tests.chaos.ledger import judge, open_books
from tests.chaos.means import NotHere
from tests.chaos.offsets import lag
from tests.chaos.posts import Publisher, copy_of, read_story, with_poison
from tests.chaos.report import Report, Struck
from tests.chaos.schedule import Fault
from tests.chaos.world import PARTITIONS, World, until

CALM = "calm"
REST_S = 240.0
"""Everything must come to rest within this time of its last movement."""
RECOVERY_S = 240.0
LOOK_S = 0.3
STORED = "SELECT count() FROM ledger WHERE base = 'posts'"


class Run:
    """A schedule on a world. ``say`` gets a line for each thing worth telling."""

    def __init__(self, world: World, schedule: Sequence[Fault], say: Callable[[str], None]) -> None:
        self._world, self._schedule, self._say = world, schedule, say
        self._direct = ",".join(f"{LOOPBACK}:{node.port}" for node in world.kafka.nodes)
        self._log = world.folder / "published.jsonl"
        self._busy: dict[str, asyncio.Lock] = {}
        self._began = time.monotonic()

    async def play(self, seed: int, posts: int, rate: float | None) -> Report:
        """Publish, disturb, wait, judge.

        Raises:
            TimeoutError: something did not come to rest; the message says what.
        """
        report = Report(seed, len(self._world.kafka.nodes))
        await asyncio.to_thread(open_books, self._world.ask())
        story = read_story(min(posts, 5908))
        copies = math.ceil(posts / len(story))
        with self._log.open("w", encoding="utf-8") as log:
            await Publisher(self._direct, log).publish(copy_of(story, CALM, PARTITIONS), None)
            log.flush()
            await self._rest()
            self._began = time.monotonic()
            self._say(f"{self._after():6.1f} s  the undisturbed copy is judged; {posts} posts under fire")
            publisher = Publisher(self._direct, log)
            async with asyncio.TaskGroup() as tasks:
                striking = [tasks.create_task(self._strike(fault, publisher)) for fault in self._schedule]
                names = [f"{seed}-{number}" for number in range(copies)]
                made = (each for name in names for each in copy_of(story, name, PARTITIONS))
                await publisher.publish(with_poison(made, seed), rate)
                self._say(f"{self._after():6.1f} s  all is published")
        report.struck = [task.result() for task in striking]
        await self._world.ready(RECOVERY_S)
        await self._rest()
        self._say(f"{self._after():6.1f} s  at rest")
        report.verdict = await judge(self._log, self._direct, self._world.ask(), f"replay:chaos-{CALM}")
        report.seconds = self._after()
        report.crashes = [
            f"{each.name} ended with {each.exit_code}: {each.tail[-300:]}"
            for each in self._world.crashes
            if each.exit_code not in (0, 137)
        ]
        return report

    async def _strike(self, fault: Fault, publisher: Publisher) -> Struck:
        while publisher.published < fault.at:  # noqa: ASYNC110 — the publisher tells no event
            await asyncio.sleep(0.02)
        target = "broker" if fault.target.startswith("broker") else fault.target
        async with self._busy.setdefault(target, asyncio.Lock()):
            struck = Struck(fault, self._after())
            try:
                async with befall(self._world, fault):
                    await asyncio.sleep(fault.seconds)
            except NotHere as error:
                struck.why = f"not done: {error}"
                self._say(str(struck))
                return struck
            published, ended = publisher.published, time.monotonic()
        await until(
            self._unrecovered(published), lambda left: not left, RECOVERY_S, f"{fault}: not recovered"
        )
        struck.recovery_s = round(time.monotonic() - ended, 1)
        self._say(str(struck))
        return struck

    def _unrecovered(self, published: int) -> Callable[[], Any]:
        async def look() -> object:
            if waiting := await self._world.unready():
                return waiting
            try:
                stored = await asyncio.to_thread(self._world.ask().value, STORED)
            except httpx.HTTPError as error:
                return str(error)
            return f"{stored} of {published} posts stored" if stored < published else None

        return look

    async def _rest(self) -> None:
        """Return when every group has committed the end of every topic, and nothing moves any more."""
        before: object = None
        moved = time.monotonic()
        while True:
            behind = None
            with suppress(KafkaError):
                behind = await lag(self._direct)
            if behind is not None and not any(behind.values()) and before == behind:
                return
            if behind != before:
                before, moved = behind, time.monotonic()
            if time.monotonic() - moved > REST_S:
                left = {place: count for place, count in (behind or {}).items() if count}
                raise TimeoutError(f"no rest: {left}; not ready: {await self._world.unready()}")
            await asyncio.sleep(LOOK_S)

    def _after(self) -> float:
        return time.monotonic() - self._began


async def run(folder: Path, schedule: Sequence[Fault], say: Callable[[str], None], **options: Any) -> Report:
    """Play a schedule in a world of its own: options are ``seed``, ``posts``, ``rate`` and ``brokers``."""
    async with World(folder, options.pop("brokers", 1)) as world:
        return await Run(world, schedule, say).play(**options)
