"""Posts that an earlier version had given up, replayed through the real workers: counted once everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline import topics
from pipeline.core.object_state import ObjectState
from pipeline.dead_letters.choice import Choice
from pipeline.dead_letters.store import Store
from pipeline.drain import drain
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings
from schemas import RawPost
from tests.dead_letters.reading import records_of
from tests.dead_letters.worlds import given_up
from tests.sink.worlds import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

POSTS = 24
WATCHLIST = Path(str(files("pipeline.demo") / "watchlist.yaml"))
T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def environment(world: World, tmp_path: Path) -> dict[str, str]:
    changes = {"data_dir": tmp_path, "watchlist": WATCHLIST}
    settings = Settings.model_validate({**world.settings.model_dump(), **changes})
    return {**os.environ, **settings.environment()}


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Call it to start the real stages."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        for stage in ("enrichment", "detection", "storage", "notification"):
            with (tmp_path / f"{stage}.log").open("wb") as log:
                command = [sys.executable, "-m", "pipeline.cli", "worker", stage]
                started.append(subprocess.Popen(command, stderr=log, env=environment))

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(60)


def molva(environment: dict[str, str], *arguments: str) -> Any:
    """The JSON that a command prints."""
    command = [sys.executable, "-m", "pipeline.cli", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def acknowledge_all(world: World) -> None:
    """As the earlier version did after it had given everything up."""
    places = [TopicPartition(topics.RAW, number) for number in range(world.settings.partitions)]
    async with KafkaAdmin(world.settings) as admin:
        ends = await admin.end_offsets([topics.RAW])
    consumer = AIOKafkaConsumer(
        **client_options(world.settings), group_id="molva-enrichment", enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign(places)
    await consumer.commit(ends)
    await consumer.stop()


async def counted(world: World) -> dict[str, int]:
    """Mentions that detection counts, by object, out of the changelog of its states."""
    states: dict[bytes, bytes] = {}
    for record in await records_of(world.settings, "molva-detection-state-changelog"):
        if b"|object|" in record.key:
            states[record.key] = record.value
    async with KafkaAdmin(world.settings) as admin:
        cluster = await admin.cluster_id()
    found = {}
    for value in states.values():
        state = ObjectState.load(value, cluster)
        found[state.name] = sum(content.whole.total for content in state.pending.buckets.values())
    return found


async def settled(world: World) -> None:
    async with KafkaAdmin(world.settings) as admin:
        await drain(admin, lambda: datetime.now(UTC), timedelta(seconds=90))


async def test_replaying_twice_leaves_one_row_one_mention_and_one_count(
    world: World, store: Store, environment: dict[str, str], workers: Callable[[], None]
) -> None:
    posts = [
        RawPost(
            source="vk",
            native_id=str(number),
            created_at=T0 + timedelta(seconds=number),
            collected_at=T0 + timedelta(minutes=1),
            text=f"Рассвет Банк опять лежит, это ужас, {number}-й раз",
        )  # type: ignore[call-arg]
        for number in range(POSTS)
    ]
    await world.send(topics.RAW, posts)
    letters = await given_up(world)
    await world.send(topics.DEAD_LETTERS, letters)
    await acknowledge_all(world)
    workers()
    await settled(world)
    await world.holds("SELECT count() FROM dead_letters", POSTS)
    assert world.ask("SELECT count() FROM posts") == 0

    listed = molva(environment, "dead-letters", "list")
    assert [(g["stage"], g["reason"], g["letters"]) for g in listed["groups"]] == [
        ("enrichment", "failed", POSTS)
    ]
    first = molva(environment, "dead-letters", "replay", "--reason", "failed")
    assert first["outcomes"] == {"sent": POSTS}
    await settled(world)
    tables = ("posts", "mentions", "entities")
    before = {table: world.ask(f"SELECT count() FROM {table}") for table in tables}
    counts = await counted(world)
    assert before["posts"] == POSTS
    assert world.ask("SELECT uniqExact(id) FROM posts") == POSTS
    assert counts["rassvet"] == world.ask("SELECT count() FROM mentions WHERE object_id = 'rassvet'") == POSTS

    assert molva(environment, "dead-letters", "replay", "--all")["outcomes"] == {}
    named = molva(environment, "dead-letters", "replay", *(letter.id for letter in letters))
    assert named["outcomes"] == {"already sent": POSTS}
    # and were the journal lost, so that everything is sent again:
    copies = [record.value for record in await records_of(world.settings, topics.RAW)]
    assert len(copies) == 2 * POSTS
    await world.send(topics.RAW, posts)
    await settled(world)
    assert {table: world.ask(f"SELECT count() FROM {table}") for table in tables} == before
    assert world.ask("SELECT sum(mentions) FROM mentions_5m WHERE object_id = 'rassvet'") == POSTS
    assert await counted(world) == counts
    assert store.letters(Choice()) == []
