"""The cursor of a ``mastodon`` agent: for each instance how far its feeds were read, and its latest posts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from agents.cursor_state import CursorState
from agents.discussions.answered import Watched

REMEMBERED: Final = 200
"""Posts of an instance whose deletion is understood: the server names them by its own number only."""
LATE: Final = timedelta(minutes=2)
"""How late a post of another server may come in and still be found after a restart."""
SNOWFLAKE_BITS: Final = 16
FIRST_SNOWFLAKE: Final = 1 << 56
"""Mastodon's numbers begin with the milliseconds of Unix time; those of other servers may not."""


class InstanceState(BaseModel):
    """``places``: per feed, the id up to which all was read; ``recent``: local id -> URI, the newest last.

    ``watched``: by local id, the posts of accounts under which answers are looked for.
    """

    model_config = ConfigDict(frozen=True)

    places: Mapping[str, str] = {}
    recent: Mapping[str, str] = {}
    watched: Mapping[str, Watched] = {}


class Cursor(CursorState):
    """The agent's cursor: its instances by URL."""

    OF: ClassVar[str] = "a mastodon agent"

    instances: dict[str, InstanceState] = {}


def is_snowflake(status_id: str) -> bool:
    return status_id.isdecimal() and int(status_id) >= FIRST_SNOWFLAKE


def order(status_id: str) -> tuple[int, str]:
    """Sorts ids by age: numbers by value, ULIDs and the like by letters."""
    return (len(status_id), status_id)


def newest(*ids: str) -> str:
    return max(ids, key=order)


def stepped_back(status_id: str) -> str:
    """An id so much older that posts which come in late are read as well; the same where ids tell no time.

    A post of another server gets an id by the moment at which it was written, not received.
    """
    if not is_snowflake(status_id):
        return status_id
    return str(max(0, int(status_id) - (int(LATE.total_seconds() * 1000) << SNOWFLAKE_BITS)))


def id_at(moment: datetime) -> str:
    """The lowest id that Mastodon can give at a moment."""
    return str(int(moment.timestamp() * 1000) << SNOWFLAKE_BITS)
