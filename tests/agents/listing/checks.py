"""What holds of every source of lists, checked over the local server of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

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


def assert_paced(times: Sequence[datetime], per_second: float, burst: int) -> None:
    """In no span were there more requests than ``burst`` and what the rate adds."""
    for first in range(len(times)):
        for last in range(first, len(times)):
            span = (times[last] - times[first]).total_seconds()
            assert last - first + 1 <= burst + span * per_second + 1e-3
