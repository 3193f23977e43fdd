"""The detection stage: what is sent, written and acknowledged, and in which order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.batches import Incoming
from pipeline.core.baselines import baseline
from pipeline.core.detection import PartitionDetector
from pipeline.core.windows import DAY, seconds
from pipeline.emission import Outgoing
from pipeline.metrics import Metrics
from pipeline.stages.detection import CHECKPOINT_RECORDS, Detection
from pipeline.storm import StormLimit
from pipeline.topics import BASELINES, DEAD_LETTERS, MENTIONS, RAW, SPIKES
from schemas import Baseline, DeadLetter, Mention, Origin, Record, Sentiment, Spike, Watermark
from schemas.codec import decode, encode

T0 = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def mention(offset: int, at: datetime, label: str) -> Mention:
    p = {"negative": 0.05, "neutral": 0.05, "positive": 0.05, label: 0.9}
    return Mention.model_validate(
        {
            "id": f"vk:{offset}#bank",
            "post_id": f"vk:{offset}",
            "object_id": "bank",
            "object_kind": "brand",
            "timeline": "replay:x",
            "origin": Origin(topic=RAW, partition=0, offset=offset),
            "created_at": at,
            "collected_at": at,
            "source": "vk",
            "kind": "post",
            "language": "ru",
            "excerpt": "Банк лежит",
            "sentiment": Sentiment(label=label, **p),  # type: ignore[arg-type]
            "model": "m",
            "enriched_at": at,
        }
    )


def crisis() -> list[Record]:
    """Four quiet days of ten posts an hour, one negative; then three hours with sixty negatives each."""
    records: list[Record] = []
    offset = 0
    for hour in range(24 * 4 + 3):
        start = T0 + hour * HOUR
        bad = 60 if hour >= 96 else 1
        for number in range(9 + bad):
            at = start + number * HOUR / (9 + bad)
            records.append(mention(offset, at, "negative" if number < bad else "neutral"))
            offset += 1
        records.append(
            Watermark(
                timeline="replay:x",
                agent="replay:x",
                watermark=start + HOUR,
                partitions=1,
                final=hour == 98,
                origin=Origin(topic=RAW, partition=0, offset=offset),
            )
        )
        offset += 1
    return records


class Stream:
    """Stands for Faust's stream: events with messages, acknowledged by hand."""

    def __init__(self, messages: Sequence[Any]) -> None:
        self.messages = messages
        self.acknowledged: list[int] = []

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for message in self.messages:
            yield SimpleNamespace(message=message)

    async def ack(self, event: Any) -> None:
        self.acknowledged.append(event.message.offset)


class Table:
    """A state table in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.unflushed = 0

    def items(self) -> Iterable[tuple[str, bytes]]:
        return list(self.rows.items())

    def write(self, key: str, value: bytes) -> None:
        self.rows[key] = value
        self.unflushed += 1

    async def flush(self) -> None:
        self.unflushed = 0


def messages(records: Sequence[Record | bytes], first: int = 0) -> list[Any]:
    found = []
    for offset, record in enumerate(records, first):
        value, headers = (
            (record, []) if isinstance(record, bytes) else (encode(record).value, encode(record).headers)
        )
        found.append(
            SimpleNamespace(
                topic=MENTIONS,
                partition=0,
                offset=offset,
                value=value,
                headers=headers,
                timestamp=(T0 + timedelta(seconds=offset)).timestamp(),
            )
        )
    return found


def of_baselines(*records: Record | bytes) -> list[Any]:
    """Messages of ``molva.baselines``."""
    found = messages(records)
    for message in found:
        message.topic = BASELINES
    return found


class Run:
    """A detection stage over an in-memory table; everything that it sent."""

    def __init__(self, table: Table, end: int, burst: int = 1000) -> None:
        self.sent: list[Outgoing] = []
        self.fail_emit = False
        self.pauses: list[float] = []
        self.metrics = Metrics()
        self.stage = Detection(
            states=table,
            emit=self._emit,
            new_detector=lambda number: PartitionDetector(number, "c1", source_idle=timedelta(minutes=10)),
            caught_up=lambda record: record.offset + 1 >= end,
            clock=lambda: T0 + timedelta(days=9),
            metrics=self.metrics,
            limit=StormLimit("detection", self.metrics, burst=burst),
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def _emit(self, items: Sequence[Outgoing]) -> None:
        if self.fail_emit:
            raise ConnectionError("Kafka is away")
        self.sent += items

    def spikes(self) -> list[Spike]:
        return [decode(Spike, item.message.value) for item in self.sent if item.topic == SPIKES]


async def undisturbed(records: Sequence[Record | bytes]) -> Run:
    run = Run(Table(), len(records))
    await run.stage.run(Stream(messages(records)))
    return run


async def test_a_crisis_opens_one_spike_per_resolution() -> None:
    run = await undisturbed(crisis())
    opened = [spike for spike in run.spikes() if spike.status == "opened"]
    assert {spike.resolution for spike in opened} == {"5m", "1h"}
    hourly = next(spike for spike in opened if spike.resolution == "1h")
    assert T0 + 97 * HOUR <= hourly.opened_at <= T0 + 98 * HOUR
    assert hourly.negatives > 3 * hourly.expected_negatives
    assert run.metrics.registry.get_sample_value(
        "molva_spike_events_total", {"status": "opened", "resolution": "1h"}
    ) == len([spike for spike in opened if spike.resolution == "1h"])


async def test_everything_is_acknowledged_after_state_and_spikes() -> None:
    records = crisis()
    table, stream = Table(), Stream(messages(records))
    run = Run(table, len(records))
    await run.stage.run(stream)
    assert stream.acknowledged == list(range(len(records)))
    assert table.unflushed == 0


async def test_nothing_is_acknowledged_when_kafka_does_not_take_the_spikes() -> None:
    records = crisis()
    stream = Stream(messages(records))
    run = Run(Table(), len(records))
    run.fail_emit = True
    with pytest.raises(ConnectionError):
        await run.stage.run(stream)
    assert len(stream.acknowledged) < len(records)
    assert stream.acknowledged == list(range(len(stream.acknowledged)))


@pytest.mark.parametrize("crash_at", [1, 499, 700, 1100, 1177])
async def test_a_crash_and_a_redelivery_change_no_spike(crash_at: int) -> None:
    records = crisis()
    expected = (await undisturbed(records)).spikes()
    table = Table()
    first, stream = Run(table, len(records)), Stream(messages(records[:crash_at]))
    await first.stage.run(stream)
    done = max(stream.acknowledged, default=-1) + 1
    second = Run(table, len(records))
    await second.stage.run(Stream(messages(records[done:], done)))
    assert {spike.event_id: spike for spike in [*first.spikes(), *second.spikes()]} == {
        spike.event_id: spike for spike in expected
    }


async def test_no_clock_is_written_before_its_objects_are_confirmed() -> None:
    """Or a refused object's redelivered mentions would look late under a clock that came through."""

    class Refusing(Table):
        async def flush(self) -> None:
            if any("|object|" in key for key in self.rows):
                raise ConnectionError("the object's state is refused")

    records = crisis()
    table, stream = Refusing(), Stream(messages(records))
    with pytest.raises(ConnectionError):
        await Run(table, len(records)).stage.run(stream)
    assert [key.split("|")[1] for key in table.rows] == ["object"]
    assert stream.acknowledged == []


async def test_a_state_written_but_not_acknowledged_absorbs_nothing_twice() -> None:
    records = crisis()
    expected = (await undisturbed(records)).spikes()
    table = Table()
    first = Run(table, len(records))
    await first.stage.run(Stream(messages(records[: CHECKPOINT_RECORDS * 2 + 50])))
    second = Run(table, len(records))
    await second.stage.run(Stream(messages(records)))
    assert {spike.event_id: spike for spike in [*first.spikes(), *second.spikes()]} == {
        spike.event_id: spike for spike in expected
    }


async def test_a_revoked_partition_is_read_again_from_the_table() -> None:
    records = crisis()
    expected = (await undisturbed(records)).spikes()
    table = Table()
    run = Run(table, len(records))
    stream = Stream(messages(records[:700]))
    await run.stage.run(stream)
    run.stage.forget()
    done = max(stream.acknowledged) + 1
    await run.stage.run(Stream(messages(records[done:], done)))
    assert {spike.event_id for spike in run.spikes()} == {spike.event_id for spike in expected}


async def test_open_spikes_are_counted_by_whoever_owns_their_partition() -> None:
    def gauge(run: Run, resolution: str) -> float | None:
        return run.metrics.registry.get_sample_value("molva_spikes_open", {"resolution": resolution})

    records, table = crisis()[:-1], Table()
    first = Run(table, len(records))
    await first.stage.run(Stream(messages(records)))
    assert (gauge(first, "5m"), gauge(first, "1h")) == (1, 1)
    first.stage.forget()
    assert (gauge(first, "5m"), gauge(first, "1h")) == (0, 0)
    restarted = Run(table, len(records) + 1)
    await restarted.stage.run(Stream(messages(crisis()[-1:], len(records))))
    told = {spike.id: spike.status for spike in (*first.spikes(), *restarted.spikes())}
    still = [spike_id for spike_id, status in told.items() if status != "resolved"]
    assert still
    for resolution in ("5m", "1h", "1d"):
        assert gauge(restarted, resolution) == sum(f"/{resolution}/" in each for each in still)


def past() -> Baseline:
    """Ten days with ten mentions an hour, one negative, before `T0`."""
    begin = seconds(T0) - 10 * DAY
    cells = {begin + hour * 3600: (1, 10) for hour in range(240)}
    return baseline("bank", "brand", "replay:x", cells, begin, seconds(T0), T0)


def first_hour() -> list[Record]:
    """Sixty negatives in an hour, the object's first."""
    records: list[Record] = [mention(n, T0 + n * HOUR / 60, "negative") for n in range(60)]
    origin = Origin(topic=RAW, partition=0, offset=60)
    records.append(
        Watermark(timeline="replay:x", agent="a", watermark=T0 + HOUR, partitions=1, origin=origin)
    )
    return records


async def test_a_baseline_is_confirmed_at_once_and_ends_the_warm_up() -> None:
    records = first_hour()
    assert (await undisturbed(records)).spikes() == []
    run, table = Run(Table(), len(records)), Table()
    run.stage.states = table
    stream = Stream([*of_baselines(past()), *messages(records)])
    await run.stage.run(Stream(stream.messages[:1]))
    assert [key.split("|")[1] for key in table.rows] == ["object"], "it waits for no mention"
    await run.stage.run(Stream(stream.messages[1:]))
    assert {spike.status for spike in run.spikes()} >= {"opened"}
    value = run.metrics.registry.get_sample_value
    assert value("molva_baselines_total", {"resolution": "1d", "outcome": "learned"}) == 1


async def test_a_baseline_delivered_again_changes_no_spike() -> None:
    records = first_hour()
    run = Run(Table(), len(records))
    await run.stage.run(Stream([*of_baselines(past()), *messages(records)]))
    again, table = Run(Table(), len(records)), Table()
    again.stage.states = table
    await again.stage.run(Stream([*of_baselines(past()), *messages(records)[:30]]))
    again.stage.forget()
    await again.stage.run(Stream([*of_baselines(past()), *messages(records)]))
    assert again.spikes() == run.spikes() != []


async def test_a_broken_baseline_is_a_dead_letter() -> None:
    broken = past().model_dump(mode="json") | {"counts": []}
    (message,) = of_baselines(past())
    message.value = json.dumps(broken).encode()
    run = Run(Table(), 1)
    await run.stage.run(Stream([message]))
    (letter,) = [decode(DeadLetter, item.message.value) for item in run.sent]
    assert (letter.origin, letter.reason) == (f"{BASELINES}:0:0", "invalid")


async def test_the_end_of_time_ends_no_worker() -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    origin = Origin(topic=RAW, partition=0, offset=1)
    watermark = Watermark(
        timeline="replay:x", agent="a", watermark=last, partitions=1, final=True, origin=origin
    )
    run = Run(Table(), 2)
    stream = Stream(messages([mention(0, last, "negative"), watermark]))
    await run.stage.run(stream)
    letters = [decode(DeadLetter, item.message.value) for item in run.sent]
    assert [letter.reason for letter in letters] == ["implausible_time", "implausible_time"]
    assert stream.acknowledged == [0, 1]


async def test_bad_records_become_dead_letters() -> None:
    no_origin = Watermark(timeline="replay:x", agent="a", watermark=T0, partitions=1)
    foreign = encode(DeadLetter.of(b"", stage="s", origin="o", reason="failed", detail="d", failed_at=T0))
    records: list[Record | bytes] = [b"{", no_origin, *crisis()]
    run = Run(Table(), 2)
    stream = Stream(messages(records[:2]))
    await run.stage.run(stream)
    letters = [decode(DeadLetter, item.message.value) for item in run.sent if item.topic == DEAD_LETTERS]
    assert [(letter.origin, letter.reason) for letter in letters] == [
        (f"{MENTIONS}:0:0", "not_json"),
        (f"{MENTIONS}:0:1", "invalid"),
    ]
    shard = run.stage._shard(0)
    run.stage.absorb(shard, Incoming(MENTIONS, 0, 2, foreign.value, foreign.headers, T0))
    assert decode(DeadLetter, shard.out[0].message.value).reason == "unknown_type"
