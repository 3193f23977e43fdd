"""Rows of the topic of cursors: their keys, their partitions, their size, and what a damaged one says."""

from __future__ import annotations

import pytest

from agents.base import CursorCorrupt
from agents.fleet.cursor_rows import (
    MAX_CURSOR_BYTES,
    RHYTHM,
    CursorTooLarge,
    KafkaCursors,
    Rows,
    agent_of,
    pack,
    partition_of,
    put,
)
from pipeline.topics import AGENT_PARTITIONS


async def test_a_cursor_is_the_agents_own_row() -> None:
    rows: Rows = {}
    written: list[tuple[str, bytes | None]] = []

    async def write(key: str, value: bytes | None) -> None:
        written.append((key, value))
        put(rows, key, value)

    cursors, rhythms = KafkaCursors(rows, write), KafkaCursors(rows, write, RHYTHM)
    assert cursors.load("vk:a") is None
    await cursors.save("vk:a", "ё")
    await rhythms.save("vk:a", "7")
    assert (cursors.load("vk:a"), rhythms.load("vk:a")) == ("ё", "7")
    assert [key for key, _ in written] == ["vk:a", "vk:a#rhythm"] and dict(written) == rows
    await cursors.save("vk:a", "ё")
    assert len(written) == 2, "it stands there already"
    await cursors.clear("vk:a")
    assert cursors.load("vk:a") is None and written[-1] == ("vk:a", None)


async def test_a_cursor_that_would_slow_every_take_over_down_is_refused() -> None:
    async def write(key: str, value: bytes | None) -> None:
        raise AssertionError("it must not be written")

    with pytest.raises(CursorTooLarge, match="making two of it"):
        await KafkaCursors({}, write).save("vk:a", "x" * MAX_CURSOR_BYTES)


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b'{"version": 2}', b"\xff", pack("vk:b", "1"), b'{"version":1,"agent":"vk:a"}'],
)
def test_a_row_that_is_no_cursor_says_how_to_go_on(value: bytes) -> None:
    async def write(key: str, value: bytes | None) -> None: ...

    with pytest.raises(CursorCorrupt, match="molva agents forget vk:a"):
        KafkaCursors({"vk:a": value}, write).load("vk:a")


def test_all_rows_of_an_agent_stand_in_one_partition_and_agents_spread() -> None:
    assert {agent_of(f"vk:a{suffix}") for suffix in ("", "#state", "#request:2026-01-01..x")} == {"vk:a"}
    assert len({partition_of(f"vk:{number}") for number in range(200)}) == AGENT_PARTITIONS
    assert partition_of("vk:banks") == 1, "another number would give every agent another owner's rows"
