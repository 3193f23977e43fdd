"""The runner: deletions become records; a source that says when to come again is left alone until then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from agents.base import Gone, Refused
from agents.checkpoints import Totals
from agents.cursor import MemoryCursors
from agents.list_source import ListSource
from agents.manual_time import NOON, JumpingTime
from pipeline.metrics import Metrics
from pipeline.topics import DEAD_LETTERS, DELETED, RAW
from schemas import DeadLetter, Deletion
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.running import START, found, runner_of


async def test_a_deletion_is_a_record_under_the_id_of_its_post(
    publisher: MemoryPublisher, cursors: MemoryCursors, metrics: Metrics
) -> None:
    source = ListSource([*found(1), Gone("test", "0", START, "one:0"), *found(2)[1:]])
    time = JumpingTime()
    runner = runner_of(source, publisher, cursors, time, metrics=metrics, label="vk:banks")
    totals = await runner.run(asyncio.Event())
    assert totals == Totals(posts=2, deletions=1)
    (gone,) = publisher.of(DELETED)
    assert isinstance(gone, Deletion) and gone.collected_at >= NOON
    assert (gone.id, gone.deleted_at, gone.timeline) == ("test:0", START, "replay:one")
    assert gone.key == publisher.of(RAW)[0].key, "it follows its post"
    sample = metrics.registry.get_sample_value
    assert sample("molva_agent_deletions_total", {"agent": "vk:banks"}) == 1
    assert sample("molva_agent_posts_total", {"agent": "vk:banks"}) == 2


async def test_a_deletion_that_the_contract_does_not_take_is_a_dead_letter(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    source = ListSource([Gone("test", "", START, "one:0"), Gone("test", "x" * 600, START, "one:1")])
    await runner_of(source, publisher, cursors, JumpingTime()).run(asyncio.Event())
    letters = [record for record in publisher.of(DEAD_LETTERS) if isinstance(record, DeadLetter)]
    assert [letter.origin for letter in letters] == ["one:0", "one:1"] and publisher.of(DELETED) == []
    assert cursors.history == ["2"]


async def test_a_source_that_says_when_to_come_again_is_left_alone_until_then(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    time, told = JumpingTime(), []
    refusals = [Refused("HTTP 429", timedelta(minutes=7)), Refused("HTTP 503", None)]
    source = ListSource([*refusals, *found(1)])
    runner = runner_of(source, publisher, cursors, time, on_failure=lambda error: told.append(str(error)))
    await runner.run(asyncio.Event())
    assert [pause for pause in time.pauses if pause != 0.25] == [420.0, 0.5]
    assert told == ["HTTP 429", "HTTP 503"] and len(publisher.of(RAW)) == 1


async def test_a_cursor_is_kept_at_the_end_where_it_remembers_that_there_was_one(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    await runner_of(ListSource(found(2)), publisher, cursors, JumpingTime(), forget=False).run(
        asyncio.Event()
    )
    assert cursors.load("list:one") == "2"
