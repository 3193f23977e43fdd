"""A memory of bounded size: what was noted longest ago is forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """At most ``limit`` values by key; what is looked up or noted again counts as new."""

    def __init__(self, limit: int, known: Mapping[K, V] | None = None) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict(known or {})

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._values))

    def get(self, key: K) -> V | None:
        """The value; None where there is none."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def note(self, key: K, value: V) -> None:
        """Remember, and forget the oldest where there are too many."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)

    def forget(self, key: K) -> None:
        """Remember no more, if it was known."""
        self._values.pop(key, None)

    def copy(self) -> dict[K, V]:
        """All of it, the newest last."""
        return dict(self._values)
