"""The 1-hour detector on real tweets of 2014: which known incidents open a spike, and what else does.

Counts hand labels of ``../shared/data/tweets_{banks,telecoms}_2014.jsonl`` (or ``MOLVA_DATA``) per object and
hour, prints every spike as a JSON line, and then the same with noisy labels, as a model would give them.

    .venv/bin/python benchmarks/detector_incidents.py [--seeds 20]
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pipeline.core.series import ObjectSeries
from pipeline.core.windows import HOUR, bucket, seconds
from schemas import Spike

FILES = ("tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl")
MISSED, IMAGINED = 0.30, 0.07
"""Parts of the negatives read as neutral, and of the neutrals read as negative, by the imagined model."""

Hours = dict[int, list[int]]
"""Hour -> negatives, total."""


class Incident(NamedTuple):
    """A spike must be open on the object within some hours of the moment (either way)."""

    name: str
    at: datetime
    hours: int

    def found_by(self, spike: Spike) -> bool:
        near = abs(spike.opened_at - self.at) <= timedelta(hours=self.hours)
        return spike.object_id == self.name and near

    def __str__(self) -> str:
        return f"{self.name} {self.at:%m-%dT%H}"


INCIDENTS = (
    Incident("sberbank", datetime(2014, 7, 28, 20, tzinfo=UTC), 2),
    Incident("vtb", datetime(2014, 7, 28, 20, tzinfo=UTC), 2),
    Incident("rshb", datetime(2014, 7, 29, 19, tzinfo=UTC), 2),
    Incident("bankmoskvy", datetime(2014, 7, 29, 19, tzinfo=UTC), 2),
    Incident("sberbank", datetime(2014, 7, 31, 15, tzinfo=UTC), 2),
    Incident("mts", datetime(2014, 8, 5, 5, tzinfo=UTC), 3),
)


def count(path: Path, read: Callable[[str], str]) -> dict[str, Hours]:
    """Negatives and totals per object and hour; ``read`` is the model that reads a label."""
    counts: dict[str, Hours] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            hour = bucket(seconds(datetime.fromisoformat(row["created_at"])), HOUR)
            for name, label in row["targets"].items():
                cell = counts.setdefault(name, {}).setdefault(hour, [0, 0])
                cell[0] += read(label) == "negative"
                cell[1] += 1
    return counts


def detect(counts: dict[str, Hours]) -> Iterator[Spike]:
    """All events of all objects, up to the last hour of the file."""
    end = max(max(hours) for hours in counts.values())
    for name, hours in sorted(counts.items()):
        series = ObjectSeries(name, "1h")
        for hour in range(min(hours), end + HOUR, HOUR):
            negative, total = hours.get(hour, [0, 0])
            yield from series.judge(hour, negative, total)[1]


def noisy(rng: random.Random) -> Callable[[str], str]:
    """A model that errs at random."""

    def read(label: str) -> str:
        draw = rng.random()
        if label == "negative" and draw < MISSED:
            return "neutral"
        return "negative" if label == "neutral" and draw < IMAGINED else label

    return read


def exact(label: str) -> str:
    """A model that never errs."""
    return label


def all_events(folder: Path, read: Callable[[str], str]) -> list[Spike]:
    """Events of both files, in the order of time."""
    events = [event for name in FILES for event in detect(count(folder / name, read))]
    return sorted(events, key=lambda event: (event.updated_at, event.id))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=20)
    folder = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[2] / "shared" / "data"))
    events = all_events(folder, exact)
    ends = {event.id: event for event in events}
    for event in events:
        if event.status == "opened":
            known = next((str(incident) for incident in INCIDENTS if incident.found_by(event)), None)
            last = ends[event.id]
            row = event.model_dump(mode="json", include={"id", "opened_at", "started_at", "score"})
            row |= {"incident": known, "peak": last.peak_score, "negatives": last.negatives}
            row |= {"resolved_at": last.resolved_at.isoformat() if last.resolved_at else None}
            print(json.dumps(row, ensure_ascii=False))
    report_noise(folder, parser.parse_args().seeds)


def report_noise(folder: Path, seeds: int) -> None:
    """How often each incident is found with noisy labels, and how many other spikes open."""
    found: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for seed in range(seeds):
        events = all_events(folder, noisy(random.Random(seed)))
        opened = [event for event in events if event.status == "opened"]
        found.update({str(i): 1 for i in INCIDENTS if any(i.found_by(event) for event in opened)})
        for event in opened:
            if not any(incident.found_by(event) for incident in INCIDENTS):
                others[f"{event.object_id} {event.opened_at - timedelta(hours=1):%m-%d}"] += 1
    print(json.dumps({"seeds": seeds, "found": {str(i): found[str(i)] for i in INCIDENTS}}))
    print(
        json.dumps(
            {"other_spikes_per_run": sum(others.values()) / seeds, "by_day": dict(others.most_common())}
        )
    )


if __name__ == "__main__":
    main()
