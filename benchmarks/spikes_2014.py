"""Every spike that the whole pipeline finds in real tweets of 2014, and which known incidents are there.

Starts ``molva up`` with examples/banks-and-operators.yaml on a fresh data dir, replays both files twice with
``molva replay FILE --wait --json``, and reads `spike_history`. Data: ``--data``, ``MOLVA_DATA`` or
../shared/data. Prints JSON, and tables of Markdown on standard error; exit code 1 if a requirement fails.
A minute and a half on two cores.

    .venv/bin/python benchmarks/spikes_2014.py [--data DIR] [--model full|open]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from detector_incidents import FILES, INCIDENTS, Incident

ROOT = Path(__file__).resolve().parents[1]
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
STOP_S = 120

SPIKES = """
    SELECT h.object_id AS object, h.resolution AS resolution, h.opened_at AS opened_at,
        if(h.status = 'resolved', h.resolved_at, NULL) AS resolved_at, h.negatives AS negatives,
        round(h.expected_negatives, 1) AS expected, h.total AS total, h.authors AS authors,
        round(h.peak_score, 1) AS peak, h.revisions AS revisions, o.started_at AS started_at,
        o.negatives AS negatives_at_opening, o.total AS total_at_opening
    FROM spike_history AS h INNER JOIN spikes AS o ON o.id = h.id AND o.revision = 1
    WHERE h.timeline = '{timeline}' ORDER BY resolution DESC, opened_at, object
"""
"""Of a spike: its last event, and the counts of the run that opened it."""
POSTS = "SELECT count() AS count, uniqExact(id) AS unique FROM posts WHERE timeline = '{timeline}'"
MENTIONS = """
    SELECT count() AS count, uniqExact(post_id, object_id) AS unique, countIf(label = 'negative') AS negative
    FROM mentions WHERE timeline = '{timeline}'
"""


Labels = dict[str, list[datetime]]
"""Object -> times of the posts that people labelled as negative toward it, in order."""


class Stack:
    """A running ``molva up``, driven through the command line."""

    def __init__(self, data_dir: Path, model: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MOLVA_")}
        self._environment = {**kept, "MOLVA_DATA_DIR": str(data_dir), "MOLVA_SENTIMENT_MODEL": model}

    def run(self, *arguments: str | Path) -> str:
        """A command of Molva; what it printed. Its messages go to standard error.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        done = subprocess.run(
            self.command(*arguments), stdout=subprocess.PIPE, text=True, env=self._environment, check=True
        )
        return done.stdout

    def rows(self, query: str, timeline: str) -> list[dict[str, Any]]:
        """Rows of a query about a timeline."""
        printed = self.run("sql", query.format(timeline=timeline), "--format", "JSONEachRow")
        return [json.loads(line) for line in printed.splitlines()]

    @staticmethod
    def command(*arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]

    @contextmanager
    def running(self) -> Iterator[None]:
        """From the moment at which all is ready until Ctrl-C and a clean end."""
        command = self.command("up", "--json", "--watchlist", WATCHLIST)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._environment) as process:
            assert process.stdout is not None
            try:
                if not process.stdout.readline():
                    raise SystemExit(f"molva up ended with exit code {process.wait(STOP_S)}")
                yield
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
        if process.returncode:
            raise SystemExit(f"molva up ended with exit code {process.returncode}")


def replay_twice(stack: Stack, file: Path) -> dict[str, Any]:
    """What one file gave: counts of both replays, rows in ClickHouse, spikes."""
    first, second = (json.loads(stack.run("replay", file, "--wait", "--json")) for _ in range(2))
    timeline = first["timeline"]
    rows, labels = read_labels(file)
    return {
        "rows": rows,
        "replays": [first, second],
        "posts": stack.rows(POSTS, timeline)[0],
        "mentions": stack.rows(MENTIONS, timeline)[0],
        "spikes": [spike | compare(spike, labels) for spike in stack.rows(SPIKES, timeline)],
    }


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


def compare(spike: dict[str, Any], labels: Labels) -> dict[str, Any]:
    """The hand labels beside a spike.

    ``labelled_at_opening``: negatives of the run that opened it. ``faded_at``: when nine tenths of the
    labelled negatives between its start and its end had been written; ``hours_late``: from then to its end.
    """
    times, opened = labels.get(spike["object"], []), moment(spike["opened_at"])
    started, resolved = moment(spike["started_at"]), moment(spike["resolved_at"] or "2100-01-01")
    during = [at for at in times if started <= at < resolved]
    faded = during[len(during) * 9 // 10] if during else None
    ended = spike["resolved_at"] is not None and faded is not None
    return {
        "labelled_at_opening": sum(started <= at < opened for at in times),
        "faded_at": faded and f"{faded:%Y-%m-%d %H:%M:%S}",
        "hours_late": round((resolved - faded).total_seconds() / 3600, 1) if ended and faded else None,
    }


def moment(text: str) -> datetime:
    """ClickHouse's way to write a time in UTC."""
    return datetime.fromisoformat(f"{text}+00:00")


def finds(incident: Incident, spike: dict[str, Any]) -> bool:
    """Whether a spike of the 1-hour detector opened on the object near enough to the incident."""
    near = abs((moment(spike["opened_at"]) - incident.at).total_seconds()) <= incident.hours * 3600
    return spike["resolution"] == "1h" and spike["object"] == incident.name and near


def failures(files: dict[str, dict[str, Any]]) -> list[str]:
    """What the issue demands and is not so."""
    failed = [
        f"no 1-hour spike opened on {incident} within {incident.hours} h"
        for incident in INCIDENTS
        if not any(finds(incident, spike) for found in files.values() for spike in found["spikes"])
    ]
    for name, found in files.items():
        first, second = (
            {part: count for part, count in replay.items() if part != "seconds"}
            for replay in found["replays"]
        )
        if first != second:
            failed.append(f"{name}: the second replay gave {second}, the first {first}")
        if set(found["posts"].values()) != {found["rows"]}:
            failed.append(f"{name}: {found['rows']} rows, but in ClickHouse {found['posts']}")
        if found["mentions"]["count"] != found["mentions"]["unique"]:
            failed.append(f"{name}: mentions more than once: {found['mentions']}")
        if first["dead_letters"] or first["rejected"]:
            failed.append(f"{name}: dead letters {first['dead_letters']}, rejected {first['rejected']}")
    return failed


def lateness(spikes: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Per resolution: how many spikes, and their least, median and greatest ``hours_late``."""
    found = {}
    for resolution in ("1h", "5m"):
        same = [spike for spike in spikes if spike["resolution"] == resolution]
        late = [spike["hours_late"] for spike in same if spike["hours_late"] is not None] or [0.0]
        found[resolution] = {
            "spikes": len(same),
            "least": min(late),
            "median": median(late),
            "most": max(late),
        }
    return found


def table(spikes: list[dict[str, Any]], resolution: str) -> Iterator[str]:
    """The spikes of a resolution as lines of Markdown; times are UTC."""
    yield "| object | opened | run began | negatives (by hand) of all | resolved | late, h | last run |"
    yield "|---|---|---|---|---|---|---|"
    for spike in spikes:
        if spike["resolution"] == resolution:
            times = (spike[name] for name in ("opened_at", "started_at", "resolved_at"))
            opened, started, resolved = (
                "open" if at is None else f"{moment(at):%m-%d %H:%M}" for at in times
            )
            at_opening = f"{spike['negatives_at_opening']} ({spike['labelled_at_opening']})"
            yield (
                f"| {spike['object']} | {opened} | {started} | {at_opening} of {spike['total_at_opening']} "
                f"| {resolved} | {spike['hours_late']} | {spike['negatives']} / {spike['expected']} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("MOLVA_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the folder of the data sets")
    parser.add_argument("--model", default="full", choices=("full", "open"), help="sentiment model")
    options = parser.parse_args()
    missing = [name for name in FILES if not (options.data / name).is_file()]
    if missing:
        parser.error(f"{options.data} lacks {', '.join(missing)}; choose the folder with --data")
    with tempfile.TemporaryDirectory(prefix="molva-2014-") as folder:
        stack = Stack(Path(folder) / "data", options.model)
        with stack.running():
            files = {name: replay_twice(stack, options.data / name) for name in FILES}
    failed = failures(files)
    for name, found in files.items():
        for resolution in ("1h", "5m"):
            print(f"\n{name}, {resolution}\n", *table(found["spikes"], resolution), sep="\n", file=sys.stderr)
    spikes = [spike for found in files.values() for spike in found["spikes"]]
    incidents = {
        str(incident): next((s["opened_at"] for s in spikes if finds(incident, s)), None)
        for incident in INCIDENTS
    }
    report = {"model": options.model, "incidents": incidents, "failed": failed, "late": lateness(spikes)}
    print(json.dumps(report | {"files": files}, indent=1))
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
