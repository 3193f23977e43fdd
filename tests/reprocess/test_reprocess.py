"""A period analysed again in a real ClickHouse, beside a real broker and storage: exact for every reader."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from clickhouse_driver import errors

from pipeline import topics
from pipeline.reprocess import making
from pipeline.reprocess.analysis import KEPT
from pipeline.reprocess.period import Period, ReprocessError
from pipeline.reprocess.stored import raw_post
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.rows import post_row
from pipeline.sink.writer import Writer
from tests.reprocess.conftest import NUMBERS, POSTS, Counts, deliver, entries, in_thread
from tests.reprocess.runs import NOW, PERIOD, analysis, job, reprocess
from tests.sink import samples
from tests.sink.worlds import World, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

INSIDE = [n for n in NUMBERS if PERIOD.since <= samples.raw_post(n).created_at < PERIOD.until]
END = NUMBERS.stop


@pytest.mark.parametrize("number", range(0, 60, 7))
def test_a_stored_post_is_the_post_again(number: int) -> None:
    post = samples.raw_post(number)
    assert raw_post(post_row(samples.enriched(number))) == post


def test_every_reader_counts_the_new_version_once(filled: Settings) -> None:
    before = Counts(filled)
    assert before.wrong == []
    run = reprocess(filled)
    after = Counts(filled)
    assert (run.step, run.posts, run.months) == ("replaced", len(INSIDE), (201407, 201408))
    assert after.posts == before.posts == (POSTS, POSTS)
    assert after.versions == {"": POSTS - len(INSIDE), "second": len(INSIDE)}
    assert after.wrong == []
    assert after.entities[0] == after.entities[1]
    remade = {row[0] for row in after.mentions if row[4] == "second" and row[1] == "moscow"}
    assert remade == {samples.raw_post(n).id for n in INSIDE}, "today's watchlist knows Moscow"
    kept = [row for row in after.mentions if row[4] == ""]
    assert kept == [row for row in before.mentions if row[0] not in remade]


def test_chunks_give_what_the_models_say_of_the_whole_period(filled: Settings) -> None:
    reprocess(filled)
    query = "SELECT id, (label, post_type, objects) FROM posts WHERE version = 'second'"
    with connect(filled) as client:
        stored = dict(client.execute(query))
    kept = dict.fromkeys(KEPT, 0)
    rows = [{**post_row(samples.enriched(n)), **kept} for n in INSIDE]
    made = analysis().make([], rows, "second", NOW)
    assert stored == {row["id"]: (row["label"], row["post_type"], row["objects"]) for row in made.posts}
    assert made.failed == 0


@pytest.mark.parametrize("settings_of", ["ROOM", "_EXACT"])
def test_nothing_is_made_on_a_disk_that_is_nearly_full(
    filled: Settings, settings_of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Counts(filled)
    with monkeypatch.context() as nearly_full:
        free = "min_free_disk_bytes_to_perform_insert"
        nearly_full.setitem(getattr(making, settings_of), free, 10**15)
        with pytest.raises(errors.ServerException, match="free space"):
            reprocess(filled)
    assert vars(Counts(filled)) == vars(before)
    assert reprocess(filled).step == "replaced"
    assert Counts(filled).versions == {"": POSTS - len(INSIDE), "second": len(INSIDE)}


def test_twice_changes_nothing_and_storage_knows_every_row(filled: Settings) -> None:
    reprocess(filled)
    first = Counts(filled)
    assert reprocess(filled).step == "replaced"
    assert vars(Counts(filled)) == vars(first)
    clients = Clients(lambda: connect(filled))
    for topic in (topics.ENRICHED, topics.MENTIONS):
        again = Batch("now", topic, 0, 0, POSTS - 1)
        assert Writer(clients).select(entries(again), again, resumed=False) == ((), POSTS)
    clients.close()


def test_an_object_alone_and_the_old_rows_until_they_are_dropped(filled: Settings) -> None:
    with pytest.raises(ReprocessError, match="no posts"):
        reprocess(filled, "moscow", replace(PERIOD, objects=("moscow",)))
    run = reprocess(filled, "bank", replace(PERIOD, objects=("sberbank",)))
    assert run.posts == len(INSIDE)
    later = Period("live", PERIOD.until, PERIOD.until + timedelta(hours=1))
    with pytest.raises(ReprocessError, match="--drop-old bank"):
        reprocess(filled, "third", later)
    with connect(filled) as client:
        assert client.execute("SELECT count(), countIf(version = '') FROM old_posts") == [(POSTS, POSTS)]
        working = job(filled, client)
        assert working.drop_old("bank").step == "dropped"
        assert working.drop_old("bank").step == "dropped"
        assert left(client) == []
    assert reprocess(filled, "third", later).step == "replaced"
    assert Counts(filled).wrong == []


def test_given_up_before_the_exchange_it_leaves_nothing(filled: Settings) -> None:
    before = Counts(filled)
    with connect(filled) as client:
        working = job(filled, client)
        run = working.begin("second", PERIOD, "digest")
        with pytest.raises(ReprocessError, match="second is unfinished"):
            working.begin("other", PERIOD, "digest")
        with pytest.raises(ReprocessError, match="choose another name"):
            working.begin("second", PERIOD, "another digest")
        working.make(run, analysis(), lambda _: None)
        assert working.abandon().step == "abandoned"
        assert left(client) == []
    assert vars(Counts(filled)) == vars(before)


def test_expired_rows_that_a_rollup_still_counts_are_not_forgotten(filled: Settings) -> None:
    with connect(filled) as client:
        client.execute(
            "ALTER TABLE mentions DELETE WHERE object_id = 'sberbank'", settings={"mutations_sync": 1}
        )
    with pytest.raises(ReprocessError, match="others have expired"):
        reprocess(filled)


async def test_storage_goes_on_meanwhile_and_nothing_is_lost(world: World) -> None:
    """Posts of the same month keep coming, before, while and after it changes places; then all again."""
    extra = 200

    async def stream() -> None:
        for start in range(END, END + extra, 10):
            await deliver(world, range(start, start + 10))

    async with running(world.settings):
        sending = asyncio.create_task(stream())
        await in_thread(lambda: reprocess(world.settings))
        await sending
        await world.holds("SELECT count() FROM posts", POSTS + extra)
        await deliver(world)
        await _all_read(world)
    after = Counts(world.settings)
    assert after.posts == (POSTS + extra, POSTS + extra)
    assert len(after.mentions) == POSTS + extra + len(INSIDE)
    assert after.versions["second"] == len(INSIDE)
    assert after.wrong == []


async def test_where_storage_is_behind_nothing_is_replaced_and_the_run_goes_on_later(world: World) -> None:
    before = Counts(world.settings)
    await deliver(world, range(END, END + 20))  # storage does not run

    def impatient() -> None:
        with connect(world.settings) as client:
            working = job(world.settings, client, patience=0.0)
            run = working.begin("second", PERIOD, "digest")
            working.make(run, analysis(), lambda _: None)
            working.exchange(run)

    with pytest.raises(ReprocessError, match=r"storage is behind on molva\.mentions.*--resume"):
        await in_thread(impatient)
    assert vars(Counts(world.settings)) == vars(before)
    async with running(world.settings):
        run = await in_thread(lambda: reprocess(world.settings))
        await world.holds("SELECT count() FROM posts", POSTS + 20)
        await _all_read(world)
    assert run.step == "replaced"
    assert Counts(world.settings).wrong == []


def left(client: Any) -> list[Any]:
    """Tables that a run has made and not removed."""
    query = """SELECT name FROM system.tables
               WHERE database = currentDatabase() AND match(name, '^(old|next|reprocess)_')"""
    rows: list[Any] = client.execute(query)
    return rows


async def _all_read(world: World) -> None:
    while await world.unread(topics.ENRICHED, topics.MENTIONS) != {0}:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.05)
