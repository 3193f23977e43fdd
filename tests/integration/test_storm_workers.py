"""Real workers before a topic of bad records: they stop, say why, and leave the rest of it untouched."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from pipeline import topics
from pipeline.embedded.process import free_ports
from pipeline.kafka import KafkaAdmin
from pipeline.settings import Settings
from schemas.codec import Message, header
from tests.dead_letters.reading import records_of
from tests.sink.worlds import World, new_world, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

BAD = 3000
SOURCE = {"enrichment": topics.RAW, "detection": topics.MENTIONS, "storage": topics.ENRICHED}


@pytest.fixture
async def world(settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path) as made:
        yield made


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``start("storage", dead_letter_hold=60)`` -> the running ``molva worker storage``."""
    started: list[subprocess.Popen[str]] = []

    def run(stage: str, **changes: object) -> subprocess.Popen[str]:
        changed = {"data_dir": tmp_path, "dead_letter_burst": 50, "dead_letter_hold": 0, **changes}
        settings = Settings.model_validate({**world.settings.model_dump(), **changed})
        log = (tmp_path / f"{stage}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", "worker", stage],
            stderr=log,
            text=True,
            env={**os.environ, **settings.environment()},
        )
        log.close()
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


async def committed(world: World, stage: str) -> int:
    """How many records of the source the stage has acknowledged."""
    async with KafkaAdmin(world.settings) as admin:
        ends = await admin.end_offsets([SOURCE[stage]])
        found = await admin.committed_offsets(f"molva-{stage}", list(ends))
    return sum(offset or 0 for offset in found.values())


async def origins(world: World) -> set[str]:
    """Of the dead letters."""
    found = await records_of(world.settings, topics.DEAD_LETTERS)
    return {(header(record.headers, "ce_id") or "").partition("/")[2].partition("#")[0] for record in found}


@pytest.mark.parametrize("stage", list(SOURCE))
async def test_a_worker_stops_before_it_has_drained_the_topic(
    world: World, start: Callable[..., subprocess.Popen[str]], stage: str, tmp_path: Path
) -> None:
    await world.send(SOURCE[stage], [Message(b"%d" % n, b"{", []) for n in range(BAD)])
    process = start(stage)
    assert await asyncio.to_thread(process.wait) == 4
    log = (tmp_path / f"{stage}.log").read_text()
    assert f"molva: {stage} stopped:" in log, log[-2000:]
    assert "(not_json" in log
    assert "Traceback" not in log.rpartition("molva: ")[2]
    given_up = await origins(world)
    assert 50 <= len(given_up) < BAD / 2
    assert await committed(world, stage) <= len(given_up)


async def test_a_stopped_worker_stays_to_be_seen_and_ends_when_told(
    world: World, start: Callable[..., subprocess.Popen[str]]
) -> None:
    await world.send(topics.ENRICHED, [Message(b"%d" % n, b"{", []) for n in range(BAD)])
    (port,) = free_ports(1)
    process = start("storage", dead_letter_hold=3600, metrics_port=port)

    def stopped() -> bool:
        try:
            ready = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False)
        except httpx.TransportError:
            return False
        return ready.status_code == 503 and "storage stopped" in ready.text

    await until(stopped)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert 'molva_dead_letter_storm{stage="storage"} 1.0' in (await client.get("/metrics")).text
        assert (await client.get("/healthz")).status_code == 200
    before = await committed(world, "storage")
    process.terminate()
    assert await asyncio.to_thread(process.wait) == 4
    assert await committed(world, "storage") == before
