"""What is named more than before: the names of an hour against those of the days before, to explain spikes.

The view ``entity_surges`` of ClickHouse computes the same score.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log, sqrt
from typing import Final, NamedTuple

STRENGTH: Final = 100.0
"""How many namings the prior is worth."""


class Surge(NamedTuple):
    """One name: ``posts`` of the hour, and posts ``before`` it."""

    name: str
    posts: int
    before: int
    expected: float
    """Posts that the hour would have at the name's share before; 0 where nothing was named before."""
    log_odds: float
    """Logarithm of the odds of the name now over its odds before, shrunk by the prior."""
    z: float
    """``log_odds`` in standard deviations: above 1.96 the name is over-represented."""

    @property
    def is_new(self) -> bool:
        """Not named before."""
        return self.before == 0


def surges(now: Mapping[str, int], before: Mapping[str, int], strength: float = STRENGTH) -> list[Surge]:
    """The names of ``now``, those that stand out most first; names without posts now are left out.

    The log-odds ratio with an informative Dirichlet prior and its z-score, by Monroe, Colaresi and Quinn,
    "Fightin' Words", Political Analysis 16(4), 2008; the prior is a name's share in both periods together
    (with one naming of an unseen name, so that a share stays below 1), and the variance is the whole one:
    theirs leaves out two terms that matter where one name is most of what is named.

    Args:
        now, before: posts by name; the periods may be of any length.
        strength: namings that the prior is worth, > 0.

    Raises:
        ValueError: a count is negative, or ``strength`` is not positive.

    >>> [surge.name for surge in surges({"ЦБ": 9, "Москва": 9}, {"Москва": 900, "ЦБ": 10})]
    ['ЦБ', 'Москва']
    """
    if strength <= 0 or min(now.values(), default=0) < 0 or min(before.values(), default=0) < 0:
        raise ValueError("counts are at least 0, and the strength of the prior is above 0")
    total, total_before = sum(now.values()), sum(before.values())
    judged = [
        _surge(name, count, total, before.get(name, 0), total_before, strength)
        for name, count in now.items()
        if count
    ]
    return sorted(judged, key=lambda surge: (-surge.z, surge.name))


def _surge(name: str, count: int, total: int, earlier: int, total_before: int, strength: float) -> Surge:
    prior = strength * (count + earlier) / (total + total_before + 1)
    now, others = count + prior, total + strength - count - prior
    before, others_before = earlier + prior, total_before + strength - earlier - prior
    log_odds = log(now / others) - log(before / others_before)
    deviation = sqrt(1 / now + 1 / others + 1 / before + 1 / others_before)
    expected = total * earlier / total_before if total_before else 0.0
    return Surge(name, count, earlier, expected, log_odds, log_odds / deviation)
