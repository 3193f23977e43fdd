"""Full names that were seen lately, by thread, channel or timeline: the bounded memory of ``linking``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar

from pipeline.core.person_names import Person

MAX_NAMESAKES = 6
"""People with one surname (or given name) in one scope; the least seen is forgotten first."""


K = TypeVar("K")
V = TypeVar("V")


class _Seen(NamedTuple):
    weight: float
    at: float


_People = dict[Person, _Seen]


class Sightings:
    """Weights of full names per scope; the longest unused scopes, and names in a scope, are forgotten first.

    Args:
        scopes: threads, channels or timelines that are remembered at most.
        names: surnames and given names that are remembered per scope at most.
        half_life: seconds of event time in which the weight of a sighting halves.
    """

    def __init__(self, scopes: int, names: int, half_life: float) -> None:
        self._limits = (scopes, names)
        self._half_life = half_life
        self._scopes: OrderedDict[Hashable, OrderedDict[str, _People]] = OrderedDict()

    def __len__(self) -> int:
        """How many entries are held, of all scopes: at most scopes x names x `MAX_NAMESAKES`."""
        return sum(len(people) for scope in self._scopes.values() for people in scope.values())

    def add(self, scope: Hashable, person: Person, weight: float, at: float) -> None:
        """Note a person, seen at event time ``at`` (seconds)."""
        names = _recent(self._scopes, scope, self._limits[0], OrderedDict)
        for key in (person.surname, given_key(person.given)):
            people = _recent(names, key, self._limits[1], dict)
            seen = people.get(person)
            if seen is None and len(people) >= MAX_NAMESAKES:
                del people[min(people, key=lambda one: self._weight(people[one], at))]
            before = self._weight(seen, at) if seen else 0.0
            people[person] = _Seen(before + weight, max(at, seen.at) if seen else at)

    def find(self, scope: Hashable, key: str, at: float) -> dict[Person, float]:
        """The people of a surname, or of `given_key`, with their weights at event time ``at``."""
        names = self._scopes.get(scope)
        people = names.get(key) if names else None
        if not people:
            return {}
        return {person: self._weight(seen, at) for person, seen in people.items()}

    def _weight(self, seen: _Seen, at: float) -> float:
        age = at - seen.at
        return seen.weight if age <= 0 else seen.weight * float(2.0 ** (-age / self._half_life))


def given_key(given: str) -> str:
    """The key under which people are found by their given name."""
    return f"~{given}"


def _recent(kept: OrderedDict[K, V], key: K, limit: int, new: Callable[[], V]) -> V:
    """The value of a key, made where it is missing, and now the most recently used."""
    value = kept.get(key)
    if value is None:
        if len(kept) >= limit:
            kept.popitem(last=False)
        value = kept[key] = new()
    else:
        kept.move_to_end(key)
    return value
