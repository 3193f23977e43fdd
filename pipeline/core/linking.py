"""What a found name refers to: a surname's full name, an object of the watchlist, one spelling of a place.

Enrichment calls `Linker.link` for every post in stream order; ``normal`` is never changed (docs/entities.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from pipeline.core.entity_names import organisation_name, place_name, without_legal_form
from pipeline.core.given_names import given_name_gender
from pipeline.core.people import People
from pipeline.core.person_names import Person, full_names
from pipeline.core.watchlist import Watchlist, WatchObject
from schemas import Entity, RawPost
from schemas.enriched import EntityType
from schemas.mention import ObjectKind

TYPES: Final[Mapping[ObjectKind, EntityType]] = {
    "brand": "ORG",
    "product": "ORG",
    "competitor": "ORG",
    "person": "PER",
}
"""What an entity is that names an object; a topic does not tell."""


class Placed(Protocol):
    """Where an object was matched in the text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class _Object(NamedTuple):
    id: str
    name: str
    kind: ObjectKind
    people: tuple[Person, ...]
    """Whom the name of an object of kind person states."""


class Linker:
    """Links the entities of posts; what it learns is in memory only, and bounded. One thread at a time.

    The answer depends on the posts before, their order and their event times, on nothing else.
    """

    def __init__(self, watchlist: Watchlist) -> None:
        self._objects = {
            item.id: _Object(
                item.id,
                item.name,
                item.kind,
                full_names(item.name, item.name) if item.kind == "person" else (),
            )
            for item in watchlist
        }
        self.people = People()

    def link(
        self, post: RawPost, entities: Sequence[Entity], objects: Mapping[str, Sequence[Placed]]
    ) -> tuple[Entity, ...]:
        """The entities, in their order, with ``name`` and ``object_id``, and the type that their object has.

        Args:
            objects: the places of each watchlist object in the text; ids that are not watched are ignored.
        """
        self.people.follow(post)
        if not entities:
            return ()
        named = [self._object(entity, objects) if objects else None for entity in entities]
        persons = self.people.names(post, entities, [_people(watched) for watched in named])
        return tuple(map(_linked, entities, named, persons))

    def _object(self, entity: Entity, objects: Mapping[str, Sequence[Placed]]) -> _Object | None:
        """The object that an entity names: the one whose match covers most of it, topics last."""
        best: tuple[bool, int] = (False, 0)
        chosen = None
        for object_id, places in objects.items():
            watched = self._objects.get(object_id)
            if watched is None:
                continue
            for place in places:
                rank = (watched.kind in TYPES, min(place.end, entity.end) - max(place.start, entity.start))
                if rank[1] > 0 and rank > best and _names(entity, place, watched):
                    best, chosen = rank, watched
        return chosen


def _object(item: WatchObject) -> _Object:
    people = full_names(item.name, item.name) if item.kind == "person" else ()
    return _Object(item.id, item.name, item.kind, people[:1])


def _people(watched: _Object | None) -> tuple[Person, ...] | None:
    return None if watched is None or watched.kind not in TYPES else watched.people


def _names(entity: Entity, place: Placed, watched: _Object) -> bool:
    """Whether an entity with a match in it is the object, and not only named after it.

    «Олег Тинькофф» is a person, «Анна Греф» is not Герман Греф, and what has two words or more before the
    match is something of the object's («Ассоциация клиентов Сбербанка»).
    """
    if place.start <= entity.start and place.end >= entity.end:
        return True
    people = full_names(entity.text, entity.normal) if entity.type == "PER" else ()
    if watched.kind == "person":
        givens = {person.given for person in watched.people}
        return not givens or not people or any(person.given in givens for person in people)
    if any(given_name_gender(person.given) is not None for person in people):
        return False
    before = entity.text[: max(0, place.start - entity.start)]
    return len(without_legal_form(before).split()) < 2


def _linked(entity: Entity, watched: _Object | None, person: str) -> Entity:
    kind = TYPES.get(watched.kind) if watched else None
    if watched and kind:
        name = watched.name
    elif entity.type == "PER":
        name = person or entity.normal
    else:
        name = (organisation_name if entity.type == "ORG" else place_name)(entity.normal)
    return Entity(
        text=entity.text,
        normal=entity.normal,
        type=kind or entity.type,
        start=entity.start,
        end=entity.end,
        name=name,
        object_id=watched.id if watched else None,
    )
