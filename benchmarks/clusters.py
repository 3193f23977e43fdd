"""Near-duplicate clusters: recall and precision on real tweets in order of time; JSON.

    python benchmarks/clusters.py [--data ../shared/data]

Pairs of tweets at most 72 hours apart. ``found`` counts those that share a cluster; ``precision`` is the
share of them whose sets of runs of 5 letters have a Jaccard index J of at least .3, ``recall`` the share of
the pairs of at least that J that share a cluster.
"""

from __future__ import annotations

import argparse
import json
import os
from bisect import bisect_left
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from pipeline.core.clusters import WINDOW, Clusters
from pipeline.core.fingerprint import fingerprints
from pipeline.core.signals.words import read_words

FILES = ("tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl")
RUN = 5
LEVELS = (0.3, 0.5, 0.7, 0.9)


def measured(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of one file."""
    rows = sorted(rows, key=lambda row: (row["created_at"], row["id"]))
    times = [datetime.fromisoformat(row["created_at"]) for row in rows]
    letters = ["".join(read_words(row["text"])) for row in rows]
    clusters = Clusters()
    owners = [
        clusters.assign(str(row["id"]), "live", moment, fingerprint)
        for row, moment, fingerprint in zip(rows, times, fingerprints(letters), strict=True)
    ]
    runs = [frozenset(text[at : at + RUN] for at in range(len(text) - RUN + 1)) for text in letters]
    together = pairs_together(owners, times)
    alike = dict.fromkeys(LEVELS, 0)
    found = dict(alike)
    similar = near(runs, times)
    for pair, similarity in similar.items():
        for level in LEVELS:
            if similarity >= level:
                alike[level] += 1
                found[level] += pair in together
    return {
        "tweets": len(rows),
        "found": len(together),
        "precision": round(len(together & similar.keys()) / max(1, len(together)), 3),
        "recall": {str(level): round(found[level] / max(1, alike[level]), 3) for level in LEVELS},
        "pairs": {str(level): alike[level] for level in LEVELS},
    }


def pairs_together(owners: list[str], times: list[datetime]) -> set[tuple[int, int]]:
    """The pairs within the window that share a cluster, as indexes in order."""
    members: dict[str, list[int]] = {}
    for index, owner in enumerate(owners):
        if owner:
            members.setdefault(owner, []).append(index)
    return {
        (left, right)
        for indexes in members.values()
        for left, right in combinations(indexes, 2)
        if times[right] - times[left] <= WINDOW
    }


def near(runs: list[frozenset[str]], times: list[datetime]) -> dict[tuple[int, int], float]:
    """The Jaccard index of every pair within the window that has at least the least of `LEVELS`.

    Pairs are counted run by run (an inverted index), so that those without a common run cost nothing.
    """
    seen: dict[str, list[int]] = {}
    found: dict[tuple[int, int], float] = {}
    for right, mine in enumerate(runs):
        first = bisect_left(times, times[right] - WINDOW)
        common: dict[int, int] = {}
        for run in mine:
            earlier = seen.setdefault(run, [])
            for left in earlier[bisect_left(earlier, first) :]:
                common[left] = common.get(left, 0) + 1
            earlier.append(right)
        for left, count in common.items():
            similarity = count / (len(mine) + len(runs[left]) - count)
            if similarity >= LEVELS[0]:
                found[left, right] = similarity
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="recall and precision of near-duplicate clusters")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOLVA_DATA", "../shared/data")))
    data = parser.parse_args().data
    report = {}
    for name in FILES:
        lines = (data / name).read_text(encoding="utf-8").splitlines()
        report[name] = measured([json.loads(line) for line in lines])
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
