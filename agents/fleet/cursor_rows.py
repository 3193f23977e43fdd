"""The rows of the compacted topic ``molva.agents.cursors``: whose they are, where they stand, what they hold.

The owner of an agent (`agents.fleet.ownership`) keeps its rows in memory, writes them through `KafkaCursors`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from zlib import crc32

from agents.base import AgentError, CursorCorrupt
from pipeline.topics import AGENT_CURSORS, AGENT_PARTITIONS

VERSION = 1
BACKFILL, REQUEST, FORGET, RHYTHM, STATE = "#backfill", "#request:", "#forget", "#rhythm", "#state"
"""What follows the agent's name in the keys of its rows; its live cursor's key is the name alone."""
MAX_CURSOR_BYTES = 1024 * 1024

Rows = dict[str, bytes]
"""The rows of one partition, by key, as the owner has read and written them."""
Write = Callable[[str, bytes | None], Awaitable[None]]
"""Set a row of the topic (None: delete it); returns when Kafka has confirmed it. What an owner is given
writes only while its lease is held, and keeps its `Rows` current."""


class CursorTooLarge(AgentError):
    """A source's cursor is above `MAX_CURSOR_BYTES`."""


def put(rows: Rows, key: str, value: bytes | None) -> None:
    """Set a row in memory; None: delete it."""
    if value is None:
        rows.pop(key, None)
    else:
        rows[key] = value


def agent_of(key: str) -> str:
    """Whose row it is."""
    return key.partition("#")[0]


def partition_of(agent: str) -> int:
    """Where all rows of an agent stand; who owns the partition runs the agent."""
    return crc32(agent.encode()) % AGENT_PARTITIONS


def pack(key: str, cursor: str) -> bytes:
    """A cursor as a row.

    Raises:
        CursorTooLarge: it is above the limit.
    """
    value = json.dumps({"version": VERSION, "agent": key, "cursor": cursor}, ensure_ascii=False).encode()
    if len(value) > MAX_CURSOR_BYTES:
        raise CursorTooLarge(
            f"the cursor of {key} takes {len(value)} bytes, the limit is {MAX_CURSOR_BYTES}: "
            "give the agent less to watch, e.g. by making two of it"
        )
    return value


def unpack(key: str, value: bytes) -> str:
    """The cursor of a row.

    Raises:
        CursorCorrupt: it is not what `pack` made.
    """
    try:
        saved = json.loads(value)
    except ValueError as error:
        raise _corrupt(key, f"it is not JSON ({error})") from error
    match saved:
        case {"version": 1, "agent": str(owner), "cursor": str(cursor)} if owner == key:
            return cursor
    raise _corrupt(key, f"it is no cursor of version {VERSION} of {key}")


def _corrupt(key: str, why: str) -> CursorCorrupt:
    return CursorCorrupt(
        f"row {key} of {AGENT_CURSORS} (partition {partition_of(agent_of(key))}) cannot be used: {why}. "
        f"`molva agents forget {agent_of(key)}` starts this agent from the beginning "
        "(posts that are stored already are not stored twice)."
    )


class KafkaCursors:
    """`CursorStore` over the rows of one owned partition."""

    def __init__(self, rows: Rows, write: Write, suffix: str = "") -> None:
        """``suffix``: which of an agent's rows, where it is not the one of its cursor."""
        self._rows = rows
        self._write = write
        self._suffix = suffix

    def load(self, agent: str) -> str | None:
        """The newest cursor; raises what `unpack` does."""
        key = f"{agent}{self._suffix}"
        value = self._rows.get(key)
        return None if value is None else unpack(key, value)

    async def save(self, agent: str, cursor: str) -> None:
        """Remember a cursor in the topic; one that stands there already is not written again.

        Raises:
            CursorTooLarge: it is above the limit.
            PublishFailed: Kafka did not confirm it, or the agent may have another owner by now.
        """
        key = f"{agent}{self._suffix}"
        value = pack(key, cursor)
        if value != self._rows.get(key):
            await self._write(key, value)

    async def clear(self, agent: str) -> None:
        await self._write(f"{agent}{self._suffix}", None)
