"""Recall and precision of the watchlist matcher against the labelled objects of the 2014 and 2016 tweets.

    python benchmarks/mentions.py [--half chosen|held-out] [--disagreements N]

The aliases of examples/banks-and-operators.yaml were chosen on the half ``chosen``; halves are split by
near-duplicate groups. Data: ``MOLVA_DATA`` or ../shared/data. Prints JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core.mentions import Matcher
from pipeline.nlp.corpora import NAMES_2016
from pipeline.nlp.inflection import Inflector
from pipeline.watchlist_file import load_watchlist

ROOT = Path(__file__).resolve().parent.parent
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
HALVES = {"chosen": 0, "held-out": 1}
BANKS = "sberbank vtb gazprom alfabank bankmoskvy raiffeisen uralsib rshb".split()  # noqa: SIM905


class Labelled(NamedTuple):
    """A post and the objects that its annotators named, of one ``field`` (banks or telecoms)."""

    text: str
    objects: frozenset[str]
    is_bank: bool


def load(folder: Path) -> list[Labelled]:
    """Every labelled post of the four files."""
    posts = []
    for name in ("banks", "telecoms"):
        for row in _rows(folder / f"tweets_{name}_2014.jsonl"):
            posts.append(Labelled(row["text"], frozenset(row["targets"]), name == "banks"))
    for name in ("banks", "telecom"):
        targets: dict[str, set[str]] = {}
        for row in _rows(folder / f"sentirueval2016_{name}_train.jsonl"):
            targets.setdefault(row["text"], set()).add(NAMES_2016[row["target"]])
        posts += [Labelled(text, frozenset(objects), name == "banks") for text, objects in targets.items()]
    return posts


def half_of(text: str) -> int:
    """0 or 1, the same for retweets and copies with another address."""
    text = re.sub(r"https?\S*|&\w+;|\brt\b|@\w+", " ", text.lower())
    group = re.sub(r"[\W_]+", "", text)[:40]
    return hashlib.md5(group.encode(), usedforsecurity=False).digest()[0] & 1


def score(posts: list[Labelled], matcher: Matcher) -> tuple[dict[str, Counter[str]], list[dict[str, object]]]:
    """Hits, misses and false alarms per object, and every disagreement."""
    counts: dict[str, Counter[str]] = {}
    disagreements: list[dict[str, object]] = []
    for post in posts:
        found = {match.object_id for match in matcher.find(post.text)}
        found = {object_id for object_id in found if (object_id in BANKS) == post.is_bank}
        for object_id in found | post.objects:
            outcome = "missed" if object_id not in found else "hit" if object_id in post.objects else "false"
            counts.setdefault(object_id, Counter())[outcome] += 1
            if outcome != "hit":
                disagreements.append({"object": object_id, "outcome": outcome, "text": post.text})
    return counts, disagreements


def rates(counts: Counter[str]) -> dict[str, float | int]:
    """Counts with recall and precision, rounded to four digits."""
    hit, missed, false = counts["hit"], counts["missed"], counts["false"]
    recall = round(hit / max(1, hit + missed), 4)
    precision = round(hit / max(1, hit + false), 4)
    return {"hit": hit, "missed": missed, "false": false, "recall": recall, "precision": precision}


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=HALVES, default="held-out")
    parser.add_argument("--disagreements", type=int, default=0, help="print so many, drawn at random")
    arguments = parser.parse_args()
    folder = Path(os.environ.get("MOLVA_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        sys.exit(f"no data in {folder}: set MOLVA_DATA to the folder with tweets_banks_2014.jsonl")
    inflector = Inflector()
    matcher = Matcher(load_watchlist(WATCHLIST), inflector.forms, inflector)
    posts = [post for post in load(folder) if half_of(post.text) == HALVES[arguments.half]]
    counts, disagreements = score(posts, matcher)
    drawn = random.Random(0).sample(disagreements, min(arguments.disagreements, len(disagreements)))
    report = {
        "half": arguments.half,
        "posts": len(posts),
        "all": rates(sum(counts.values(), Counter())),
        "objects": {object_id: rates(counts[object_id]) for object_id in sorted(counts)},
        "disagreements": drawn,
    }
    print(json.dumps(report, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
