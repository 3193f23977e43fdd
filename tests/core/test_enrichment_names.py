"""Which names and which place a mention carries beside its object."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from pipeline.core.enrichment import (
    MAX_NAMES,
    MAX_REGION_CHARS,
    Annotation,
    ObjectMention,
    mentions,
    others,
    region,
)
from schemas import Entity, Origin, RawPost, Sentiment
from schemas.mention import ObjectKind

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SENTIMENT = Sentiment(label="negative", negative=0.8, neutral=0.15, positive=0.05)


def entity(text: str, name: str = "", object_id: str | None = None) -> Entity:
    return Entity(
        text=text, normal=text.lower(), type="ORG", start=0, end=len(text), name=name, object_id=object_id
    )


def post(**extras: JsonValue) -> RawPost:
    return RawPost.model_validate(
        {
            **{"source": "vk", "native_id": "1", "created_at": NOW, "collected_at": NOW},
            **{"text": "Акме и Бета в Самаре", "extras": extras},
        }
    )


def test_the_linked_names_of_others() -> None:
    entities = (
        entity("Акме", "Акме Банк", "acme"),
        entity("Бета", "Бета", "beta"),
        entity("Роскомнадзора", "Роскомнадзор"),
        entity("роскомнадзор", "РОСКОМНАДЗОР"),
        entity("Самаре"),
    )
    assert others(entities, "acme") == ("Бета", "Роскомнадзор", "самаре")
    assert others(entities, "beta") == ("Акме Банк", "Роскомнадзор", "самаре")
    assert len(others([entity(f"имя {n}") for n in range(40)], "acme")) == MAX_NAMES


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        ({"city": "Самара", "region": " Самарская\nобласть "}, "Самарская область"),
        ({"region": "", "city": "Самара"}, "Самара"),
        ({"geo": "53.2, 50.1"}, ""),
        ({"city": {"id": 123}}, ""),
        ({"geo": "Тольятти"}, "Тольятти"),
        ({"city": "щ" * 500}, "щ" * MAX_REGION_CHARS),
        ({}, ""),
    ],
)
def test_the_place_is_what_the_source_tells(extras: dict[str, JsonValue], expected: str) -> None:
    assert region(post(**extras)) == expected


def test_mentions_carry_both() -> None:
    found = tuple(ObjectMention(name, (), SENTIMENT, "m") for name in ("acme", "beta"))
    entities = (entity("Акме", "Акме", "acme"), entity("Бета", "Бета", "beta"))
    annotation = Annotation("ru", SENTIMENT, entities, found, "m")
    origin = Origin(topic="molva.posts.raw", partition=0, offset=0)
    kinds: dict[str, ObjectKind] = {"acme": "brand", "beta": "competitor"}
    first, second = mentions(post(city="Самара"), annotation, origin, NOW, kinds, ())
    assert (first.names, second.names) == (("Бета",), ("Акме",))
    assert first.region == second.region == "Самара"
