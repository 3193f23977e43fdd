"""What a new object's first week costs: alarms and bursts with nothing known, with its kind, with its past.

The simulator is that of `benchmarks.detector_simulation`; the share of negatives varies. Days 2 and 3 are
those right after the warm-up, in which everything known is one day old. Numbers: docs/cold-start.md.

    .venv/bin/python -m benchmarks.cold_start [--objects 12] [--markdown]
"""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

import numpy as np

from benchmarks.detectors import simulation
from benchmarks.detectors.simulation import DAY_BUCKETS, SHARE, START, STEP, WEEK, Burst, Talk, World
from pipeline.core import spikes
from pipeline.core.cold_start import backfilled, expected_of
from pipeline.core.parameters import parameters
from pipeline.core.spike_state import State
from schemas.mention import ObjectKind

BASES: Final = (0.05, 0.5, 2, 10, 50)
"""Negatives per 5 minutes."""
SHARES: Final = (0.05, 0.25, 0.6)
SIZES: Final = (4, 10)
KINDS: Final[tuple[ObjectKind, ...]] = ("brand", "topic")
"""Those that expect least and most."""
WHEN: Final = {
    "day 1": (0, DAY_BUCKETS),
    "days 2-3": (DAY_BUCKETS, 3 * DAY_BUCKETS),
    "days 4-7": (3 * DAY_BUCKETS, WEEK),
}
P: Final = parameters("5m")
PAST: Final = 2 * WEEK
"""Buckets before the object is watched; the week from there on is judged."""


def openings(state: State, negatives: list[int], others: list[int]) -> list[int]:
    """Buckets of the first week in which a spike opens."""
    found = []
    for at, (n, v) in enumerate(zip(negatives, others, strict=True)):
        before = state.opened
        state, _ = spikes.update(P, state, START + (PAST + at) * STEP, n, n + v)
        if before < 0 <= state.opened:
            found.append(at)
    return found


def beginnings(quiet: Talk) -> dict[str, list[State]]:
    """What is known of every object when its first week begins."""
    objects = len(quiet.negatives)
    known = {"nothing": [State()] * objects}
    known |= {kind: [expected_of(kind, P)] * objects for kind in KINDS}
    for days in (2, 14):
        span = range(PAST - days * DAY_BUCKETS, PAST)
        known[f"{days} days"] = [
            backfilled(
                P,
                [(START + at * STEP, int(n[at]), int(n[at] + v[at])) for at in span],
                expected_of("brand", P),
            ).negativity
            for n, v in zip(*quiet, strict=True)
        ]
    return known


def world(rng: np.random.Generator, base: float, share: float, objects: int) -> World:
    """Three weeks of objects with this part of negatives."""
    rates = simulation.world(rng, base, objects, 3)
    return rates._replace(others=rates.others * (1 - share) / share * SHARE / (1 - SHARE))


def row(base: float, share: float, objects: int) -> dict[str, Any]:
    """Of every beginning: false alarms per object in the first week, and the part of bursts found."""
    rng = np.random.default_rng([17, round(base * 100), round(share * 100)])
    rates = world(rng, base, share, objects)
    quiet = simulation.talk(rng, rates)
    bursts = {day: PAST + day * DAY_BUCKETS + DAY_BUCKETS // 2 - 36 for day in (0, 1, 2)}
    loud = {
        (day, size): simulation.raised(rng, rates, quiet, [Burst(at, 24, size)])
        for day, at in bursts.items()
        for size in SIZES
    }
    found: dict[str, Any] = {}
    for name, states in beginnings(quiet).items():
        calm = [openings(*one) for one in _weeks(states, quiet)]
        alarms = {
            when: sum(first <= at < last for opened in calm for at in opened)
            for when, (first, last) in WHEN.items()
        }
        found[name] = {"objects": objects, "alarms": alarms}
        for (day, size), talk in loud.items():
            at = bursts[day] - PAST
            hits = sum(
                any(at <= hit < at + 24 for hit in openings(*one)) for one in _weeks(states, talk, day + 1)
            )
            found[name][f"x{size} on day {day + 1}"] = round(hits / objects, 3)
    return found


def _weeks(states: list[State], talk: Talk, days: int = 7) -> list[tuple[State, list[int], list[int]]]:
    """Arguments of `openings`, per object."""
    span = slice(PAST, PAST + days * DAY_BUCKETS)
    return [(state, n[span].tolist(), v[span].tolist()) for state, n, v in zip(states, *talk, strict=True)]


def markdown(report: dict[str, dict[str, Any]]) -> str:
    """The table of docs/cold-start.md: alarms of all objects, bursts averaged over the shares."""
    columns = [f"x{size} on day {day}" for day in (1, 2, 3) for size in SIZES]
    lines = [
        "| per 5 min | known | objects | alarms on day 1, 2-3, 4-7 | " + " | ".join(columns) + " |",
        "|" + "---|" * (4 + len(columns)),
    ]
    for base in BASES:
        rows = [report[f"{base},{share}"] for share in SHARES]
        for name in rows[0]:
            cells = [row[name] for row in rows]
            objects = sum(cell["objects"] for cell in cells)
            alarms = ", ".join(str(sum(cell["alarms"][when] for cell in cells)) for when in WHEN)
            found = " | ".join(f"{sum(cell[each] for cell in cells) / len(cells):.2f}" for each in columns)
            lines.append(f"| {base} | {name} | {objects} | {alarms} | {found} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--objects", type=int, default=12, help="objects per base rate and share")
    parser.add_argument("--markdown", action="store_true", help="a table instead of JSON")
    options = parser.parse_args()
    report = {f"{base},{share}": row(base, share, options.objects) for base in BASES for share in SHARES}
    print(markdown(report) if options.markdown else json.dumps(report))


if __name__ == "__main__":
    main()
