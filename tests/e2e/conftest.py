"""``molva up`` as a user starts it: a child process on a fresh data dir, driven through the command line."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from pipeline.embedded.stack import find_stack
from pipeline.local import read_workers
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect

STORY = Path(str(files("pipeline.demo") / "story.jsonl.gz"))
WATCHLIST = Path(str(files("pipeline.demo") / "watchlist.yaml"))
START_S = 240.0
POLL_S = 0.1


def molva(
    *arguments: str | Path, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=280,
        env={**clean_environment(), **environment},
        check=False,
    )


def clean_environment() -> dict[str, str]:
    """This environment without settings of Molva."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOLVA_")}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "160"}


class Up:
    """A running ``molva up``."""

    def __init__(
        self, data_dir: Path, *options: str, watchlist: Path = WATCHLIST, **environment: str
    ) -> None:
        self.data_dir = data_dir
        self.options = options
        self.watchlist = watchlist
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> dict[str, Any]:
        """Start it and wait until it says that all is ready; its addresses."""
        command = [sys.executable, "-m", "pipeline.cli", "up", "--json", "--data-dir", str(self.data_dir)]
        command += ["--watchlist", str(self.watchlist), *self.options]
        log = (self.data_dir.parent / f"{self.data_dir.name}.log").open("a")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment()
        )
        log.close()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, Path(log.name).read_text()
        addresses: dict[str, Any] = json.loads(line)
        return addresses

    def _environment(self) -> dict[str, str]:
        return {**clean_environment(), **self.environment}

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def run(self, *arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command against this stack."""
        return molva(*arguments, stdin=stdin, MOLVA_DATA_DIR=str(self.data_dir))

    def replay(self, file: Path, *options: str) -> dict[str, Any]:
        """``molva replay FILE --wait --json``; its report."""
        done = self.run("replay", file, "--wait", "--json", *options)
        assert done.returncode == 0, done.stderr + self.logs()
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query, through clickhouse-driver."""
        info = find_stack(self.data_dir)
        assert info is not None
        with connect(info.settings(Settings())) as client:
            found: list[tuple[Any, ...]] = client.execute(query, parameters)
        return found

    def pid(self, name: str) -> int:
        """The process id of a running worker, or of ``ClickHouse``."""

        def look() -> int | None:
            if name == "ClickHouse":
                info = find_stack(self.data_dir)
                return info.clickhouse_pid if info else None
            return next(worker["pid"] for worker in read_workers(self.data_dir) if worker["name"] == name)

        return int(await_value(look))

    def logs(self) -> str:
        """The end of every worker's log."""
        parts = []
        for log in sorted((self.data_dir / "logs").glob("*.log")):
            parts.append(f"== {log.name}\n" + log.read_text(errors="replace")[-1500:])
        return "\n".join(parts)


def await_value(look: Callable[[], Any], seconds: float = 60.0, pause: float = POLL_S) -> Any:
    """Look until there is a true value, with pauses where a look costs much.

    Raises:
        AssertionError: there is none after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = look()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError(f"nothing after {seconds} s")


def story_rows() -> list[dict[str, Any]]:
    """The rows of the demo's story."""
    with gzip.open(STORY, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]], tag: str = "") -> Path:
    """Rows as JSON lines; ``tag`` sets their ids, and those that they refer to, apart from other files'."""

    def tagged(row: Mapping[str, Any]) -> dict[str, Any]:
        changed = dict(row)
        for name in ("id", "native_id", "reply_to", "thread_root", "repost_of"):
            if tag and changed.get(name):
                changed[name] = f"{changed[name]}-{tag}"
        return changed

    file.write_text(
        "".join(json.dumps(tagged(row), ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return file


def spike_events(up: Up, timeline: str) -> set[tuple[Any, ...]]:
    """Every spike event of a timeline, without what the timeline's name is part of."""
    query = """
        SELECT object_id, resolution, revision, status, opened_at, started_at, updated_at, score, negatives,
               expected_negatives, total, authors
        FROM spikes WHERE timeline = %(timeline)s
    """
    return set(up.rows(query, {"timeline": timeline}))


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack with one worker per stage."""
    yield from running(Up(tmp_path_factory.mktemp("one")))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack with two enrichment and two detection workers."""
    yield from running(Up(tmp_path_factory.mktemp("two"), "--enrichment", "2", "--detection", "2"))


def running(up: Up) -> Iterator[Up]:
    """Start it, give it, stop it: the body of a fixture."""
    up.start()
    yield up
    assert up.stop() == 0
