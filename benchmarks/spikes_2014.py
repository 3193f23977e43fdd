"""Every spike that the whole pipeline finds in real tweets of 2014, and which known incidents are there.

Starts ``molva up`` with examples/banks-and-operators.yaml on a fresh data dir, replays both files twice with
``molva replay FILE --wait --json``, and reads `spike_history`. Data: ``--data``, ``MOLVA_DATA`` or
../shared/data. Prints JSON, and tables of Markdown on standard error; exit code 1 if a requirement fails.
A minute and a half on two cores.

    .venv/bin/python -m benchmarks.spikes_2014 [--data DIR] [--model full|open]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.beside_labels import compare, finds, lateness, read_labels, table, wave_of
from benchmarks.detector_incidents import FILES, INCIDENTS, MOST_LATE, ROOT, count, exact

WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
STOP_S = 120

RESOLUTIONS = ("1d", "1h", "5m")
SPIKES = """
    SELECT h.object_id AS object, h.resolution AS resolution, o.signal AS signal, e.peak_severity AS severity,
        h.opened_at AS opened_at, if(h.status = 'resolved', h.resolved_at, NULL) AS resolved_at,
        h.negatives AS negatives, round(h.expected_negatives, 1) AS expected, h.total AS total,
        h.authors AS authors, round(h.peak_score, 1) AS peak, h.revisions AS revisions,
        o.started_at AS started_at, o.negatives AS negatives_at_opening, o.total AS total_at_opening
    FROM spike_history AS h INNER JOIN spikes AS o ON o.id = h.id AND o.revision = 1
    INNER JOIN spike_explanations AS e ON e.id = h.id
    WHERE h.timeline = '{timeline}' ORDER BY resolution DESC, opened_at, object
"""
"""Of a spike: its last event, and the counts of the run that opened it."""
POSTS = "SELECT count() AS count, uniqExact(id) AS unique FROM posts WHERE timeline = '{timeline}'"
MENTIONS = """
    SELECT count() AS count, uniqExact(post_id, object_id) AS unique, countIf(label = 'negative') AS negative
    FROM mentions WHERE timeline = '{timeline}'
"""


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
    def running(self) -> Iterator[dict[str, Any]]:
        """From the moment at which all is ready until Ctrl-C and a clean end; gives the addresses."""
        command = self.command("up", "--json", "--watchlist", WATCHLIST)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._environment) as process:
            assert process.stdout is not None
            try:
                line = process.stdout.readline()
                if not line:
                    raise SystemExit(f"molva up ended with exit code {process.wait(STOP_S)}")
                yield json.loads(line)
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
    """What one file gave: counts of both replays, rows in ClickHouse, spikes beside people's labels."""
    first, second = (json.loads(stack.run("replay", file, "--wait", "--json")) for _ in range(2))
    timeline = first["timeline"]
    rows, labels = read_labels(file)
    spikes, counts = stack.rows(SPIKES, timeline), count(file, exact)
    return {
        "rows": rows,
        "replays": [first, second],
        "posts": stack.rows(POSTS, timeline)[0],
        "mentions": stack.rows(MENTIONS, timeline)[0],
        "spikes": [spike | compare(spike, labels) | wave_of(spike, spikes, counts) for spike in spikes],
    }


def failures(files: dict[str, dict[str, Any]]) -> list[str]:
    """What the issue demands and is not so."""
    spikes = [spike for found in files.values() for spike in found["spikes"]]
    failed = []
    for incident in INCIDENTS:
        found = next((spike for spike in spikes if finds(incident, spike)), None)
        if found is None:
            failed.append(f"no 1-hour spike opened on {incident} within {incident.hours} h")
        elif found["hours_after_wave"] is None or found["hours_after_wave"] > MOST_LATE:
            failed.append(f"{incident}: resolved {found['resolved_at']}, its wave ended {found['wave_end']}")
    for name, file in files.items():
        failed += not_exact(name, file)
    return failed


def not_exact(name: str, found: dict[str, Any]) -> list[str]:
    """What was lost, doubled or given up."""
    failed = []
    first, second = (
        {part: number for part, number in replay.items() if part != "seconds"} for replay in found["replays"]
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


def arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options: ``data``, a folder that holds both files, and ``model``."""
    default = os.environ.get("MOLVA_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the folder of the data sets")
    parser.add_argument("--model", default="full", choices=("full", "open"), help="sentiment model")
    options = parser.parse_args()
    missing = [name for name in FILES if not (options.data / name).is_file()]
    if missing:
        parser.error(f"{options.data} lacks {', '.join(missing)}; choose the folder with --data")
    return options


def main() -> None:
    """Replay, compare, print; end with 1 if a requirement fails."""
    options = arguments(argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0]))
    with tempfile.TemporaryDirectory(prefix="molva-2014-") as folder:
        stack = Stack(Path(folder) / "data", options.model)
        with stack.running():
            files = {name: replay_twice(stack, options.data / name) for name in FILES}
    failed = failures(files)
    for name, found in files.items():
        for resolution in RESOLUTIONS:
            print(f"\n{name}, {resolution}\n", *table(found["spikes"], resolution), sep="\n", file=sys.stderr)
    spikes = [spike for found in files.values() for spike in found["spikes"]]
    incidents = {
        str(incident): next((s["opened_at"] for s in spikes if finds(incident, s)), None)
        for incident in INCIDENTS
    }
    report = {
        "model": options.model,
        "incidents": incidents,
        "failed": failed,
        "late": lateness(spikes, RESOLUTIONS),
    }
    print(json.dumps(report | {"files": files}, indent=1))
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
