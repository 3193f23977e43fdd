"""Processes of a fleet as children, and what they publish as an independent consumer sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings
from pipeline.topics import DELETED, RAW
from schemas import Deletion, RawPost
from schemas.codec import decode, event_type, header

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 120


class Member:
    """One process of the fleet."""

    def __init__(self, settings: Settings, agents: list[str], log: Path) -> None:
        self._log = log.open("wb")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.agents.fleet.process", *agents],
            cwd=ROOT,
            env={**os.environ, **settings.environment(), "PYTHONPATH": str(ROOT)},
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def wait(self) -> int:
        return self._child.wait(30)

    def end(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._log.close()


@contextmanager
def members(settings: Settings, agents: list[str], folder: Path) -> Iterator[Callable[[], Member]]:
    """``start()`` a process; all are gone at the end of the block."""
    started: list[Member] = []

    def start() -> Member:
        started.append(Member(settings, agents, folder / f"member-{len(started)}.log"))
        return started[-1]

    try:
        yield start
    finally:
        for member in started:
            member.end()


class Seen(NamedTuple):
    """A post of an agent: which one of its posts, by which process, collected when."""

    number: str
    pid: int
    at: float


class Watcher:
    """What stands in the topics of posts and deletions, by agent."""

    def __init__(self) -> None:
        self.posts: dict[str, list[Seen]] = defaultdict(list)
        self.deleted: set[str] = set()
        self._changed = asyncio.Condition()

    async def read(self, consumer: Any) -> None:
        while True:
            async for message in consumer:
                await self._take(message)

    async def _take(self, message: Any) -> None:
        kind = header(message.headers, "ce_type")
        async with self._changed:
            if kind == event_type(RawPost):
                post = decode(RawPost, message.value)
                agent, _, number = post.native_id.partition("/")
                self.posts[agent].append(Seen(number, int(post.text), post.collected_at.timestamp()))
            elif kind == event_type(Deletion):
                self.deleted.add(decode(Deletion, message.value).native_id)
            self._changed.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; a minute or two at most."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._changed:
            await self._changed.wait_for(holds)

    def newest(self, agent: str) -> int:
        """Which process published the newest post of the agent; 0: none has."""
        return max(self.posts[agent], key=lambda seen: seen.at).pid if self.posts[agent] else 0

    def tenures(self, agent: str, since: float = 0) -> list[int]:
        """The processes that collected for the agent, in order of time, each once per time in a row."""
        in_time = sorted((seen for seen in self.posts[agent] if seen.at > since), key=lambda seen: seen.at)
        return [pid for pid, _ in groupby(seen.pid for seen in in_time)]

    def missing(self, agent: str) -> set[int]:
        """Numbers below the highest that nobody published."""
        numbers = {int(seen.number) for seen in self.posts[agent] if seen.number.isdecimal()}
        return set(range(max(numbers))) - numbers


@asynccontextmanager
async def watching(settings: Settings) -> AsyncIterator[Watcher]:
    """A consumer of its own that reads everything from the beginning."""
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()
        counts = await admin.topics()
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    await consumer.start()
    watcher = Watcher()
    reading = asyncio.ensure_future(watcher.read(consumer))
    try:
        places = [
            TopicPartition(topic, number) for topic in (RAW, DELETED) for number in range(counts[topic])
        ]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        yield watcher
    finally:
        reading.cancel()
        await asyncio.wait((reading,))
        await consumer.stop()
