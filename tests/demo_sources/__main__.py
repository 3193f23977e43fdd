"""``make demo-sources``: every agent against a local server of its platform, its fleet killed three times."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import yaml

from pipeline.embedded.process import free_ports
from tests.demo_sources import found, networks, reviews, talks
from tests.demo_sources.place import NAMED, Place
from tests.e2e.conftest import Up, write_rows

FLEET = "agents-1"
TOKEN = "token-of-the-demo"
FIRST = 4
"""Posts of each source before the kills."""
KILLS = 3
SOONEST, LATEST = 0.02, 0.9
"""Shares of the further posts; when the fleet has collected so many of them it is killed."""
SEED = 6
POLL_S = 1.0


async def open_places(stack: AsyncExitStack, ingest: int, callback: int) -> list[Place]:
    """Start the local server of every kind."""
    simple = (
        networks.vk, networks.telegram, networks.telegram_web, networks.mastodon, networks.bluesky,
        talks.reddit, talks.hackernews, talks.youtube, talks.email, talks.rss,
        reviews.appstore, reviews.appstore_connect, reviews.googleplay, reviews.page,
    )  # fmt: skip
    places = [await stack.enter_async_context(each()) for each in simple]
    places.append(await stack.enter_async_context(networks.vk_callback(callback)))
    places.append(await stack.enter_async_context(talks.http(ingest, TOKEN)))
    return places


def configured(places: list[Place], folder: Path, ingest: int) -> Up:
    """`molva up` with an agents.yaml of all places; not started yet."""
    agents = [{"name": "demo", "kind": each.kind, **each.entry} for each in places if each.entry is not None]
    (folder / "agents.yaml").write_text(yaml.safe_dump({"agents": agents}, allow_unicode=True))
    watched = [{"id": "teplo", "kind": "brand", "name": NAMED, "aliases": [NAMED]}]
    (folder / "watchlist.yaml").write_text(yaml.safe_dump(watched, allow_unicode=True))
    environment = {
        "MOLVA_AGENTS": str(folder / "agents.yaml"),
        "MOLVA_AGENT_PRIVATE_HOSTS": ",".join(host for each in places for host in each.hosts),
        "MOLVA_HTTP_TOKEN": TOKEN,
        "MOLVA_HTTP_PORT": str(ingest),
    }
    for each in places:
        environment |= each.secrets
    return Up(folder / "data", watchlist=folder / "watchlist.yaml", **environment)


class Demo:
    """One run; ``seconds`` is when each source was complete, from the start on."""

    def __init__(self, places: list[Place], up: Up, patience: float) -> None:
        self.places, self.up = places, up
        self._chance = random.Random(SEED)
        self._killed_last = asyncio.Event()
        self.stored = found.Stored()
        self.seconds: dict[str, float] = {}
        self._began = time.monotonic()
        self._patience = patience

    async def run(self) -> None:
        """Publish, start, publish more, kill, and wait until all is stored.

        Raises:
            TimeoutError: something is not there after ``patience`` seconds.
        """
        for place in self.places:
            if place.listened is None:
                await place.say(FIRST)
        await asyncio.to_thread(self.up.start)
        self._tell("molva up is ready")
        async with asyncio.timeout(self._patience - self._passed()):
            await asyncio.gather(*(self._first(each) for each in self.places if each.listened is not None))
            await self._all_stored("the first posts are in ClickHouse")
            self.seconds.clear()
            async with asyncio.TaskGroup() as more:
                for each in self.places:
                    more.create_task(self._second(each))
                await self._kill()
            await self._all_stored("everything is in ClickHouse")
            await asyncio.to_thread(self._settle)
            self.stored = await asyncio.to_thread(found.look, self.up.rows)

    async def _first(self, place: Place) -> None:
        await place.heard()
        await place.say(FIRST)

    async def _second(self, place: Place) -> None:
        await place.say(place.more)
        if place.told_once:
            await self._killed_last.wait()
            await place.forsaken()
            await place.heard()
        await place.change()

    async def _kill(self) -> None:
        """Kill the fleet again and again, while it collects what is published meanwhile."""
        shares = sorted(self._chance.uniform(SOONEST, LATEST) for _ in range(KILLS))
        pid = 0
        for share in shares:
            collected = await self._collected(share)
            pid = await self._fleet(pid)
            os.kill(pid, signal.SIGKILL)
            self._tell(f"the fleet was killed with -9, {collected:.0%} of the further posts were stored")
        self._killed_last.set()

    async def _collected(self, share: float) -> float:
        """Wait until so much of the further posts is stored; the share."""
        fleet = [each for each in self.places if each.entry is not None]
        further = sum(each.more for each in fleet)
        while (
            stored := sum(self.stored.count(each) for each in fleet) - FIRST * len(fleet)
        ) < share * further:
            await asyncio.sleep(POLL_S / 10)
            self.stored = await asyncio.to_thread(found.look, self.up.rows)
        return stored / further

    async def _fleet(self, before: int) -> int:
        """The process id of the fleet, once it is another one than ``before``."""
        while (pid := await asyncio.to_thread(self.up.pid, FLEET)) == before:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(POLL_S / 10)
        return pid

    def _settle(self) -> None:
        """Wait until whatever was published so far, repetitions as well, is stored."""
        row = {"id": "last", "created_at": "2026-03-02T10:00:00Z", "text": "и это тоже"}
        self.up.replay(write_rows(self.up.data_dir.parent / "last.jsonl", [row]))

    async def _all_stored(self, message: str) -> None:
        while len(self.seconds) < len(self.places):
            self.stored = await asyncio.to_thread(found.look, self.up.rows)
            for place in self.places:
                if self.stored.has(place):
                    self.seconds.setdefault(place.kind, self._passed())
            await asyncio.sleep(POLL_S)
        self._tell(message)

    def _passed(self) -> float:
        return time.monotonic() - self._began

    def _tell(self, message: str) -> None:
        print(f"{self._passed():5.0f} s  {message}", flush=True)


async def played(folder: Path, patience: float) -> int:
    """The whole demo; the exit code."""
    ingest, callback = free_ports(2)
    async with AsyncExitStack() as stack:
        places = await open_places(stack, ingest, callback)
        demo = Demo(places, configured(places, folder, ingest), patience)
        wrong = []
        try:
            await demo.run()
        except TimeoutError:
            wrong.append(f"not everything is in ClickHouse after {patience:.0f} s")
            await asyncio.to_thread(_explain, demo.up)
        except AssertionError as error:  # of `Up`: molva up did not start, or a command failed
            wrong.append(str(error))
        finally:
            code = await asyncio.to_thread(demo.up.stop) if demo.up.process else 0
        found.show(places, demo.stored, demo.seconds)
        wrong += found.mistakes(places, demo.stored)
        if code:
            wrong.append(f"molva up ended with exit code {code}")
        for line in wrong:
            print(line, file=sys.stderr)
        return 1 if wrong else 0


def _explain(up: Up) -> None:
    done: Any = up.run("agents", "--file", up.environment["MOLVA_AGENTS"])
    print(done.stdout, done.stderr, sep="\n", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.demo_sources", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="give up after so many (default: 300)")
    parser.add_argument("--folder", type=Path, help="an empty folder for data and logs, which stay there")
    chosen = parser.parse_args()
    kept: Path | None = chosen.folder
    if kept is not None and kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
        parser.error(f"{kept} is no empty folder: name another --folder")
    try:
        with tempfile.TemporaryDirectory(prefix="molva-demo-sources-") as folder:
            place = Path(folder) if kept is None else kept.resolve()
            place.mkdir(parents=True, exist_ok=True)
            return asyncio.run(played(place, chosen.seconds))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
