"""Rows and replays for the tests of `agents.replay.source`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agents.base import Collected, Found, Rejected
from agents.manual_time import ManualTime
from agents.replay.source import ReplaySource

CREATED = "2014-07-24T17:55:54Z"


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": str(number), "created_at": CREATED, "text": f"text {number}"} | fields


def lines(*rows: Any) -> bytes:
    return b"".join(
        (r if isinstance(r, bytes) else json.dumps(r, ensure_ascii=False).encode()) + b"\n" for r in rows
    )


async def collect(source: ReplaySource, cursor: str | None = None) -> list[Collected]:
    return [item async for item in source.posts(cursor)]


def found(items: list[Collected]) -> list[Found]:
    return [item for item in items if isinstance(item, Found)]


def rejected(items: list[Collected]) -> list[Rejected]:
    return [item for item in items if isinstance(item, Rejected)]


async def replay(path: Path, content: bytes, **options: Any) -> list[Collected]:
    path.write_bytes(content)  # noqa: ASYNC240 - a small file, in a test
    return await collect(ReplaySource(path, clock=ManualTime().clock, **options))
