"""The cursor of a source of lists: for each list, its latest entries by digest, and how far it was read."""

from __future__ import annotations

from itertools import islice
from typing import Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.base import CursorCorrupt
from schemas.base import UtcDatetime

REMEMBERED: Final = 600
"""Entries of a list that are known by their digest: more than any list shows that is read whole."""
MAX_LISTS: Final = 30
"""Lists of an agent, so that its cursor stays below a cursor's limit of 1 MiB."""


class Known(NamedTuple):
    """An entry as it was read last: what it said, and when its first version was made."""

    digest: str
    created_ms: int
    """Unix milliseconds."""


class ListState(BaseModel):
    """What is known of a list: ``seen`` has its entries as they stood there last, newest first.

    ``unfinished``: a reading broke off, so what is new may stand behind pages that are known; ``swept``: when
    the list was last read to its end; ``etag`` and ``modified`` are those of its first page.
    """

    model_config = ConfigDict(frozen=True)

    seen: dict[str, Known] = {}
    unfinished: bool = True
    swept: UtcDatetime | None = None
    etag: str = ""
    modified: str = ""

    def changed(self, **fields: object) -> Self:
        return self.model_copy(update=fields)

    def with_seen(self, fresh: dict[str, Known], shown: list[str], remembered: int) -> Self:
        """Remember ``fresh`` entries; a reading has shown the keys ``shown`` so far, newest first.

        No more than ``remembered`` entries are kept.
        """
        seen = {**self.seen, **fresh}
        ordered = {key: seen[key] for key in shown if key in seen} | seen
        return self.changed(seen=dict(islice(ordered.items(), remembered)))


class Cursor(BaseModel):
    """The cursor of a source of lists: its lists by name."""

    version: Literal[1] = 1
    lists: dict[str, ListState] = {}

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Read a cursor.

        Raises:
            CursorCorrupt: it is not one of a source of lists.
        """
        try:
            return cls() if text is None else cls.model_validate_json(text)
        except ValidationError as error:
            raise CursorCorrupt(f"the cursor of a source of lists cannot be read: {error}") from error


class PastCursor(BaseModel):
    """The cursor of a back-fill: the lists that are done."""

    version: Literal[1] = 1
    done: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str | None) -> PastCursor:
        """Read a cursor.

        Raises:
            CursorCorrupt: it is not one of a back-fill of lists.
        """
        try:
            return cls() if text is None else cls.model_validate_json(text)
        except ValidationError as error:
            raise CursorCorrupt(f"the cursor of a back-fill of lists cannot be read: {error}") from error
