"""Rows are pure: the same records give the same rows, within what their columns hold."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from pipeline import topics
from pipeline.sink.batch import Batch
from pipeline.sink.cells import UINT32_MAX
from pipeline.sink.reading import Reading, read
from pipeline.sink.rows import columns, entry, mention_row, post_row
from schemas import DeadLetter, Engagement, RawPost
from schemas.codec import encode
from tests.sink import samples
from tests.sink.samples import Stored

BATCH = Batch("c1", topics.ENRICHED, 0, 0, 9)


def of_topic(topic: str) -> Batch:
    return Batch("c1", topic, 0, 0, 99)


def test_replay_gives_the_same_rows() -> None:
    records = [samples.stored(samples.enriched(n), n) for n in range(10)]
    assert read(records, BATCH) == read(records, BATCH)
    mentions = [samples.stored(samples.mention(n), n) for n in range(10)]
    assert read(mentions, of_topic(topics.MENTIONS)) == read(mentions, of_topic(topics.MENTIONS))


def test_post_row() -> None:
    row = post_row(samples.enriched(1))
    assert row["id"] == "twitter:492367586156630001"
    assert row["label"] == "neutral"
    assert row["objects"] == ["sberbank"]
    assert row["channel_followers"] == 1001
    assert row["author_handle"] == "@a1"
    assert row["extras"] == ""
    assert "stored_at" not in row


def test_extras_are_compact_sorted_json() -> None:
    assert post_row(samples.enriched(6))["extras"] == '{"lang_hint":"ru","nested":{"a":[1,2],"b":1}}'


def test_no_none_in_string_columns_and_only_aware_datetimes() -> None:
    nullable = {"channel_followers", "author_followers", "author_created_at", "likes", "reposts"}
    nullable |= {"comments", "views", "rating", "edited_at"}
    for record in (samples.enriched(10), samples.mention(10)):
        row = entry(record, BATCH, 0).row
        assert {name for name, value in row.items() if value is None} <= nullable
        assert all(value.tzinfo is not None for value in row.values() if isinstance(value, datetime))


def test_numbers_and_moments_are_clamped() -> None:
    record = samples.enriched(1)
    far = datetime(9999, 1, 1, tzinfo=UTC)
    post = record.post.model_copy(
        update={"engagement": Engagement(likes=2**40), "created_at": far, "collected_at": far}
    )
    row = post_row(record.model_copy(update={"post": post}))
    assert row["likes"] == UINT32_MAX
    assert row["created_at"].year == 2299


def test_same_columns_in_every_row() -> None:
    rows = [entry(samples.enriched(n), BATCH, n).row for n in range(20)]
    names, values = columns(rows)
    assert all(list(row) == names for row in rows)
    assert len(values) == len(names)
    assert values[names.index("_offset")] == list(range(20))


def test_moments_go_to_the_client_as_milliseconds() -> None:
    rows = [post_row(samples.enriched(n)) for n in (1, 5)]
    early = datetime(1961, 4, 12, 6, 7, 0, 999, tzinfo=UTC)
    names, values = columns([*rows, {**rows[0], "created_at": early}])
    found = dict(zip(names, values, strict=True))
    assert found["collected_at"] == [1_772_366_400_123] * 3
    assert found["created_at"][2] == -275_248_380_000
    assert found["author_created_at"] == [None] * 3


def test_mention_row_leaves_the_derived_id_to_clickhouse() -> None:
    row = mention_row(samples.mention(3, own=True))
    assert "id" not in row
    assert row["own"] is True
    assert row["spans.alias"] == ["сбербанк"]


def test_watermarks_are_skipped() -> None:
    records = [samples.stored(samples.watermark(0), 0), samples.stored(samples.mention(1), 1)]
    reading = read(records, of_topic(topics.MENTIONS))
    assert [entry.offset for entry in reading.entries] == [1]
    assert reading.dead_letters == ()


def broken(value: bytes | None, topic: str, *headers: tuple[str, bytes]) -> Reading:
    return read([Stored(topic, 0, 7, 1_772_366_400_000, value, headers)], of_topic(topic))


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b'{"id": "x', (), "not_json"),
        (None, (), "not_json"),
        (b'{"id": "x"}', (), "invalid"),
        (b"{}", (("ce_type", b"molva.spike.v1"),), "unknown_type"),
    ],
)
def test_what_does_not_decode_is_a_dead_letter(value: bytes | None, headers: Any, reason: str) -> None:
    (letter,) = broken(value, topics.ENRICHED, *headers).dead_letters
    digest = sha256(value or b"").hexdigest()
    assert (letter.id, letter.reason) == (f"storage/{topics.ENRICHED}:0:7#{digest[:8]}", reason)
    assert letter.failed_at == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_broken_dead_letter_is_a_row_and_does_not_loop() -> None:
    reading = broken(b"not json \xff", topics.DEAD_LETTERS)
    assert reading.dead_letters == ()
    (found,) = reading.entries
    digest = sha256(b"not json \xff").hexdigest()
    assert found.key == f"storage/{topics.DEAD_LETTERS}:0:7#{digest[:8]}"
    assert found.row["payload"] == "not json \\xff"


def test_unusual_texts_survive() -> None:
    for text in ("", "a\x00b", "😀" * 10_000, "\u202eобратно"):
        record = samples.enriched(1)
        post = RawPost.model_validate({**record.post.model_dump(), "text": text})
        message = encode(record.model_copy(update={"post": post}))
        (found,) = read([Stored(topics.ENRICHED, 0, 0, 0, message.value, ())], BATCH).entries
        assert found.row["text"] == text


def test_dead_letter_row() -> None:
    letter = DeadLetter.of(
        b"\xff\x00",
        stage="enrichment",
        origin="t:0:1",
        reason="failed",
        detail="x",
        failed_at=samples.COLLECTED,
    )
    (found,) = read([samples.stored(letter, 0)], of_topic(topics.DEAD_LETTERS)).entries
    assert found.key == letter.id == f"enrichment/t:0:1#{sha256(bytes([255, 0])).hexdigest()[:8]}"
    assert found.row["payload_size"] == 2


def test_token_names_the_incarnation() -> None:
    assert BATCH.token == "c1:molva.posts.enriched:0:0-9"
    assert BATCH.digest != Batch("c2", topics.ENRICHED, 0, 0, 9).digest
    assert 0 <= BATCH.digest < 2**64
