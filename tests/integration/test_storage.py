"""The storage stage against both kinds of broker and a real ClickHouse: everything once, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.tables import BY_TOPIC
from pipeline.sink.writer import Writer
from pipeline.stages import storage
from schemas import DeadLetter
from schemas.codec import Message
from tests.sink import samples
from tests.sink.worlds import Broker, World, new_world, no_dead_letter, running, until, utc_now, value

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
async def world(
    settings: Callable[..., Settings], new_broker: Callable[[Path], Broker], tmp_path: Path
) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path, new_broker(tmp_path)) as made:
        yield made


async def test_everything_arrives_once_and_is_committed(world: World) -> None:
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(500)])
    await world.send(topics.MENTIONS, [samples.watermark(0), *(samples.mention(n) for n in range(300))])
    await world.send(topics.MENTIONS, [samples.mention(n, object_id="vtb") for n in range(200)])
    await world.send(topics.SPIKES, [samples.spike(1), samples.spike(2), samples.spike(3)])
    await world.send(topics.ALERTS, [samples.alert(1), samples.alert(2)])
    await world.send(topics.ACTIONS, [samples.action()])
    await world.send(topics.DELETED, [samples.deletion(1)])
    async with running(world.settings) as metrics:
        await world.holds("SELECT count() FROM posts", 500)
        await world.holds("SELECT count() FROM mentions", 500)
        await world.holds("SELECT count() FROM spikes", 3)
        await world.holds("SELECT count() FROM alerts", 2)
        await world.holds("SELECT count() FROM alert_actions", 1)
        await world.holds("SELECT count() FROM deletions", 1)
    assert world.ask("SELECT count() FROM entities") == 750
    assert world.ask("SELECT sum(mentions) FROM mentions_1h") == 500
    assert await world.unread(*BY_TOPIC) == {0}
    assert value(metrics, "molva_records_out_total", stage="storage", topic=topics.ENRICHED) == 500
    assert value(metrics, "molva_records_in_total", stage="storage", topic=topics.MENTIONS) == 501
    assert value(metrics, "molva_end_to_end_seconds_count", stage="storage") == 1007


async def test_redelivery_and_replay_change_nothing(world: World) -> None:
    posts = [samples.enriched(n) for n in range(200)]
    mentions = [samples.mention(n) for n in range(200)]
    for _ in range(2):
        await world.send(topics.ENRICHED, posts)
        await world.send(topics.MENTIONS, mentions)
    await world.send(topics.ENRICHED, [posts[0], posts[0], samples.enriched(200)])
    async with running(world.settings) as metrics:
        await world.holds("SELECT count() FROM posts", 201)
        await world.holds("SELECT count() FROM mentions", 200)
    await world.send(topics.ENRICHED, posts)
    async with running(world.settings) as again:
        await until(
            lambda: value(again, "molva_records_in_total", stage="storage", topic=topics.ENRICHED) == 200
        )
    assert world.ask("SELECT count() FROM posts") == 201
    assert world.ask("SELECT count() FROM entities") == 301
    assert world.ask("SELECT count() FROM mentions") == 200
    assert world.ask("SELECT sum(mentions) FROM mentions_5m") == 200
    assert value(metrics, "molva_sink_rows_skipped_total", table="posts") >= 200


async def test_bad_records_become_dead_letters(world: World) -> None:
    letters = []

    async def emit(letter: DeadLetter) -> None:
        letters.append(letter)
        await world.send(topics.DEAD_LETTERS, [letter])

    await world.send(
        topics.ENRICHED, [samples.enriched(1), Message(b"k", b'{"id": "x', []), samples.enriched(2)]
    )
    await world.send(topics.DEAD_LETTERS, [Message(b"k", b"no dead letter", [])])
    async with running(world.settings, emit) as metrics:
        await world.holds("SELECT count() FROM dead_letters", 2)
        await world.holds("SELECT count() FROM posts", 2)
    assert [letter.reason for letter in letters] == ["not_json"]
    assert world.ask("SELECT groupUniqArray(stage) FROM dead_letters") == ["storage"]
    assert value(metrics, "molva_dead_letters_total", stage="storage", reason="not_json") == 1


async def test_row_that_clickhouse_rejects_is_set_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are built to fit, so one that does not is made here: a constraint that the rows do not know."""
    letters: list[DeadLetter] = []

    async def emit(letter: DeadLetter) -> None:
        letters.append(letter)

    insert = Writer.insert

    def spoil(self: Writer, entries: Any, batch: Any) -> None:
        for entry in entries:
            if entry.key.endswith("7"):
                entry.row["likes"] = 2**50
        insert(self, entries, batch)

    monkeypatch.setattr(Writer, "insert", spoil)
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(100)])
    async with running(world.settings, emit):
        await world.holds("SELECT count() FROM posts", 90)
    assert {letter.reason for letter in letters} == {"failed"}
    assert len(letters) == 10
    assert await world.unread(topics.ENRICHED) == {0}


class Crash(BaseException):
    """Ends the worker at once, as if it were killed: nothing that follows it in the code runs."""


@pytest.mark.parametrize("moment", ["before insert", "after insert", "between tables"])
async def test_crash_between_intent_and_commit(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The next worker repeats exactly the batch of the intent, although more records wait by then."""
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(30)])
    crashed = asyncio.Event()
    loop = asyncio.get_running_loop()
    insert = Writer.insert

    def crash(self: Writer, entries: Any, batch: Any) -> None:
        if moment == "after insert":
            insert(self, entries, batch)
        elif moment == "between tables":
            insert(self, [entry._replace(entities=()) for entry in entries], batch)
        loop.call_soon_threadsafe(crashed.set)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "insert", crash)
        task = asyncio.create_task(
            storage.run(
                world.settings, Metrics(), asyncio.Event(), emit_dead_letter=no_dead_letter, now=utc_now
            )
        )
        await crashed.wait()
        with pytest.raises(Crash):
            await task
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(30, 60)])
    async with running(world.settings):
        await until(lambda: world.ask("SELECT count() FROM posts") >= 60)
    assert world.ask("SELECT count() FROM posts") == 60
    assert world.ask("SELECT count() FROM entities") == 90
    assert world.ask("SELECT count() FROM (SELECT 1 FROM posts GROUP BY _batch)") >= 2


@pytest.mark.parametrize(
    "expression",
    ["throwIf(label = 'positive')", "toUInt8(object_id)"],
    ids=["throws", "looks like a bad row"],
)
async def test_view_that_throws_holds_back_and_is_exact_when_mended(world: World, expression: str) -> None:
    client = connect(world.settings)
    client.execute("CREATE TABLE nowhere (x UInt8) ENGINE = MergeTree ORDER BY x")
    client.execute(f"CREATE MATERIALIZED VIEW boom TO nowhere AS SELECT {expression} AS x FROM mentions")
    await world.send(topics.MENTIONS, [samples.mention(n) for n in range(300)])
    async with running(world.settings) as metrics:
        await until(lambda: value(metrics, "molva_sink_retries_total", table="mentions") >= 3)
        await asyncio.to_thread(client.execute, "DROP TABLE boom")
        await world.holds("SELECT sum(mentions) FROM mentions_1d", 300)
    client.disconnect()
    assert world.ask("SELECT count() FROM mentions") == 300
    assert world.ask("SELECT sum(mentions) FROM mentions_5m") == 300


async def test_second_worker_takes_over(world: World) -> None:
    """Two members of a real group, one leaves in the middle of the stream: nothing twice, nothing lost."""
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(400)])
    async with running(world.settings):
        async with running(world.settings):
            await until(lambda: world.ask("SELECT count() FROM posts") >= 400)
            await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(400, 800)])
        await until(lambda: world.ask("SELECT count() FROM posts") >= 800)
    assert world.ask("SELECT count() FROM posts") == 800
    assert world.ask("SELECT count() FROM entities") == 1200


async def test_stops_while_clickhouse_is_away(world: World) -> None:
    """Nothing is committed, nothing hangs; the next worker finds everything."""
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(20)])
    async with running(world.settings.model_copy(update={"clickhouse_port": 1})) as metrics:
        await until(lambda: value(metrics, "molva_sink_retries_total", table="posts") >= 2)
    assert await world.unread(topics.ENRICHED) != {0}
    async with running(world.settings):
        await world.holds("SELECT count() FROM posts", 20)
