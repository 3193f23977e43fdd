"""Mentions of an object whose buckets are not closed yet, and those that come late for a part of them.

Filled by `pipeline.core.object_state` mention by mention, emptied by it bucket by bucket.

**Late mentions.** With its own raw partition a mention carries a moment, ``late_before``: how far that
partition has promised time to have come, less the grace. Dated before it, the mention is late for its
5-minute bucket; but where the *end of its hour* (or day) still lies after that moment, it counts in the hour
(or day). Such a bucket closes when the minimum over all raw partitions has passed its end, and the minimum
is at most the own partition's moment, so it cannot be closed yet: whatever the interleaving, the mention is
in before the bucket is judged. And the moment is a function of the own partition's records in their order.
Hence hours and days are the same in every run. For the same reason a mention that is too late is counted,
for `Spike.late`, in the 5-minute bucket in which its moment lies.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, Final

from pipeline.core.dimensions import WHOLE, Slice
from pipeline.core.tally import Tally
from pipeline.core.windows import DAY, HOUR, MINUTES_5, bucket
from schemas import Mention
from schemas.spike import Resolution

REMEMBERED: Final = 1024
"""Posts of a day by which late copies are known; with more, what is late for its hour does not count."""
MISSED: Final[tuple[Resolution, ...]] = ("5m", "1h", "1d")

Late = dict[int, tuple[int, int, int]]
"""Start of the 5-minute bucket that was missed -> mentions too late for it, for its hour, for its day."""


def open_step(second: int, late_before: int) -> int | None:
    """Length of the smallest bucket around ``second`` that a mention is not late for; None: for all it is.

    >>> open_step(HOUR + 600, HOUR + 300), open_step(HOUR + 10, HOUR + 300), open_step(10, HOUR)
    (300, 3600, 86400)
    """
    if second >= late_before:
        return MINUTES_5
    return next((step for step in (HOUR, DAY) if bucket(second, step) + step > late_before), None)


class Content:
    """What a bucket holds: tallies of the whole object and of its slices, and which posts."""

    __slots__ = ("seen", "tallies")

    def __init__(self, tallies: dict[Slice, Tally] | None = None, seen: Iterable[int] = ()) -> None:
        self.tallies = tallies or {}
        self.seen = set(seen)
        """Fingerprints of the posts."""

    @property
    def whole(self) -> Tally:
        """The tally of the whole object; empty where there is nothing."""
        return self.tallies.get(WHOLE) or Tally()

    def add(self, mention: Mention, post: int, levels: Iterable[Slice]) -> None:
        """Count a mention of the post with this fingerprint."""
        self.seen.add(post)
        for level in levels:
            self.tallies.setdefault(level, Tally()).add(mention)

    def merge(self, other: Content) -> None:
        """Add what another bucket holds."""
        self.seen |= other.seen
        for level, tally in other.tallies.items():
            self.tallies.setdefault(level, Tally()).merge(tally)

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        packed = b"".join(post.to_bytes(8, "big") for post in sorted(self.seen))
        tallies = [[*level, tally.dump()] for level, tally in sorted(self.tallies.items())]
        return [tallies, b64encode(packed).decode()]

    @classmethod
    def load(cls, values: list[Any]) -> Content:
        """Restore what `dump` gave, also after a way through JSON."""
        tallies, seen = values
        packed = b64decode(seen)
        return cls(
            {(dimension, value): Tally.load(tally) for dimension, value, tally in tallies},
            (int.from_bytes(packed[at : at + 8], "big") for at in range(0, len(packed), 8)),
        )


class Pending:
    """The buckets of an object that are not closed yet."""

    __slots__ = ("behind", "buckets", "late")

    def __init__(self) -> None:
        self.buckets: dict[int, Content] = {}
        """5-minute buckets by start."""
        self.behind: dict[tuple[int, int], Content] = {}
        """What came too late for its 5 minutes (its hour), by length and start of its hour (its day)."""
        self.late: dict[int, Late] = {}
        """What came too late, by the 5-minute bucket in which it came."""

    def first_end(self) -> int | None:
        """End of the first bucket that holds something."""
        ends = [start + MINUTES_5 for start in self.buckets]
        ends += [start + step for step, start in self.behind]
        return min(ends, default=None)

    def holds(self, step: int, second: int, post: int) -> bool:
        """Whether the post is in the bucket of that length around ``second``, as far as it is pending."""
        start = bucket(second, step)
        if step == MINUTES_5:
            content = self.buckets.get(start)
            return content is not None and post in content.seen
        inside = [content for at, content in self.buckets.items() if start <= at < start + step]
        inside += [content for (_, at), content in self.behind.items() if start <= at < start + step]
        return any(post in content.seen for content in inside)

    def add(self, step: int, mention: Mention, second: int, post: int, levels: Iterable[Slice]) -> None:
        """Count a mention in the bucket of that length around ``second``."""
        start = bucket(second, step)
        if step == MINUTES_5:
            content = self.buckets.setdefault(start, Content())
        else:
            content = self.behind.setdefault((step, start), Content())
        content.add(mention, post, levels)

    def miss(self, second: int, late_before: int, step: int | None) -> None:
        """Note that a mention came too late for the buckets around ``second`` shorter than ``step``."""
        if second < late_before - DAY:
            return
        missed = self.late.setdefault(bucket(late_before, MINUTES_5), {})
        m5, h1, d1 = missed.get(bucket(second, MINUTES_5), (0, 0, 0))
        missed[bucket(second, MINUTES_5)] = (m5 + 1, h1 + (step != HOUR), d1 + (step is None))

    def take(self, step: int, start: int) -> Content:
        """Remove and return what is pending of a bucket; of an hour or day, what is behind."""
        if step == MINUTES_5:
            return self.buckets.pop(start, None) or Content()
        return self.behind.pop((step, start), None) or Content()

    def take_late(self, until: int) -> Late:
        """Remove and return what came too late in the buckets up to the one that starts at ``until``."""
        taken: Late = {}
        for came in sorted(came for came in self.late if came <= until):
            for start, counts in self.late.pop(came).items():
                before = taken.get(start, (0, 0, 0))
                taken[start] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
        return taken

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        return [
            [[start, content.dump()] for start, content in sorted(self.buckets.items())],
            [[*key, content.dump()] for key, content in sorted(self.behind.items())],
            [
                [came, sorted([at, *counts] for at, counts in late.items())]
                for came, late in sorted(self.late.items())
            ],
        ]

    @classmethod
    def load(cls, values: list[Any]) -> Pending:
        """Restore what `dump` gave, also after a way through JSON."""
        pending, (buckets, behind, late) = cls(), values
        pending.buckets = {start: Content.load(content) for start, content in buckets}
        pending.behind = {(step, start): Content.load(content) for step, start, content in behind}
        pending.late = {came: {at: (m5, h1, d1) for at, m5, h1, d1 in rows} for came, rows in late}
        return pending
