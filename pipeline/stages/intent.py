"""What a checkpoint of the notification stage is about to do: a redo log in the stage's journal.

A checkpoint publishes records and changes rows of the journal, which Kafka does one by one. It first writes
an intent with all of it; the stage that finds one when it starts carries it out, again where it was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from schemas.alert import Alert
from schemas.base import Part
from schemas.dead_letter import DeadLetter

PREFIX = "intent|"
PART_BYTES = 1024 * 1024
"""A row of the journal is no larger than this; longer intents take several."""


class Intent(Part):
    """Records to publish in this order, then rows to set (None: delete)."""

    alerts: tuple[Alert, ...]
    letters: tuple[DeadLetter, ...]
    rows: dict[str, str | None]

    @classmethod
    def of(
        cls, alerts: Iterable[Alert], letters: Iterable[DeadLetter], rows: Mapping[str, bytes | None]
    ) -> Self:
        """From what the stage has; rows are JSON."""
        texts = {key: None if value is None else value.decode() for key, value in rows.items()}
        return cls(alerts=tuple(alerts), letters=tuple(letters), rows=texts)

    @property
    def values(self) -> dict[str, bytes | None]:
        """The rows as the journal takes them."""
        return {key: None if text is None else text.encode() for key, text in self.rows.items()}

    @property
    def simple(self) -> bool:
        """Whether it is done in one step, so that nothing has to be written before."""
        return not self.alerts and not self.letters and len(self.rows) <= 1

    def parts(self) -> dict[str, bytes]:
        """The rows that hold it, ``intent|<number>/<count>``: it stands once the last of them does."""
        value = self.model_dump_json().encode()
        starts = range(0, len(value), PART_BYTES)
        return {
            _key(number, len(starts)): value[start : start + PART_BYTES]
            for number, start in enumerate(starts, 1)
        }

    @classmethod
    def join(cls, parts: Mapping[str, bytes]) -> Self | None:
        """The inverse of `parts`; None where some are missing: nothing of it was done, or all of it was."""
        keys = [_key(number, len(parts)) for number in range(1, len(parts) + 1)]
        if not keys or parts.keys() != set(keys):
            return None
        return cls.model_validate_json(b"".join(parts[key] for key in keys))


def parts_in(rows: Mapping[str, bytes]) -> dict[str, bytes]:
    """The parts of an intent among the rows of a journal."""
    return {key: value for key, value in rows.items() if key.startswith(PREFIX)}


def _key(number: int, count: int) -> str:
    return f"{PREFIX}{number}/{count}"
