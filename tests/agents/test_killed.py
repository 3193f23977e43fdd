"""Every polled kind as a process of its own, killed with -9 again and again: all lives together lose nothing.

A kind joins with a line in `KINDS`: its place of `tests.demo_sources`, and options that differ from there.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from time import time
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from agents.cursor import FileCursors
from tests.agents.life import Orders
from tests.demo_sources import networks, reviews, talks
from tests.demo_sources.place import NAMED, Place

ROOT = Path(__file__).resolve().parents[2]
MORE = 15
"""Posts before each life but the first."""
KILLS = 3
PATIENCE = 120.0
FREELY = {"limits": {"requests_per_second": 1000, "burst": 1000}}
Places = Callable[[], AbstractAsyncContextManager[Place]]


class Case(NamedTuple):
    """A kind: how its local place is made, options for this test, posts before the first kill."""

    places: Places
    options: Mapping[str, Any] = MappingProxyType({})
    first: int = 120
    haste: float = 1.0
    """For a kind that waits for its next turn also after a restart."""
    settled: int = 0
    """Posts that it collects in peace before: for one whose first reading skips old posts."""


KINDS = {
    "vk": Case(networks.vk, {"history": 500}),
    "telegram": Case(networks.telegram, {"history": 500}),
    "telegram-web": Case(networks.telegram_web, {"history": 500}),
    "youtube": Case(talks.youtube, {"history": 500}),
    "hackernews": Case(talks.hackernews),
    "reddit": Case(talks.reddit, settled=20),
    "appstore": Case(reviews.appstore),
    "appstore-connect": Case(reviews.appstore_connect),
    "googleplay": Case(reviews.googleplay),
    "page": Case(reviews.page, {"pages": 50}),
    "email": Case(talks.email, {"history": 500}),
    "rss": Case(partial(talks.rss, 6), haste=100.0),
}


class Told:
    """The texts that all lives together have published."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.texts: list[str] = []

    def hear(self, line: bytes) -> bool:
        """Whether it tells that a cursor was saved; else it tells of a post."""
        text = json.loads(line)
        self.texts += [] if text is None else [text]
        return text is None

    def missing(self) -> set[str]:
        """What was published at the source and by no life."""
        told = "\n".join(self.texts)
        return {marker for marker in self._place.published if marker not in told}


@asynccontextmanager
async def life(orders: Orders, folder: Path) -> AsyncIterator[asyncio.StreamReader]:
    """A process that collects; it is killed at the end, and must have lived until then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.agents.life", str(folder), stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(orders).encode())
        process.stdin.close()
        yield process.stdout
        assert process.returncode is None, "it ended by itself"
    finally:
        if process.returncode is None:
            process.kill()
        code = await process.wait()
    assert code == -signal.SIGKILL


async def lived(orders: Orders, folder: Path, told: Told, lines: int | None = None) -> None:
    """Live until so many lines are told (None: any), or nothing is missing and a cursor is saved."""
    saved = False
    async with asyncio.timeout(PATIENCE):
        async with life(orders, folder) as output:
            while lines != 0 and not (saved and not told.missing()):
                line = await output.readline()
                assert line, "it ended by itself"
                saved = told.hear(line)
                lines = None if lines is None else lines - 1
        async for line in output:  # what it had told when it was killed
            told.hear(line)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_lost_by_kills(kind: str, tmp_path: Path) -> None:
    case, chance = KINDS[kind], random.Random(kind)
    async with case.places() as place:
        assert place.entry is not None
        entry = {"name": "one", "kind": kind, **place.entry, **FREELY, **case.options}
        orders = Orders(entry, place.secrets, place.hosts, NAMED, case.haste, time())
        told = Told(place)
        if case.settled:
            await place.say(case.settled)
            await lived(orders, tmp_path, told)
        await place.say(case.first)
        for _ in range(KILLS):
            await lived(orders, tmp_path, told, chance.randint(1, len(told.missing())))
            await place.say(MORE)
        await lived(orders, tmp_path, told)
    assert not told.missing()
    assert not [text for text in told.texts if text.startswith("dead letter")]
    assert FileCursors(tmp_path).load(f"{kind}:one") is not None, "lives went on from a cursor"
