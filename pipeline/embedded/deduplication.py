"""What ClickHouse remembers of inserts whose parts it does not have: forgotten before the server starts.

A table that is not replicated notes the token of an insert in ``deduplication_logs`` before it gives the part
its name. A ``kill -9`` in between leaves a note without a part: the retry of the insert would be taken for a
repetition, and its rows would be lost. This must run while no server has the data. Tables of Keeper do not
need it: there one transaction does both.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

_PART: Final = re.compile(r"(?P<partition>[^_]+)_(?P<first>\d+)_(?P<last>\d+)_\d+(?:_\d+)?")
_TEMPORARY: Final = ("tmp", "delete_tmp")
_ADDED: Final = "1"


class Forgotten(NamedTuple):
    """A note that was removed: ``table`` is the folder of the table."""

    table: Path
    part: str


class _Blocks(NamedTuple):
    """The blocks of a partition that a part holds, both inclusive; merges keep them."""

    partition: str
    first: int
    last: int


def forget_absent(data: Path) -> list[Forgotten]:
    """Remove the notes of parts that are not there, from every table under ``data`` (ClickHouse's ``path``).

    Raises:
        OSError: a file cannot be read or replaced.
    """
    found: list[Forgotten] = []
    for notes in sorted(data.glob("store/*/*/deduplication_logs")):
        table = notes.parent
        held = _held(table)
        for log in sorted(notes.glob("deduplication_log_*.txt")):
            found += [Forgotten(table, part) for part in _forget(log, held, table / "tmp_deduplication_log")]
    return found


def _held(table: Path) -> dict[str, list[_Blocks]]:
    """By partition: what the folders of the table hold, also those that a merge has replaced."""
    held: dict[str, list[_Blocks]] = defaultdict(list)
    for folder in table.iterdir():
        if not folder.name.startswith(_TEMPORARY) and (blocks := _blocks(folder.name)) is not None:
            held[blocks.partition].append(blocks)
    return held


def _forget(log: Path, held: dict[str, list[_Blocks]], draft: Path) -> list[str]:
    """Replace a log by one without the notes of parts that nothing holds; their names.

    The draft takes its place at once: a log that a kill cut short would let repetitions in.
    """
    kept: list[str] = []
    gone: list[str] = []
    for line in log.read_text(encoding="utf-8").splitlines(keepends=True):
        operation, _, rest = line.partition("\t")
        part = rest.partition("\t")[0]
        blocks = _blocks(part)
        if operation == _ADDED and blocks is not None and not _holds(held[blocks.partition], blocks):
            gone.append(part)
        else:
            kept.append(line)
    if gone:
        draft.write_text("".join(kept), encoding="utf-8")
        draft.chmod(log.stat().st_mode)
        draft.replace(log)
    return gone


def _holds(parts: list[_Blocks], wanted: _Blocks) -> bool:
    return any(part.first <= wanted.first and wanted.last <= part.last for part in parts)


def _blocks(name: str) -> _Blocks | None:
    found = _PART.fullmatch(name)
    return found and _Blocks(found["partition"], int(found["first"]), int(found["last"]))
