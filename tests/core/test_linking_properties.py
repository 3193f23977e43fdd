"""Linking for any posts: it keeps NER's spans, is deterministic, and its memory is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.linking import Linker
from pipeline.core.person_names import Person
from pipeline.core.sightings import MAX_NAMESAKES, Sightings, given_key
from pipeline.core.watchlist import Watchlist
from pipeline.core.watchlist_yaml import parse_watchlist
from schemas import Channel, Entity, RawPost, Span

WATCHLIST = parse_watchlist(
    """
- {id: sber, kind: brand, name: Сбербанк, aliases: [Сбербанк]}
- {id: gref, kind: person, name: Герман Греф, aliases: [Греф]}
- {id: move, kind: topic, name: Переезд, aliases: [переезд]}
"""
)
START = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = [
    "Герман",
    "Греф",
    "Грефа",
    "Иванова",
    "Иван",
    "Иванов",
    "Оскарович",
    "Мария",
    "Г.",
    "Сбербанк",
    "Мск",
]

texts = st.lists(st.sampled_from(WORDS) | st.text(max_size=6), min_size=1, max_size=4).map(" ".join)


@st.composite
def linked(draw: st.DrawFn) -> tuple[RawPost, tuple[Entity, ...], dict[str, tuple[Span, ...]]]:
    number = draw(st.integers(0, 10**9))
    names = draw(st.lists(texts, max_size=4))
    entities, start = [], 0
    for name in names:
        kind = draw(st.sampled_from(["PER", "ORG", "LOC"]))
        normal = draw(st.just(name) | texts)
        entities.append(Entity(text=name, normal=normal, type=kind, start=start, end=start + len(name)))
        start += len(name) + 1
    objects = {
        object_id: (Span(start=at, end=at + size, text="", alias="", rule=""),)
        for object_id, at, size in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["sber", "gref", "move", "?"]), st.integers(0, 9), st.integers(0, 9)
                )
            )
        )
    }
    when = START + timedelta(seconds=draw(st.integers(-(10**6), 10**6)))
    post = RawPost(
        source="s",
        native_id=str(number),
        text=" ".join(names),
        channel=draw(st.none() | st.builds(Channel, id=st.sampled_from("ab"))),
        reply_to=draw(st.none() | st.integers(0, 9).map(lambda other: f"s:{other}")),
        created_at=when,
        collected_at=when,
    )
    return post, tuple(entities), objects


@given(st.lists(linked(), max_size=8))
@settings(deadline=None, max_examples=60)
def test_linking_keeps_spans_and_is_deterministic(
    posts: Sequence[tuple[RawPost, tuple[Entity, ...], dict[str, tuple[Span, ...]]]],
) -> None:
    first, second = Linker(WATCHLIST), Linker(WATCHLIST)
    for post, entities, objects in posts:
        found = first.link(post, entities, objects)
        assert found == second.link(post, entities, objects)
        kept = {"type", "name", "object_id"}
        assert [one.model_dump(exclude=kept) for one in found] == [
            one.model_dump(exclude=kept) for one in entities
        ]
        for before, after in zip(entities, found, strict=True):
            assert after.name or not before.normal.strip()
            assert after.object_id in (None, *objects)
            assert after.type == before.type or after.object_id is not None


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.floats(-1e6, 1e6))),
    st.integers(1, 5),
    st.integers(1, 5),
)
@settings(deadline=None)
def test_sightings_are_bounded(seen: list[tuple[int, int, int, float]], scopes: int, names: int) -> None:
    memory = Sightings(scopes=scopes, names=names, half_life=3600.0)
    for scope, surname, given_name, at in seen:
        person = Person(f"{given_name} {surname}", f"g{given_name}", "", f"s{surname}", "")
        memory.add(scope, person, 1.0, at)
        assert len(memory) <= scopes * names * MAX_NAMESAKES
        assert person in memory.find(scope, given_key(person.given), at)
        assert all(weight > 0 for weight in memory.find(scope, person.given, at).values())


def test_people_are_bounded() -> None:
    """Every post a new thread, channel, author and name: what is held stops growing."""
    linker = Linker(Watchlist(()))
    sizes = []
    for number in range(14_000):
        name = f"Иван {letters(number)}"
        when = START + timedelta(seconds=number)
        post = RawPost(
            source="s", native_id=str(number), text=name, channel=Channel(id=f"c{number}"),
            reply_to=f"s:{number}x", created_at=when, collected_at=when,
        )  # fmt: skip
        entity = Entity(text=name, normal=name, type="PER", start=0, end=len(name))
        linker.link(post, [entity], {})
        if number in (12_000, 13_999):
            sizes.append(len(linker.people))
    assert sizes[0] == sizes[1]


def letters(number: int) -> str:
    """A surname of its own for every number."""
    return "К" + "".join(chr(ord("а") + int(digit)) for digit in str(number)) + "кин"
