"""What the spike detector remembers of one object at one resolution, and its way to JSON and back.

Made and read by `pipeline.core.spikes`; kept in detection's state table by `pipeline.core.object_state`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.core.parameters import Parameters
from pipeline.core.seasonality import FLAT, Rhythm


class Learned(NamedTuple):
    """An object's baseline: exponentially weighted sums over what was learned from."""

    total: float = 0.0
    rhythm_sum: float = 0.0
    """Sum of the rhythm's factors; ``total / rhythm_sum`` is the level."""
    rhythm: Rhythm = FLAT
    negative: float = 0.0
    mentions: float = 0.0
    """``negative / mentions`` is the share of negatives."""
    excess_n: float = 0.0
    weight_n: float = 0.0
    """``excess_n / weight_n`` is c2, the variance of negatives beyond Poisson, in squares of their mean."""
    excess_v: float = 0.0
    weight_v: float = 0.0
    """``excess_v / weight_v`` is 1/k, the same of the others."""
    excess_run: float = 0.0
    weight_run: float = 0.0
    """``excess_run / weight_run`` is the same of negatives summed over a block: noise that lasts."""


class Run(NamedTuple):
    """What happened since the CUSUM was last zero, or since the run began that opened the open spike."""

    started: int = -1
    """First bucket; -1: no run."""
    negatives: int = 0
    others: int = 0
    expected: float = 0.0
    """Negatives expected given the volume: sum of E."""
    usual: float = 0.0
    """Negatives expected by level and rhythm alone: sum of m_N."""
    usual_others: float = 0.0
    crest: float = 0.0
    """Most negatives per bucket, averaged over three buckets."""
    peak: float = 0.0
    """Highest score."""
    spread: float = 0.0
    """Variance of the run's negatives beyond Poisson, in squares of ``expected``."""


class Block(NamedTuple):
    """Sums over the buckets of the current block, from which noise that lasts is learned.

    What full blocks say is believed only some time later, and not at all where a spike opens meanwhile: the
    beginning of a spike looks like noise.
    """

    buckets: int = 0
    negatives: float = 0.0
    others: float = 0.0
    expected: float = 0.0
    excess: float = 0.0
    """Of full blocks, not yet part of ``excess_run``."""
    weight: float = 0.0
    """The same of ``weight_run``."""


class State(NamedTuple):
    """All that the detector remembers of one object; JSON of less than 2 KB (`dump`, `load`).

    Buckets are named by their start in seconds since 1970; -1 for none.
    """

    age: int = 0
    """Buckets seen."""
    silent: int = 0
    """Buckets in a row without any mention."""
    silent_expected: float = 0.0
    """Mentions that were expected in them."""
    frozen: int = 0
    """Buckets in a row in which nothing was learned."""
    learned: Learned = Learned()
    others: tuple[int, int] = (0, 0)
    """Non-negative mentions of the last bucket and of the one before it."""
    usual_others: tuple[float, float] = (0.0, 0.0)
    negatives: tuple[int, int] = (0, 0)
    cusum: float = 0.0
    run: Run = Run()
    opened: int = -1
    """The bucket that opened the spike that is open now."""
    calm: float = 0.0
    """Evidence (nats) that the open spike is over."""
    held: int = 0
    """Buckets in a row with enough of that evidence."""
    block: Block = Block()

    @property
    def idle(self) -> bool:
        """True where empty buckets cannot change anything that is told: no spike, no evidence for one."""
        return self.opened < 0 and self.cusum == 0.0


def seeded(p: Parameters, negative: float, total: float) -> State:
    """The state of an object whose baseline is known: mean counts per bucket, believed like a day's data.

    Such an object has no warm-up.
    """
    return State(
        age=p.warm_up,
        learned=Learned(total * p.warm_up, p.warm_up, FLAT, negative * p.warm_up, total * p.warm_up),
    )


def dump(state: State) -> list[Any]:
    """The state as nested JSON values; floats survive exactly (JSON carries Python's shortest repr)."""
    values = list(state)
    values[4] = [*state.learned[:2], list(state.learned.rhythm), *state.learned[3:]]
    return values


def load(values: list[Any]) -> State:
    """The inverse of `dump`, also after a way through JSON.

    Fields are only ever added at the end, with a default, so states that an earlier version wrote load too.
    """
    age, silent, silent_expected, frozen, learned, others, usual, negatives, cusum, run, *spike = values
    total, rhythm_sum, rhythm, *sums = learned
    opened, calm, held, *block = spike
    return State(
        age,
        silent,
        silent_expected,
        frozen,
        Learned(total, rhythm_sum, tuple(rhythm), *sums),
        (others[0], others[1]),
        (usual[0], usual[1]),
        (negatives[0], negatives[1]),
        cusum,
        Run(*run),
        opened,
        calm,
        held,
        *(Block(*sums) for sums in block),
    )
