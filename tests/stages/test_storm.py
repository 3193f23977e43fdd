"""The limit on dead letters: when it stops a stage, what it says, and how a worker then stays."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.condition import PARTITIONS, Condition
from pipeline.errors import DeadLetterStorm
from pipeline.metrics import Metrics
from pipeline.storm import StormLimit, hold, storm_behind
from pipeline.topics import DEAD_LETTERS, ENRICHED, MENTIONS, RAW
from schemas import DeadLetter
from schemas.codec import decode, encode
from tests.stages import test_detection as detecting
from tests.stages import test_enrichment as enriching
from tests.stages.streams import Reading


def limit(share: float = 0.2, burst: int = 10) -> StormLimit:
    return StormLimit("enrichment", Metrics(), share=share, burst=burst)


def storm_at(found: StormLimit, good_between: int, records: int = 10_000) -> int | None:
    """The number of the record at which it stops, where every bad one is followed by so many good ones."""
    for number in range(records):
        found.take()
        if number % (good_between + 1) == 0:
            found.give_up("invalid", f"record {number}")
        if found.exceeded:
            return number
    return None


def test_a_topic_of_bad_records_is_stopped_early_and_a_source_with_some_never() -> None:
    assert storm_at(limit(), good_between=0) == 10
    assert storm_at(limit(), good_between=4) is None
    assert storm_at(limit(), good_between=3) is not None
    assert storm_at(limit(share=1.0, burst=1), good_between=0) is None


@given(st.lists(st.booleans(), max_size=400), st.floats(0, 0.99), st.integers(1, 50))
def test_no_more_than_the_limit_is_given_up(bad: list[bool], share: float, burst: int) -> None:
    found = limit(share, burst)
    given_up = taken = 0
    for each in bad:
        found.take()
        taken += 1
        if each:
            found.give_up("invalid", "x")
            given_up += 1
        if found.exceeded:
            break
    assert given_up <= burst + share * taken + 1e-6


def test_the_message_says_how_many_why_and_what_to_do() -> None:
    metrics = Metrics()
    found = StormLimit("storage", metrics, share=0.1, burst=3)
    for _ in range(3):
        found.take()
        found.give_up("not_json", "not JSON: line 1")
    with pytest.raises(DeadLetterStorm) as raised:
        found.require()
    message = str(raised.value)
    assert "3 of its last 3 records became dead letters (not_json 3)" in message
    assert "The last one: not JSON: line 1" in message
    assert "molva dead-letters list --stage storage" in message
    assert DeadLetterStorm.exit_code == 4
    sample = metrics.registry.get_sample_value
    assert sample("molva_dead_letter_storm", {"stage": "storage"}) == 1
    assert sample("molva_dead_letters_total", {"stage": "storage", "reason": "not_json"}) == 3


def reading(folder: Path, values: Sequence[bytes]) -> Reading:
    """A stream of ``molva.posts.raw`` that holds these records, of partition 1."""
    found = Reading(folder)
    for number, value in enumerate(values):
        found.deliver(number, value=value, headers=[])
    return found


async def test_enrichment_stops_and_acknowledges_exactly_what_it_has_given_up(tmp_path: Path) -> None:
    run = enriching.Stage(burst=10, batch=4)
    good = encode(enriching.post(1)).value
    read = reading(tmp_path, [b"{"] * 40 + [good])
    with pytest.raises(DeadLetterStorm):
        await run.stage.run(read.stream)
    letters = [decode(DeadLetter, value).origin for value in run.of(DEAD_LETTERS)]
    assert letters == [f"{RAW}:1:{number}" for number in range(12)]
    assert read.acknowledged == list(range(12))
    assert run.of(ENRICHED) == []


async def test_enrichment_goes_on_while_most_is_good(tmp_path: Path) -> None:
    run = enriching.Stage(burst=10, batch=4)
    good = [encode(enriching.post(number)).value for number in range(200)]
    read = reading(tmp_path, [b"{" if number % 10 == 0 else good[number] for number in range(200)])
    running = asyncio.ensure_future(run.stage.run(read.stream))
    async with asyncio.timeout(60):
        await read.settled.wait()
    running.cancel()
    assert len(run.of(DEAD_LETTERS)) == 20
    assert read.acknowledged == list(range(200))


async def test_detection_stops_and_acknowledges_exactly_what_it_has_given_up() -> None:
    records: list[Any] = [b"{"] * 100
    stream = detecting.Stream(detecting.messages(records))
    run = detecting.Run(detecting.Table(), len(records), burst=10)
    with pytest.raises(DeadLetterStorm):
        await run.stage.run(stream)
    letters = [decode(DeadLetter, item.message.value) for item in run.sent if item.topic == DEAD_LETTERS]
    assert [letter.origin for letter in letters] == [f"{MENTIONS}:0:{n}" for n in stream.acknowledged]
    assert stream.acknowledged == list(range(11))


def test_the_storm_is_found_behind_what_faust_makes_of_it() -> None:
    storm = DeadLetterStorm("x")
    try:
        try:
            raise storm
        except DeadLetterStorm:
            sys.exit(1)
    except SystemExit as ending:
        assert storm_behind(ending) is storm
    assert storm_behind(SystemExit(1)) is None


async def test_a_stopped_worker_stays_alive_and_not_ready_until_it_is_told() -> None:
    condition = Condition()
    holding = asyncio.create_task(hold(DeadLetterStorm("too many"), condition, timedelta(hours=1)))
    async with asyncio.timeout(30):
        while condition.ready().parts.get(PARTITIONS) != "too many":  # noqa: ASYNC110 (it has no event)
            await asyncio.sleep(0.01)
    assert condition.alive().yes
    assert not condition.ready().yes
    os.kill(os.getpid(), signal.SIGTERM)
    await holding
    loop = asyncio.get_running_loop()
    assert loop.remove_signal_handler(signal.SIGTERM) and loop.remove_signal_handler(signal.SIGINT)


async def test_without_patience_it_ends_at_once() -> None:
    await hold(DeadLetterStorm("too many"), Condition(), timedelta())
