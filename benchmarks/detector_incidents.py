"""The 1-hour detector on real tweets of 2014: known incidents, other spikes, and how late each is resolved.

Counts hand labels of ``tweets_banks_2014.jsonl`` and ``tweets_telecoms_2014.jsonl`` (``--data``,
``MOLVA_DATA`` or ../shared/data) per object and hour, prints every spike as a JSON line beside the end of its
wave and what the plain rule makes of it (`benchmarks.detectors.waves`), and then how it fares with noisy
labels, as a model would give them.

    .venv/bin/python -m benchmarks.detector_incidents [--seeds 20] [--markdown]
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.detectors import waves
from pipeline.core.series import ObjectSeries
from pipeline.core.windows import HOUR, bucket, moment, seconds
from schemas import Spike

ROOT = Path(__file__).resolve().parents[1]
FILES = ("tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl")
MISSED, IMAGINED = 0.30, 0.07
"""Parts of the negatives read as neutral, and of the neutrals read as negative, by the imagined model."""
MOST_LATE = 12.0
"""Hours after the end of its wave within which an incident must be resolved."""

Hours = dict[int, tuple[int, int]]
"""Hour -> negatives, total."""


class Incident(NamedTuple):
    """A spike must open on the object within some hours of the moment (either way)."""

    name: str
    at: datetime
    hours: int

    def found_by(self, name: str, opened_at: datetime) -> bool:
        """Whether a 1-hour spike that opened on ``name`` then is this incident's."""
        return name == self.name and abs(opened_at - self.at) <= timedelta(hours=self.hours)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%m-%dT%H}"


INCIDENTS = (
    Incident("sberbank", datetime(2014, 7, 28, 20, tzinfo=UTC), 2),
    Incident("vtb", datetime(2014, 7, 28, 20, tzinfo=UTC), 2),
    Incident("rshb", datetime(2014, 7, 29, 19, tzinfo=UTC), 2),
    Incident("bankmoskvy", datetime(2014, 7, 29, 19, tzinfo=UTC), 2),
    Incident("sberbank", datetime(2014, 7, 31, 15, tzinfo=UTC), 2),
    Incident("gazprom", datetime(2014, 7, 31, 15, tzinfo=UTC), 2),
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
                hours = counts.setdefault(name, {})
                negatives, total = hours.get(hour, (0, 0))
                hours[hour] = negatives + (read(label) == "negative"), total + 1
    return counts


def detect(counts: dict[str, Hours]) -> Iterator[Spike]:
    """All events of all objects, up to the last hour of the file."""
    end = last_hour(counts)
    for name, hours in sorted(counts.items()):
        series = ObjectSeries(name, "1h")
        for hour in range(min(hours), end + HOUR, HOUR):
            yield from series.judge(hour, *hours.get(hour, (0, 0)))[1]


def last_hour(counts: Mapping[str, Hours]) -> int:
    """The start of the last hour with a mention of anything."""
    return max(max(hours) for hours in counts.values())


def exact(label: str) -> str:
    """A model that never errs."""
    return label


def noisy(rng: random.Random) -> Callable[[str], str]:
    """A model that errs at random."""

    def read(label: str) -> str:
        draw = rng.random()
        if label == "negative" and draw < MISSED:
            return "neutral"
        return "negative" if label == "neutral" and draw < IMAGINED else label

    return read


def spikes_of(counts: dict[str, Hours]) -> list[dict[str, Any]]:
    """Every spike of a file with the yardsticks of `benchmarks.detectors.waves`, in the order of opening."""
    newest = {event.id: event for event in detect(counts)}
    opened = sorted((seconds(spike.opened_at) - HOUR, spike.object_id) for spike in newest.values())
    rows = []
    for spike in sorted(newest.values(), key=lambda spike: (spike.opened_at, spike.id)):
        first = seconds(spike.opened_at) - HOUR
        later = (at for at, name in opened if name == spike.object_id and at > first)
        rows.append(_row(spike, counts[spike.object_id], last_hour(counts), first, next(later, None)))
    return rows


def _row(spike: Spike, hours: Hours, end: int, first: int, following: int | None) -> dict[str, Any]:
    known = next((str(i) for i in INCIDENTS if i.found_by(spike.object_id, spike.opened_at)), None)
    judged = waves.judged(hours, end)
    wave = waves.wave_end(judged, first, end + HOUR if following is None else following)
    plain = waves.plain_end(judged, first)
    resolved = None if spike.resolved_at is None else seconds(spike.resolved_at)
    half = resolved and waves.half_crest_end(judged, seconds(spike.started_at), resolved)
    return {
        "object": spike.object_id,
        "incident": known,
        "opened_at": _iso(seconds(spike.opened_at)),
        "resolved_at": _iso(resolved),
        "wave_end": _iso(wave),
        "hours_after_wave": resolved and (resolved - wave) / HOUR,
        "hours_after_half_crest": resolved and half and (resolved - half) / HOUR,
        "plain_resolved_at": _iso(plain),
        "plain_hours_after_wave": plain and (plain - wave) / HOUR,
        "negatives": spike.negatives,
        "expected": spike.expected_negatives,
        "peak": spike.peak_score,
    }


def _iso(second: int | None) -> str | None:
    return None if second is None else f"{moment(second):%Y-%m-%dT%H:%MZ}"


def noise(folder: Path, seeds: int) -> dict[str, Any]:
    """How often each incident is found with noisy labels, and how many other spikes open."""
    found: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for seed in range(seeds):
        read = noisy(random.Random(seed))
        events = [event for name in FILES for event in detect(count(folder / name, read))]
        opened = [(event.object_id, event.opened_at) for event in events if event.status == "opened"]
        found.update(str(i) for i in INCIDENTS if any(i.found_by(*one) for one in opened))
        for name, at in opened:
            if not any(incident.found_by(name, at) for incident in INCIDENTS):
                others[f"{name} {at - timedelta(hours=1):%m-%d}"] += 1
    return {
        "seeds": seeds,
        "found": {str(i): found[str(i)] for i in INCIDENTS},
        "other_spikes_per_run": sum(others.values()) / seeds,
        "by_day": dict(others.most_common()),
    }


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The spikes as lines of Markdown; times are UTC."""
    yield "| object | opened | negatives / expected | wave ended | resolved | after half crest | plain rule |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        name = f"**{row['object']}**" if row["incident"] else row["object"]
        opened, wave, resolved, plain = (
            "never" if row[key] is None else f"{row[key][5:10]} {row[key][11:16]}"
            for key in ("opened_at", "wave_end", "resolved_at", "plain_resolved_at")
        )
        late, half, plainly = (
            "" if row[key] is None else f" ({row[key]:.0f} h)"
            for key in ("hours_after_wave", "hours_after_half_crest", "plain_hours_after_wave")
        )
        yield (
            f"| {name} | {opened} | {row['negatives']} / {row['expected']:.1f} | {wave} | {resolved}{late} "
            f"|{half} | {plain}{plainly} |"
        )


def main() -> None:
    """Print the spikes and the figures with noise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    default = Path(os.environ.get("MOLVA_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=default, help="folder of the files; now %(default)s")
    parser.add_argument("--seeds", type=int, default=20, help="noisy runs; 0: none")
    parser.add_argument(
        "--markdown", action="store_true", help="a table for docs/spikes-2014.md, not JSON lines"
    )
    options = parser.parse_args()
    missing = [name for name in FILES if not (options.data / name).is_file()]
    if missing:
        parser.error(f"{options.data} lacks {', '.join(missing)}; choose the folder with --data")
    rows = [row for name in FILES for row in spikes_of(count(options.data / name, exact))]
    lines = table(rows) if options.markdown else (json.dumps(row) for row in rows)
    print(*lines, sep="\n")
    if options.seeds:
        print(json.dumps(noise(options.data, options.seeds)))


if __name__ == "__main__":
    main()
