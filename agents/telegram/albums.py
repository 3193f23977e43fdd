"""Which messages belong to one post: albums are several messages, and live as long as any of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

REMEMBERED: Final = 500
KEPT: Final = 10
"""Albums of a room that a restart remembers: the newest."""


class Albums:
    """``known``: by the message that names the post, which others are there, as bits: 1 is that message."""

    def __init__(self, known: Mapping[int, int]) -> None:
        self._there = dict(known)
        self._first = {first + bit: first for first, there in known.items() for bit in _bits(there)}

    def kept(self) -> dict[int, int]:
        """The newest ones, as the cursor has them."""
        return {first: self._there[first] for first in sorted(self._there)[-KEPT:]}

    def note(self, album: Sequence[Any]) -> int:
        """Remember the messages of a post; the number that names it, also where that message is gone."""
        numbers: list[int] = [message.id for message in album]
        first = min(self._first.get(number, number) for number in numbers)
        if len(numbers) > 1 or first in self._there:
            self._there[first] = sum(1 << (number - first) for number in numbers)
            self._first |= dict.fromkeys(numbers, first)
        while len(self._there) > REMEMBERED:
            self._forget(min(self._there))
        return first

    def without(self, numbers: Iterable[int]) -> list[int]:
        """The posts that are gone with some messages: those of which nothing is left."""
        gone = []
        for number in numbers:
            first = self._first.get(number)
            if first is None:
                gone.append(number)
                continue
            self._there[first] &= ~(1 << (number - first))
            if not self._there[first]:
                self._forget(first)
                gone.append(first)
        return gone

    def _forget(self, first: int) -> None:
        del self._there[first]
        self._first = {number: known for number, known in self._first.items() if known != first}


def _bits(there: int) -> list[int]:
    return [bit for bit in range(there.bit_length()) if there >> bit & 1]
