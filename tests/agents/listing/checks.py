"""What holds of every source of lists, checked over the local server of each kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from agents.base import Progress
from tests.agents.listing.reading import Reader
from tests.agents.telegram.items import ids, kills, last_cursor


async def loses_nothing(reader: Reader, expected: Iterable[str], *, every: int = 1) -> None:
    """Killed after every saved cursor (or each ``every``-th), a fresh source gives all that is left."""
    wanted = set(expected)
    items = await reader.read()
    assert set(ids(items)) == wanted
    for published, cursor in [*kills(items, None)][::every]:
        rest = await reader.read(cursor)
        assert set(published) | set(ids(rest)) == wanted
    assert ids(await reader.read(last_cursor(items))) == []


async def lives_a_day(reader: Reader, news: Callable[[int], None], *, largest: int) -> list[str]:
    """A simulated day of rounds with ``news(round)`` before each: nothing grows without end.

    Returns:
        The ids that came in.
    """
    found: list[str] = []
    sizes: list[int] = []
    end, number, tasks = reader.time.clock() + timedelta(days=1), 0, 0
    async with reader.web() as web, aclosing(reader.source(web).posts(None)) as stream:  # type: ignore[type-var]
        async for item in stream:
            found += ids([item])
            if item.cursor is not None:
                sizes.append(len(item.cursor))
                json.loads(item.cursor)
            if isinstance(item, Progress) and item.cursor is None and item.caught_up:
                number += 1
                news(number)
                tasks = tasks or len(asyncio.all_tasks())
                assert len(asyncio.all_tasks()) <= tasks + 1
            if reader.time.clock() >= end:
                break
    assert number > 10
    assert max(sizes) <= largest
    return found


def assert_paced(times: Sequence[datetime], per_second: float, burst: int) -> None:
    """In no span were there more requests than ``burst`` and what the rate adds."""
    for first in range(len(times)):
        for last in range(first, len(times)):
            span = (times[last] - times[first]).total_seconds()
            assert last - first + 1 <= burst + span * per_second + 1e-3
