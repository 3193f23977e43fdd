"""A simulated day of a hosted agent over a server with moods: nothing in the process or in Kafka grows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from agents.fleet.cursor_rows import STATE, put
from agents.fleet.hosted import HostedAgent
from agents.fleet.premises import Premises
from agents.fleet.vitals import Report
from agents.kinds import load
from agents.manual_time import ManualTime
from agents.options import AgentOptions
from tests.agents.day import HOURS, MIB, SETTLED, STEP_SECONDS, held, traced, turns
from tests.agents.fleet.hosting import House
from tests.agents.rss.server import XML, rss

AGENT = "rss:news"
FEEDS = 3
REPORTS_A_DAY = 24 * 3600 // 15
MOST_ROW_BYTES = REPORTS_A_DAY * 1500 + 24 * 6 * FEEDS * 8192
"""Of a day: a report every 15 s, and a cursor after each look at a feed."""


class Moody:
    """Feeds with something new every hour, some failures, some wishes to be left alone, some broken lines."""

    def __init__(self, time: ManualTime) -> None:
        self._time = time
        self._began = time.clock()
        self.asked = 0
        self.connections = 0
        self.place = ""

    @property
    def hour(self) -> int:
        return (self._time.clock() - self._began) // timedelta(hours=1)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.asked % 11 == 0 and request.transport is not None:
            request.transport.abort()
        if self.asked % 7 == 0:
            return web.Response(status=429, headers={"Retry-After": "120"})
        if self.asked % 5 == 0:
            return web.Response(status=500)
        number = int(request.path[1:]) * 1000 + self.hour
        return web.Response(body=rss(*range(max(0, number - 20), number + 1)), content_type=XML)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Moody]:
        app = web.Application()
        app.router.add_get("/{feed}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.place = "{}:{}".format(*runner.addresses[0])
            self._runner = runner
            yield self
        finally:
            await runner.cleanup()

    def count(self) -> None:
        """Note how many connections are open."""
        assert self._runner.server is not None
        self.connections = max(self.connections, len(self._runner.server.connections))


class Lasting(House):
    """Its Kafka keeps the newest rows only, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.row_bytes = 0

    async def write(self, key: str, value: bytes | None) -> None:
        self.row_bytes += len(value or b"")
        put(self.rows, key, value)


def options(place: str) -> AgentOptions:
    feeds = [{"url": f"http://{place}/{number}", "interval": "10m"} for number in range(FEEDS)]
    return load("rss").options.model_validate({"name": "news", "kind": "rss", "feeds": feeds})


def sizes(premises: Premises, house: House) -> dict[str, int]:
    """What must not grow."""
    traffic = premises.outside.traffic
    return {
        "buckets": len(traffic.rates._turns),
        "circuits": len(traffic.breakers._circuits),
        "rows": len(house.rows),
        "series": sum(len(family.samples) for family in house.metrics.registry.collect()),
        "tasks": len(asyncio.all_tasks()),
    }


async def test_a_day_of_a_hosted_agent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="molva")  # what is logged would be kept, with its errors
    house = Lasting()
    house.time = time = ManualTime()  # type: ignore[assignment]
    found = 0
    async with Moody(time).opened() as site:
        premises = house.premises(load)
        outside = replace(premises.outside, private=frozenset((site.place,)))
        premises = replace(premises, outside=outside)
        hosted = HostedAgent(options(site.place), premises, house.rows, house.write, house.lease)
        memory: dict[int, int] = {}
        settled: dict[str, int] = {}
        with traced():
            hosted.start()
            for step in range(1, HOURS * 3600 // STEP_SECONDS + 1):
                time.move(seconds=STEP_SECONDS)
                await turns()
                site.count()
                hour, rest = divmod(step * STEP_SECONDS, 3600)
                if rest == 0:
                    found += len(house.publisher.sent)
                    house.publisher.sent.clear()
                    time.pauses.clear()
                    if hour in (SETTLED, HOURS):
                        memory[hour] = held()
                    if hour == SETTLED:
                        settled = sizes(premises, house)
        report = Report.model_validate_json(house.rows[f"{AGENT}{STATE}"])
        later = sizes(premises, house)
        await hosted.stop(orderly=False)
    assert found > 15 * FEEDS and report.errors.keys() >= {"Refused"} and site.asked > 100
    assert {name: size for name, size in later.items() if size > settled[name] + 2} == {}
    assert memory[HOURS] - memory[SETTLED] <= MIB, f"{memory}"
    assert site.connections <= 2 * FEEDS
    assert house.row_bytes <= MOST_ROW_BYTES, f"{house.row_bytes} bytes of rows"
