"""The 5-minute detector on simulated objects: false alarms, recall, delay to resolve, launches, speed.

Objects have a daily and weekly rhythm and gamma noise that negatives and volume share in part; bursts of x4
and x10 last two hours and begin where the rhythm is near its mean. See docs/detector.md for a run.

    .venv/bin/python benchmarks/detector_simulation.py [--objects 6]
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import spikes
from pipeline.core.parameters import parameters
from pipeline.core.spike_state import State

STEP, WEEK, WEEKS = 300, 2016, 6
BURST = 24
SHARE, NOISE_N, NOISE_V, NOISE_BOTH = 0.25, 0.05, 0.05, 0.10
Series = NDArray[np.float64]


class Transition(NamedTuple):
    """A spike opened or resolved in bucket ``at``."""

    at: int
    opened: bool


def rates(rng: np.random.Generator, base: float) -> tuple[Series, Series, Series]:
    """Rhythm, rate of negatives and rate of the others per bucket; ``base`` negatives on average."""
    second = np.arange(WEEKS * WEEK) * STEP
    rhythm = 1 + 0.7 * np.sin((second / 3600 % 24 - 9) / 12 * np.pi)
    rhythm *= np.where((second // 86400 + 3) % 7 >= 5, 0.75, 1.0)
    rhythm /= rhythm.mean()

    def noise(variance: float) -> Series:
        return rng.gamma(1 / variance, variance, len(second))

    both = rhythm * noise(NOISE_BOTH)
    return rhythm, base * both * noise(NOISE_N), base * (1 - SHARE) / SHARE * both * noise(NOISE_V)


def judge(negatives: NDArray[np.int64], others: NDArray[np.int64]) -> list[Transition]:
    """Run the detector over one object's counts."""
    p, state, transitions = parameters("5m"), State(), []
    for at, (negative, other) in enumerate(zip(negatives.tolist(), others.tolist(), strict=True)):
        before = state.opened
        state, _ = spikes.update(p, state, 4 * 86400 + at * STEP, negative, negative + other)
        if (before < 0) != (state.opened < 0):
            transitions.append(Transition(at, state.opened >= 0))
    return transitions


def simulate(base: float, objects: int) -> dict[str, Any]:
    """One row of the table."""
    rng = np.random.default_rng(round(base * 10))
    false = launches = launched = trials = 0
    found = dict.fromkeys([(4, 3), (4, 12), (10, 3), (10, 12)], 0)
    delays: list[int] = []
    for _ in range(objects):
        rhythm, rate_n, rate_v = rates(rng, base)
        n, v = rng.poisson(rate_n), rng.poisson(rate_v)
        false += sum(t.opened for t in judge(n, v) if t.at >= WEEK)
        starts = [at for at in range(2 * WEEK, len(n) - 2 * BURST, 216) if 0.8 < rhythm[at] < 1.25]
        for times in (4, 10):
            raised = n.copy()
            for at in starts:
                raised[at : at + BURST] = rng.poisson(rate_n[at : at + BURST] * times)
            told = judge(raised, v)
            for at in starts:
                opened = [t.at - at for t in told if t.opened and at <= t.at < at + BURST]
                for within in (3, 12):
                    found[times, within] += any(delay < within for delay in opened)
                delays += [t.at - at - BURST for t in told if opened and not t.opened and t.at > at][:1]
        trials += len(starts)
        louder_n, louder_v = n.copy(), v.copy()
        for at in starts:
            louder_n[at : at + BURST] = rng.poisson(rate_n[at : at + BURST] * 4)
            louder_v[at : at + BURST] = rng.poisson(rate_v[at : at + BURST] * 4)
        launched += sum(
            any(at <= t.at < at + BURST for at in starts) for t in judge(louder_n, louder_v) if t.opened
        )
        launches += len(starts)
    after = (np.percentile(delays, [50, 95]) * 5).tolist() if delays else [None, None]
    return {
        "base_rate": base,
        "false_alarms_per_object_week": round(false / objects / (WEEKS - 1), 3),
        "recall": {
            f"x{times} within {within}": round(hits / trials, 3) for (times, within), hits in found.items()
        },
        "resolved_after_minutes": {"p50": after[0], "p95": after[1]},
        "launches_alerted": round(launched / launches, 3),
    }


def microseconds() -> float:
    """Time of one update."""
    rng = np.random.default_rng(1)
    n = rng.poisson(2.0, 4 * WEEK)
    began = time.perf_counter()
    judge(n, 3 * n)
    return (time.perf_counter() - began) / len(n) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=6)
    objects = parser.parse_args().objects
    rows = [simulate(base, objects) for base in (0.5, 1, 2, 5, 10, 20, 100)]
    print(json.dumps({"objects": objects, "rows": rows, "microseconds_per_update": round(microseconds(), 1)}))


if __name__ == "__main__":
    main()
