"""The scoring of the Numenta Anomaly Benchmark, for `benchmarks.nab`: series, windows, profiles, sigmoids.

After Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", ICMLA 2015, and the benchmark's
own description; written anew, and checked against what that description fixes (null 0, perfect 100).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PROBATION = 0.15
PROBATION_ROWS = 5000
"""The first 15 % of a series are not scored, and never more than 15 % of this many rows."""
FOLDER = "realTweets"


class Series(NamedTuple):
    """One file: ``seconds`` (since 1970) and ``counts`` per row, ``windows`` as inclusive row ranges."""

    name: str
    seconds: NDArray[np.int64]
    counts: NDArray[np.int64]
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """Rows at the start that are not scored."""
        return int(min(PROBATION * len(self.counts), PROBATION * PROBATION_ROWS))


class Profile(NamedTuple):
    """What hits, false positives and misses weigh."""

    hit: float
    false: float
    miss: float


def load(folder: Path) -> list[Series]:
    """The ten series of ``folder``/realTweets with their labelled windows.

    Raises:
        OSError: the data set is not there.
    """
    labels = json.loads((folder / "combined_windows.json").read_text(encoding="utf-8"))
    found = []
    for path in sorted((folder / FOLDER).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        times = [np.datetime64(row["timestamp"], "s") for row in rows]
        at = {time: index for index, time in enumerate(times)}
        windows = tuple(
            (at[np.datetime64(left, "s")], at[np.datetime64(right, "s")])
            for left, right in labels[f"{FOLDER}/{path.name}"]
        )
        counts = np.array([int(float(row["value"])) for row in rows], dtype=np.int64)
        name = path.stem.removeprefix("Twitter_volume_")
        found.append(Series(name, np.array(times).astype(np.int64), counts, windows))
    return found


def profiles(folder: Path) -> dict[str, Profile]:
    """The published profiles: ``standard``, ``reward_low_FP_rate``, ``reward_low_FN_rate``."""
    document = json.loads((folder / "profiles.json").read_text(encoding="utf-8"))
    weights = {name: profile["CostMatrix"] for name, profile in document.items()}
    return {name: Profile(w["tpWeight"], w["fpWeight"], w["fnWeight"]) for name, w in weights.items()}


def sigmoid(position: float) -> float:
    """Worth of a detection at ``position``: -1 the left edge of a window, 0 the right one, above: past it."""
    return -1.0 if position >= 3.0 else 2.0 / (1.0 + float(np.exp(5.0 * position))) - 1.0


def raw_score(series: Series, rows: Sequence[int], profile: Profile) -> float:
    """Score of one series where a detector gave an alarm in each of ``rows``; not normalised.

    The best detection of each window counts, every row outside is a false positive that weighs less near
    the end of a window, a window without detection is a miss. The probationary period does not count.
    """
    best: dict[int, float] = {}
    false = 0.0
    for row in sorted(row for row in rows if row >= series.probation):
        inside = next((i for i, (left, right) in enumerate(series.windows) if left <= row <= right), None)
        if inside is not None:
            left, right = series.windows[inside]
            worth = sigmoid(-(right - row + 1) / (right - left + 1)) / sigmoid(-1.0) * profile.hit
            best[inside] = max(best.get(inside, -profile.miss), worth)
        else:
            past = [(left, right) for left, right in series.windows if right < row]
            left, right = past[-1] if past else (0, 0)
            false += profile.false * (sigmoid((row - right) / (right - left)) if past else -1.0)
    scored = [i for i, (_, right) in enumerate(series.windows) if right >= series.probation]
    return sum(best.get(i, -profile.miss) for i in scored) + false


def normalised(raw: Mapping[str, float], corpus: Sequence[Series], profile: Profile) -> float:
    """0: a detector that never alarms; 100: one that finds every window in its first row and nothing else."""
    windows = sum(right >= series.probation for series in corpus for _, right in series.windows)
    null = -profile.miss * windows
    perfect = profile.hit * windows
    return 100.0 * (sum(raw[series.name] for series in corpus) - null) / (perfect - null)
