"""The cursor of a source of lists: for each list, its latest entries by digest, and how far it was read."""

from __future__ import annotations

from itertools import islice
from typing import ClassVar, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from agents.cursor_state import CursorState
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


class Cursor(CursorState):
    """The cursor of a source of lists: its lists by name."""

    OF: ClassVar[str] = "a source of lists"

    lists: dict[str, ListState] = {}


class PastCursor(CursorState):
    """The cursor of a back-fill: the lists that are done."""

    OF: ClassVar[str] = "a back-fill of lists"

    done: tuple[str, ...] = ()
