"""Back-fill as a source: its period, its timeline, its ledger; resumed at every item without loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from agents.base import Collected, CursorCorrupt, Found, Gone, Progress, Rejected, SourceUnavailable
from agents.cursor import MemoryCursors
from agents.fleet.past import REMEMBERED, Ledger, PastSource, Period
from agents.manual_time import NOON, JumpingTime
from agents.runner import Runner
from pipeline.metrics import Metrics
from pipeline.topics import DEAD_LETTERS, DELETED, RAW
from schemas import RawPost, Watermark
from tests.agents.memory_publisher import MemoryPublisher

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
PERIOD = Period(SINCE, UNTIL)


def post(hour: int) -> RawPost:
    moment = SINCE + timedelta(hours=hour)
    return RawPost(source="test", native_id=str(hour), created_at=moment, collected_at=NOON, text="")  # type: ignore[call-arg]


class Past:
    """Newest first, with a deletion and a dead letter, and one hour before and after the period."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.fail_at = fail_at
        self.asked: list[str | None] = []

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        assert (since, until) == PERIOD
        self.asked.append(cursor)
        items: list[Collected] = [Found(post(hour), str(hour)) for hour in range(24, -2, -1)]
        items += [Gone("test", "3", NOON, "3"), Rejected(b"{", "x", "not_json", "no"), Progress(final=True)]
        for index in range(int(cursor or 0), len(items)):
            if index == self.fail_at:
                self.fail_at = None
                raise SourceUnavailable("away")
            yield items[index]._replace(cursor=str(index + 1))


async def run(past: Past, cursors: MemoryCursors, publisher: MemoryPublisher) -> None:
    time = JumpingTime()
    source = PastSource("vk:a", past, PERIOD)
    runner = Runner(
        source,
        publisher,
        cursors,
        Metrics(),
        clock=time.clock,
        sleep=time.sleep,
        label=source.name,
        forget=False,
    )
    await runner.run(asyncio.Event())


@pytest.mark.parametrize("fail_at", range(0, 29))
async def test_a_period_is_collected_whole_wherever_it_is_interrupted(fail_at: int) -> None:
    cursors, publisher, past = MemoryCursors(), MemoryPublisher(2), Past(fail_at)
    await run(past, cursors, publisher)
    posts = [record for record in publisher.of(RAW) if isinstance(record, RawPost)]
    assert sorted({int(each.native_id) for each in posts}) == list(range(24))
    assert {each.timeline for each in posts} == {"backfill:vk:a:2026-01-01..2026-01-02"}
    assert len(publisher.of(DELETED)) >= 1 and len(publisher.of(DEAD_LETTERS)) >= 1
    marks = [record for record in publisher.of(RAW) if isinstance(record, Watermark)]
    assert marks[0].watermark == SINCE and not marks[0].final
    assert marks[-1].watermark == UNTIL and marks[-1].final and marks[-1].agent == "vk:a#backfill"
    assert past.asked[0] is None and len(past.asked) == 2


async def test_a_period_that_is_done_is_not_collected_again_and_another_one_is() -> None:
    cursors, publisher = MemoryCursors(), MemoryPublisher(2)
    await run(Past(), cursors, publisher)
    sent = len(publisher.sent)
    again = Past()
    await run(again, cursors, publisher)
    assert again.asked == [] and len(publisher.sent) == sent
    ledger = Ledger.read(cursors.load("vk:a#backfill"))
    assert ledger.has(PERIOD) and not ledger.has(Period(SINCE, UNTIL + timedelta(days=1)))


def test_the_ledger_remembers_so_many_and_no_other_periods_cursor() -> None:
    ledger = Ledger()
    for days in range(1, REMEMBERED + 10):
        ledger = ledger.done(Period(SINCE, SINCE + timedelta(days=days)))
    assert len(ledger.finished) == REMEMBERED
    ledger = Ledger.read(ledger.at(PERIOD, "7").model_dump_json())
    assert ledger.inside(PERIOD) == "7" and ledger.inside(Period(SINCE, NOON)) is None
    with pytest.raises(CursorCorrupt):
        Ledger.read("7")


def test_a_period_is_named_by_its_dates() -> None:
    assert str(Period(SINCE, NOON)) == "2026-01-01..2026-11-21T12:00:00Z"
