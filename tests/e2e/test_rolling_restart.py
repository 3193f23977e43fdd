"""Every worker stopped and started again, one after another, under load: each post once, the same spikes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Up, await_value, running, spike_events, story_rows, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

SPEED = str(8 * 24 * 3600 / 60)
"""Seconds of the story per second: posts flow all the while; the restarts take the time, not the load."""
WORKERS = ("enrichment-1", "enrichment-2", "detection-1", "detection-2", "storage-1", "notification-1")
COUNTS = (
    "SELECT count(), uniqExact(id) FROM posts WHERE timeline = %(timeline)s",
    "SELECT count(), uniqExact(id) FROM mentions WHERE timeline = %(timeline)s",
    "SELECT count() FROM entities WHERE timeline = %(timeline)s",
    "SELECT object_id, label, count() FROM mentions WHERE timeline = %(timeline)s GROUP BY ALL ORDER BY ALL",
)
RECOUNT = """
    SELECT object_id, toDateTime(toStartOfFiveMinutes(created_at), 'UTC') AS bucket, count(),
        countIf(label = 'negative')
    FROM mentions GROUP BY 1, 2
    EXCEPT SELECT object_id, bucket, sum(mentions), sum(negatives) FROM mentions_5m GROUP BY 1, 2
"""


@pytest.fixture(scope="module")
def rolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Two enrichment and two detection workers."""
    yield from running(Up(tmp_path_factory.mktemp("rolled"), "--enrichment", "2", "--detection", "2"))


def test_a_rolling_restart_under_load_loses_and_doubles_nothing(rolled: Up, tmp_path: Path) -> None:
    rows = story_rows()
    load = Load(rolled, rows, tmp_path)
    load.start()
    for worker in WORKERS:
        pid = rolled.pid(worker)
        os.kill(pid, signal.SIGTERM)
        await_value(lambda worker=worker, pid=pid: rolled.pid(worker) != pid)
        await_value(lambda: rolled.run("status", "--json").returncode == 0, pause=2)
    load.stop()
    rolled.replay(write_rows(tmp_path / "undisturbed.jsonl", rows, "undisturbed"))  # waits for all
    undisturbed = Outcome(rolled, "undisturbed.jsonl")
    assert undisturbed.counts[0] == [(len(rows), len(rows))]
    assert undisturbed.spikes
    for file in load.files:
        assert Outcome(rolled, file) == undisturbed, file
    assert rolled.rows(RECOUNT) == []
    assert rolled.rows("SELECT count() FROM dead_letters") == [(0,)]


class Load(threading.Thread):
    """Replays the story, about a minute each time, under one name after another until it is told to stop."""

    def __init__(self, up: Up, rows: list[dict[str, Any]], folder: Path) -> None:
        super().__init__(name="load")
        self._up, self._rows, self._folder = up, rows, folder
        self._stopping = threading.Event()
        self.files: list[str] = []

    def run(self) -> None:
        while not self._stopping.is_set():
            tag = f"rolling{len(self.files)}"
            file = write_rows(self._folder / f"{tag}.jsonl", self._rows, tag)
            done = self._up.run("replay", file, "--speed", SPEED, "--json")
            assert done.returncode == 0, done.stderr
            self.files.append(file.name)

    def stop(self) -> None:
        """Let the replay under way end."""
        self._stopping.set()
        self.join()


class Outcome:
    """What ClickHouse holds of one replay of the story, apart from the names of its posts."""

    def __init__(self, up: Up, file: str) -> None:
        timeline = f"replay:{file}"
        self.counts = [up.rows(query, {"timeline": timeline}) for query in COUNTS]
        self.spikes = spike_events(up, timeline)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(str(self.counts))
