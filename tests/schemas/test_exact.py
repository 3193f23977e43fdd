"""The quick way of decoding gives what the model itself gives, for documents of any kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import EnrichedPost, Mention, Origin, RawPost, Record, Sentiment
from schemas.codec import InvalidRecord, decode
from schemas.exact import exact_validator

POST: dict[str, Any] = {
    "id": "vk:1",
    "source": "vk",
    "native_id": "1",
    "created_at": "2026-03-02T10:00:00+03:00",
    "collected_at": "2026-03-02T10:00:01Z",
    "text": "Очередь",
    "channel": {"id": "c", "new": 1},
    "media": [{"kind": "photo"}],
    "extras": {"city": "Самара", "deep": [{"a": None}]},
}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
documents = st.recursive(
    scalars | st.sampled_from(["vk", "vk:1", "2026-03-02T10:00:00Z", "1700000000", "5", "post"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([*RawPost.model_fields, "unknown", "likes"])
changes = st.dictionaries(names, documents, max_size=3)


def by_the_model(model: type[Record], value: bytes) -> Record | None:
    try:
        return model.model_validate_json(value)
    except ValidationError:
        return None


def decoded(model: type[Record], value: bytes) -> Record | None:
    try:
        return decode(model, value)
    except InvalidRecord:
        return None


def same(model: type[Record], value: bytes) -> None:
    found, wanted = decoded(model, value), by_the_model(model, value)
    if wanted is not None or found is None:  # `decode` alone cures lone surrogates
        assert repr(found) == repr(wanted)  # NaN is not equal to itself
        assert found is None or type(found) is model
        assert found is None or found.model_fields_set == getattr(wanted, "model_fields_set", None)


@given(changed=changes, left_out=st.sets(names, max_size=2))
def test_a_post_is_read_as_the_model_reads_it(changed: dict[str, Any], left_out: set[str]) -> None:
    document = {name: value for name, value in {**POST, **changed}.items() if name not in left_out}
    same(RawPost, json.dumps(document).encode())


@given(changed=changes)
def test_a_post_inside_another_record_too(changed: dict[str, Any]) -> None:
    sentiment = {"label": "neutral", "negative": 0.1, "neutral": 0.8, "positive": 0.1}
    document = {
        "id": "vk:1",
        "post": {**POST, **changed},
        "origin": {"topic": "t", "partition": 0, "offset": 1, "more": 2},
        "language": "ru",
        "sentiment": sentiment,
        "model": "m",
        "enriched_at": "2026-03-02T10:00:02Z",
        "later": [1],
    }
    same(EnrichedPost, json.dumps(document).encode())


@pytest.mark.parametrize(
    "again", ['"text": "b"', '"id": "vk:1", "id": "vk:1"', '"rating": 1e400', '"x": NaN']
)
def test_odd_documents_are_read_alike(again: str) -> None:
    same(RawPost, (json.dumps(POST)[:-1] + f", {again}}}").encode())


def test_the_usual_post_takes_the_quick_way() -> None:
    record = exact_validator(RawPost).validate_json(json.dumps(POST))
    assert record == RawPost.model_validate(POST)


def test_what_the_model_would_repair_is_refused() -> None:
    for document in ({**POST, "likes": 3}, {name: POST[name] for name in POST if name != "id"}):
        with pytest.raises(ValidationError):
            exact_validator(RawPost).validate_json(json.dumps(document))
        assert decode(RawPost, json.dumps(document).encode()) == RawPost.model_validate(document)


def test_models_without_a_step_of_their_own_keep_their_validator() -> None:
    for model in (Mention, Sentiment, Origin):
        assert exact_validator(model) is model.__pydantic_validator__
