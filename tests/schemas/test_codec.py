"""Bytes <-> records: round trips, bad bytes, hostile text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import DeadLetter, Deletion, Mention, Origin, RawPost, Sentiment, Watermark
from schemas.codec import InvalidRecord, decode, encode, event_type, header, parse_json, validate

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

moments = st.datetimes(datetime(2000, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def post(**fields: object) -> dict[str, object]:
    """The smallest valid raw post, with changes."""
    return {
        "source": "vk",
        "native_id": "1",
        "created_at": T0.isoformat(),
        "collected_at": T0.isoformat(),
        **fields,
    }


@given(
    native=st.text(min_size=1, max_size=80), text=texts, created=moments, rating=st.floats(0, 5) | st.none()
)
def test_a_raw_post_survives_the_round_trip(
    native: str, text: str, created: datetime, rating: float | None
) -> None:
    try:
        native.encode()
    except UnicodeEncodeError:
        native = "x"
    record = RawPost(
        id=f"vk:{native}",
        source="vk",
        native_id=native,
        created_at=created,
        collected_at=created + timedelta(hours=1),
        text=text,
        rating=rating,
        extras={"n": 1, "deep": [{"a": None}]},
    )
    assert decode(RawPost, encode(record).value) == record


def test_headers_follow_the_cloudevents_binding() -> None:
    message = encode(validate(RawPost, post()))
    assert message.key == b"vk:1"
    assert dict(message.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"vk:1",
        "ce_type": b"molva.post.v1",
        "ce_source": b"vk",
        "ce_time": b"2026-03-02T10:00:00+00:00",
        "content-type": b"application/json",
    }
    assert header(message.headers, "ce_type") == event_type(RawPost)
    assert header(message.headers, "absent") is None
    assert header(None, "ce_type") is None
    assert header([("ce_type", None)], "ce_type") is None


def test_unknown_fields_of_a_post_are_kept_in_its_extras() -> None:
    record = validate(RawPost, post(targets={"sberbank": "negative"}, extras={"page": 2}))
    assert record.extras == {"targets": {"sberbank": "negative"}, "page": 2}


def test_times_are_utc_whatever_their_zone_was() -> None:
    record = validate(RawPost, post(created_at="2026-03-02T13:00:00+03:00"))
    assert record.created_at == T0
    assert record.created_at.tzinfo == UTC


def test_lone_surrogates_are_replaced_and_the_post_lives() -> None:
    value = json.dumps(post(text="плохо \ud800 банк")).encode()
    assert decode(RawPost, value).text == "плохо \ufffd банк"


def test_null_bytes_and_ten_thousand_emoji_are_text() -> None:
    text = "a\x00b" + "😀" * 10_000
    assert decode(RawPost, encode(validate(RawPost, post(text=text))).value).text == text


@pytest.mark.parametrize(
    ("fields", "reason", "word"),
    [
        ({"created_at": "1970-01-01T00:00:00Z"}, "implausible_time", "before 2000"),
        ({"created_at": "2100-01-01T00:00:00Z"}, "implausible_time", "later than its collection"),
        ({"created_at": "32.13.2026"}, "invalid", "created_at"),
        ({"created_at": "0001-01-01T00:00:00+05:00"}, "invalid", "created_at"),
        ({"created_at": "2026-03-02T10:00:00"}, "invalid", "timezone"),
        ({"text": "x" * 5_000_000}, "too_large", "100000"),
        ({"extras": {"blob": "x" * 20_000}}, "too_large", "16384"),
        ({"id": "ok:1"}, "invalid", "<source>:<native_id>"),
        ({"source": "a:b"}, "invalid", "source"),
        ({"kind": "story"}, "invalid", "kind"),
        ({"rating": 11}, "invalid", "rating"),
        ({"text": 5}, "invalid", "text"),
        ({"engagement": {"likes": -1}}, "invalid", "likes"),
    ],
)
def test_a_broken_post_says_what_is_wrong(fields: dict[str, object], reason: str, word: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        decode(RawPost, json.dumps(post(**fields)).encode())
    assert caught.value.reason == reason
    assert word in caught.value.detail


@pytest.mark.parametrize("value", [b"", b"{", b'{"text": "a', b"\xff\xfe", b"[" * 100_000, b"NaN,"])
def test_bytes_that_are_no_json(value: bytes) -> None:
    with pytest.raises(InvalidRecord) as caught:
        decode(RawPost, value)
    assert caught.value.reason == "not_json"


@pytest.mark.parametrize("value", [b"null", b"[]", b'"text"', b"5", b"{}"])
def test_json_that_is_no_post(value: bytes) -> None:
    with pytest.raises(InvalidRecord) as caught:
        decode(RawPost, value)
    assert caught.value.reason == "invalid"


def test_a_tombstone_is_no_record() -> None:
    with pytest.raises(InvalidRecord, match="no value"):
        decode(RawPost, None)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(value: bytes) -> None:
    for model in (RawPost, Mention, Watermark, Deletion, DeadLetter):
        try:
            decode(model, value)
        except InvalidRecord as error:
            assert error.detail


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_parsing_undoes_dumping_but_for_surrogates(document: object) -> None:
    parsed = parse_json(json.dumps(document).encode())
    assert json.dumps(parsed, ensure_ascii=False).encode()
    assert parse_json(json.dumps(parsed).encode()) == parsed


def test_a_dead_letter_keeps_what_fits_and_the_sum_of_all() -> None:
    letter = DeadLetter.of(
        b"\xff" * 100_000,
        stage="enrichment",
        origin="t:0:7",
        reason="not_json",
        detail="x" * 5000,
        failed_at=T0,
    )
    assert letter.id == f"enrichment/t:0:7#{letter.payload_sha256[:8]}"
    assert letter.payload == "\\xff" * 32_768
    assert letter.payload_size == 100_000
    assert len(letter.detail) == 2000
    assert decode(DeadLetter, encode(letter).value) == letter


def test_event_ids_tell_facts_apart() -> None:
    origin = Origin(topic="molva.posts.raw", partition=1, offset=5)
    plain = Watermark(agent="rss", watermark=T0, partitions=4)
    forwarded = plain.model_copy(update={"origin": origin})
    assert plain.event_id != forwarded.event_id
    assert Sentiment(label="neutral", negative=0, neutral=1, positive=0).label == "neutral"
    gone = Deletion(id="vk:1", source="vk", native_id="1", deleted_at=T0, collected_at=T0)
    assert gone.event_id == "vk:1#deleted"
    with pytest.raises(ValueError, match="native_id"):
        Deletion(id="vk:2", source="vk", native_id="1", deleted_at=T0, collected_at=T0)
