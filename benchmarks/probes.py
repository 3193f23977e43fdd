"""Sentiment probes: the share right of each hand-written probe set, for a shipped model; JSON.

    OMP_NUM_THREADS=1 python benchmarks/probes.py full
    OMP_NUM_THREADS=1 python benchmarks/probes.py open --mistakes

``by_label`` shows whether a model wins by always saying the same; ``always_negative`` is what such a model
would get, and ``pairs`` of ``two_objects`` how many texts are right about both objects.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.nlp.load import load_tier
from pipeline.nlp.own_examples import OwnExample, read
from pipeline.nlp.tiers import LABELS, Question, Tier

PROBES = Path(__file__).parent.parent / "tests" / "nlp" / "probes"


def labels(model: Tier, probes: Sequence[OwnExample]) -> list[str]:
    """The model's label toward the object of each probe."""
    found = model.toward([Question(probe.text, [probe.span], probe.target) for probe in probes])
    return [LABELS[index] for index in found.argmax(axis=1)]


def score(probes: Sequence[OwnExample], found: Sequence[str]) -> dict[str, Any]:
    """The share right, in all and by the label that a person gives, and of texts with every object right."""
    right = [probe.label == label for probe, label in zip(probes, found, strict=True)]
    expected = Counter(probe.label for probe in probes)
    hits = Counter(probe.label for probe, hit in zip(probes, right, strict=True) if hit)
    texts: defaultdict[str, list[bool]] = defaultdict(list)
    for probe, hit in zip(probes, right, strict=True):
        texts[probe.text].append(hit)
    report: dict[str, Any] = {
        "items": len(probes),
        "right": round(sum(right) / len(right), 4),
        "by_label": {label: f"{hits[label]}/{count}" for label, count in sorted(expected.items())},
        "always_negative": round(expected["negative"] / len(probes), 4),
    }
    if len(texts) < len(probes):
        report["pairs"] = f"{sum(map(all, texts.values()))}/{len(texts)}"
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description="share right per probe set")
    parser.add_argument("model", help="open, full, or a folder with a model")
    parser.add_argument("--tier", choices=("fast", "strong", "cascade"), default="cascade")
    parser.add_argument("--probes", type=Path, default=PROBES, help="the folder with the probe sets")
    parser.add_argument("--mistakes", action="store_true", help="list what the model gets wrong")
    arguments = parser.parse_args()
    folder = Path(arguments.model)
    model = load_tier(folder if folder.is_dir() else arguments.model, arguments.tier)
    sets: dict[str, Any] = {}
    total = right = 0
    for file in sorted(arguments.probes.glob("*.jsonl")):
        probes = read(file)
        found = labels(model, probes)
        sets[file.stem] = score(probes, found)
        total += len(probes)
        right += sum(probe.label == label for probe, label in zip(probes, found, strict=True))
        if arguments.mistakes:
            sets[file.stem]["mistakes"] = [
                {"text": probe.text, "target": probe.target, "expected": probe.label, "found": label}
                for probe, label in zip(probes, found, strict=True)
                if probe.label != label
            ]
    report = {"model": model.name, "items": total, "right": round(right / total, 4), "sets": sets}
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
