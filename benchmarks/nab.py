"""The detector on plain counts against the Numenta Anomaly Benchmark's realTweets (10 series, 33 windows).

What ``molva detect --resolution 5m`` says of a file without a ``total`` column is scored with the benchmark's
own rule, both with the one fixed configuration and with parameters chosen on five series and scored on the
other five.

    .venv/bin/python -m benchmarks.nab --json [--seeds 10]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, pstdev
from typing import Any, Final, NamedTuple

from benchmarks.detectors.nab_rivals import windowed_gaussian
from benchmarks.detectors.nab_scoring import Profile, Series, load, normalised, profiles, raw_score
from pipeline.core import plain, spikes
from pipeline.core.spike_state import State
from pipeline.core.windows import DAY, MINUTES_5, bucket

STANDARD, LOW_FP = "standard", "reward_low_FP_rate"
PUBLISHED: Final = {"windowedGaussian": {"standard": 51.4, "low_fp": 16.3}}
"""Scores on these ten series at the published thresholds (shared/design/detector.md)."""


class Choice(NamedTuple):
    """Parameters of `plain.decide`."""

    part: float
    half_life: float
    rest: int


FIXED: Final = Choice(plain.PART, plain.HALF_LIFE, plain.REST)
GRID: Final = tuple(
    Choice(*values)
    for values in itertools.product((0.2, 0.4, 0.6, 0.8), (3.5 * DAY, 7.0 * DAY, 14.0 * DAY), (DAY // 2, DAY))
)


def judged(series: Series) -> list[tuple[int, State, float]]:
    """Bucket, state and score of the detector, per row; the same for every choice."""
    p, state, found = plain.plain_parameters("5m"), State(), []
    start = bucket(int(series.seconds[0]), MINUTES_5)
    for row, count in enumerate(series.counts.tolist()):
        at = start + row * MINUTES_5
        state, score = spikes.update(p, state, at, count, count)
        found.append((at, state, score))
    return found


def alarms(trace: Sequence[tuple[int, State, float]], choice: Choice) -> list[int]:
    """Rows in which a spike opens."""
    p, state, found = plain.plain_parameters("5m"), plain.PlainState(), []
    for row, (at, detector, score) in enumerate(trace):
        state, told = plain.decide(p, state, at, detector, score, *choice)
        if told >= p.open_at:
            found.append(row)
    return found


def scored(corpus: Sequence[Series], found: Mapping[str, Sequence[int]], profile: Profile) -> float:
    """Normalised score of the alarms ``found`` in ``corpus``."""
    raw = {series.name: raw_score(series, found[series.name], profile) for series in corpus}
    return normalised(raw, corpus, profile)


def splits(
    corpus: Sequence[Series],
    tried: Mapping[Choice, Mapping[str, Sequence[int]]],
    rules: Mapping[str, Profile],
    seeds: int,
) -> dict[str, Any]:
    """Choose on a random half by the standard profile, score the other half; both ways for every seed."""
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        order = random.Random(seed).sample(list(corpus), len(corpus))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        for chosen_on, held_out in (halves, halves[::-1]):
            best = max(GRID, key=lambda choice: scored(chosen_on, tried[choice], rules[STANDARD]))
            rows.append(
                {
                    "seed": seed,
                    "held_out": sorted(series.name for series in held_out),
                    "chosen": best._asdict(),
                    "standard": round(scored(held_out, tried[best], rules[STANDARD]), 2),
                    "low_fp": round(scored(held_out, tried[best], rules[LOW_FP]), 2),
                }
            )
    values = [row["standard"] for row in rows]
    low = [row["low_fp"] for row in rows]
    return {
        "mean": round(mean(values), 2),
        "spread": round(pstdev(values), 2),
        "least": min(values),
        "low_fp_mean": round(mean(low), 2),
        "low_fp_spread": round(pstdev(low), 2),
        "halves": rows,
    }


def published(corpus: Sequence[Series], rules: Mapping[str, Profile], folder: Path) -> dict[str, Any]:
    """What our scorer says of detectors whose scores are known, so that the scorer itself can be judged."""
    thresholds = json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))["windowedGaussian"]
    ours = {}
    for name, profile in ((STANDARD, STANDARD), ("low_fp", LOW_FP)):
        found = {s.name: windowed_gaussian(s.counts, thresholds[profile]["threshold"]) for s in corpus}
        ours[name] = round(scored(corpus, found, rules[profile]), 2)
    silent: dict[str, list[int]] = {series.name: [] for series in corpus}
    perfect = {series.name: [left for left, _ in series.windows] for series in corpus}
    return {
        "null": {"ours": scored(corpus, silent, rules[STANDARD]), "published": 0.0},
        "perfect": {"ours": round(scored(corpus, perfect, rules[STANDARD]), 6), "published": 100.0},
        "windowedGaussian": {"ours": ours, "published": PUBLISHED["windowedGaussian"]},
    }


def report(folder: Path, seeds: int) -> dict[str, Any]:
    """Everything that ``--json`` prints."""
    corpus, rules = load(folder), profiles(folder)
    traces = {series.name: judged(series) for series in corpus}
    tried = {c: {name: alarms(trace, c) for name, trace in traces.items()} for c in GRID}
    found = tried[FIXED]
    return {
        "standard": round(scored(corpus, found, rules[STANDARD]), 2),
        "low_fp": round(scored(corpus, found, rules[LOW_FP]), 2),
        "configuration": FIXED._asdict(),
        "alarms": {name: len(rows) for name, rows in found.items()},
        "windows": sum(len(series.windows) for series in corpus),
        "windows_found": sum(
            any(left <= row <= right for row in found[series.name])
            for series in corpus
            for left, right in series.windows
        ),
        "splits": splits(corpus, tried, rules, seeds),
        "published": published(corpus, rules, folder),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the whole report; else the main figures")
    parser.add_argument("--seeds", type=int, default=10, help="random splits into halves")
    options = parser.parse_args()
    data = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[2] / "shared" / "data"))
    result = report(data / "nab", options.seeds)
    if options.json:
        print(json.dumps(result))
    else:
        halves = result["splits"]
        print(f"standard {result['standard']}, low_fp {result['low_fp']}")
        print(f"held-out halves: mean {halves['mean']}, spread {halves['spread']}, least {halves['least']}")


if __name__ == "__main__":
    main()
