"""Slices of an object (one source, region or aspect), and at which level a spike is told: once.

`pipeline.core.tracks` judges the whole object and its slices for the same bucket, then asks `speaker`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import log
from typing import Final, NamedTuple

from schemas import Mention
from schemas.spike import Dimension

Slice = tuple[Dimension, str]
WHOLE: Final[Slice] = ("", "")

MOST_VALUES: Final = 16
"""Values of a dimension that are watched per object; the one not mentioned longest gives way."""
EXPLAINS: Final = 0.8
"""Part of the object's excess negatives that a slice must hold to speak for it."""
OUTGROWN: Final = 0.5
"""A told slice with less of the object's excess than this no longer speaks for it."""
ALONE: Final = log(MOST_VALUES)
"""Nats that a slice must show beyond the threshold while the whole object is calm: so many are tried."""


def slices(mention: Mention, dimensions: Collection[Dimension]) -> list[Slice]:
    """The slices that a mention counts in, the whole object first.

    An aspect is one of several that a mention may have; a region may be unknown: then it counts in none.
    """
    found = [WHOLE]
    if "source" in dimensions:
        found.append(("source", mention.source))
    if "region" in dimensions and mention.region:
        found.append(("region", mention.region))
    if "aspect" in dimensions:
        found += [("aspect", name) for name in sorted({aspect.name for aspect in mention.signals.aspects})]
    return found


def outdated(last: Mapping[Slice, int], busy: Collection[Slice]) -> list[Slice]:
    """The slices to forget, so that no dimension keeps more than `MOST_VALUES`.

    Args:
        last: start of the newest bucket with a mention of each.
        busy: those with a spike or with evidence for one; they stay, also where there are too many.
    """
    forgotten: list[Slice] = []
    for dimension in sorted({dimension for dimension, _ in last}):
        values = sorted((start, key) for key, start in last.items() if key[0] == dimension)
        surplus = len(values) - MOST_VALUES
        forgotten += [key for _, key in values if key not in busy][: max(0, surplus)]
    return forgotten


class Claim(NamedTuple):
    """What a level (the whole or a slice) says of a bucket."""

    open: bool
    """Its detector is above the threshold, or has not come back yet."""
    told: bool
    """Its spike has been told of and has not ended."""
    waiting: bool
    """It is open, not told, and not the rest of what another level told."""
    margin: float
    """Score beyond the threshold, nats."""
    excess: float
    """Negatives of its run beyond the expected."""
    total: int
    """Mentions of its run."""


def speaker(claims: Mapping[Slice, Claim]) -> Slice | None:
    """The level whose spike opens with this bucket, if one does; the others' are covered by what is told.

    While the whole object's spike is told of, no slice's opens. While a slice's is, no other slice's opens,
    and the whole's only once the slice holds less than half of its excess. Otherwise the smallest slice
    that explains four fifths of the object's excess speaks, or else the object; a slice whose object is
    calm must show more evidence, for many are tried.
    """
    whole = claims[WHOLE]
    told = [claim for key, claim in claims.items() if claim.told and key != WHOLE]
    if whole.told:
        return None
    if told:
        outgrown = max(claim.excess for claim in told) < OUTGROWN * whole.excess
        return WHOLE if whole.open and outgrown else None
    waiting = [(key, claim) for key, claim in claims.items() if claim.waiting and key != WHOLE]
    if whole.open:
        telling = _smallest((k, c) for k, c in waiting if c.excess >= EXPLAINS * whole.excess)
        return telling or (WHOLE if whole.waiting else None)
    return _smallest((k, c) for k, c in waiting if c.margin >= ALONE)


def _smallest(claims: Iterable[tuple[Slice, Claim]]) -> Slice | None:
    return min(((claim.total, key) for key, claim in claims), default=(0, None))[1]
