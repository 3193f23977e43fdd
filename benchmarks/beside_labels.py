"""Spikes of the whole pipeline beside people's labels of the same tweets, for `benchmarks.spikes_2014`.

A spike here is a row of ``SPIKES`` there: names of columns -> values, times as ClickHouse writes them in UTC.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.detector_incidents import Hours, Incident, last_hour
from benchmarks.detectors import waves
from pipeline.core.windows import HOUR, seconds
from pipeline.core.windows import moment as second_as_time

Row = Mapping[str, Any]
Labels = dict[str, list[datetime]]
"""Object -> times of the posts that people labelled as negative toward it, in order."""


def read_labels(file: Path) -> tuple[int, Labels]:
    """How many rows a file has, and what its annotators found negative."""
    with file.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    labels: Labels = defaultdict(list)
    for row in rows:
        for name, label in row["targets"].items():
            if label == "negative":
                labels[name].append(datetime.fromisoformat(row["created_at"]))
    return len(rows), {name: sorted(times) for name, times in labels.items()}


def compare(spike: Row, labels: Labels) -> dict[str, Any]:
    """The hand labels beside a spike.

    ``labelled_at_opening``: negatives of the run that opened it. ``faded_at``: when nine tenths of the
    labelled negatives between its start and its end had been written; ``hours_late``: from then to its end.
    """
    times, opened, started = labels.get(spike["object"], []), _at(spike, "opened"), _at(spike, "started")
    ended = _at(spike, "resolved") if spike["resolved_at"] else None
    during = [at for at in times if started <= at and (ended is None or at < ended)]
    faded = during[len(during) * 9 // 10] if during else None
    return {
        "labelled_at_opening": sum(started <= at < opened for at in times),
        "faded_at": faded and f"{faded:%Y-%m-%d %H:%M:%S}",
        "hours_late": round((ended - faded).total_seconds() / 3600, 1) if ended and faded else None,
    }


def wave_of(spike: Row, spikes: Sequence[Row], counts: Mapping[str, Hours]) -> dict[str, Any]:
    """``wave_end`` of a 1-hour spike of negativity by people's labels, and the hours from then to its end.

    Args:
        spikes: all of the file.
        counts: people's labels by object and hour.
    """
    if _track(spike)[1:] != ("1h", "negativity"):
        return {"wave_end": None, "hours_after_wave": None}
    end, opened = last_hour(counts), seconds(_at(spike, "opened")) - HOUR
    openings = (seconds(_at(other, "opened")) - HOUR for other in spikes if _track(other) == _track(spike))
    until = min((at for at in openings if at > opened), default=end + HOUR)
    wave = waves.wave_end(waves.judged(counts[spike["object"]], end), opened, until)
    resolved = seconds(_at(spike, "resolved")) if spike["resolved_at"] else None
    return {
        "wave_end": f"{second_as_time(wave):%Y-%m-%d %H:%M:%S}",
        "hours_after_wave": None if resolved is None else (resolved - wave) / HOUR,
    }


def finds(incident: Incident, spike: Row) -> bool:
    """Whether the spike is the incident's."""
    name, *kind = _track(spike)
    return kind == ["1h", "negativity"] and incident.found_by(name, _at(spike, "opened"))


def lateness(spikes: Sequence[Row], resolutions: Sequence[str]) -> dict[str, dict[str, float]]:
    """Per resolution: how many spikes of negativity, and their least, median and greatest ``hours_late``."""
    found = {}
    for resolution in resolutions:
        same = [spike for spike in spikes if _track(spike)[1:] == (resolution, "negativity")]
        late = [spike["hours_late"] for spike in same if spike["hours_late"] is not None] or [0.0]
        found[resolution] = {
            "spikes": len(same),
            "least": min(late),
            "median": median(late),
            "most": max(late),
        }
    return found


def table(spikes: Sequence[Row], resolution: str) -> Iterator[str]:
    """The spikes of a resolution as lines of Markdown; times are UTC."""
    yield (
        "| object | opened | resolved | late, h | after its wave, h "
        "| at opening: negatives (by hand) of all | last run: negatives / expected of all, authors |"
    )
    yield "|---|---|---|---|---|---|---|"
    for spike in spikes:
        if spike["resolution"] == resolution:
            opened, resolved = (
                "open" if spike[name] is None else f"{datetime.fromisoformat(spike[name]):%m-%d %H:%M}"
                for name in ("opened_at", "resolved_at")
            )
            name = spike["object"] + (", volume" if spike["signal"] == "volume" else "")
            after, late = spike["hours_after_wave"], spike["hours_late"]
            yield (
                f"| {name} | {opened} | {resolved} | {'' if late is None else late} "
                f"| {'' if after is None else round(after)} "
                f"| {spike['negatives_at_opening']} ({spike['labelled_at_opening']}) "
                f"of {spike['total_at_opening']} | {spike['negatives']} / {spike['expected']} "
                f"of {spike['total']}, {spike['authors']} |"
            )


def _track(spike: Row) -> tuple[str, str, str]:
    """Whose spike of what: one detector's."""
    return spike["object"], spike["resolution"], spike["signal"]


def _at(spike: Row, name: str) -> datetime:
    return datetime.fromisoformat(f"{spike[f'{name}_at']}+00:00")
