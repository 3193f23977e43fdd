"""What storing costs: CPU of storage and of ClickHouse for 1,000 posts, by rows per insert; JSON.

    python -m benchmarks.storage [--posts 4500] [--sizes 100,375,1500,5000] [--rate 1500] [--data DIR]
    python -m benchmarks.storage --posts 40000 --sizes 640 --rate 640 --stored 300000 [--merge-at 0]

Records are those of ``molva bench pipeline`` after the real enrichment, made once and kept in the temporary
folder; each size gets them under fresh ids, in an empty database of an embedded ClickHouse. A step takes
what one partition of the posts' topic gives and the mentions that belong to it, as the stage does: read,
look-up, insert. ``--rate`` paces the steps to so many posts a second, so that merges have their
real work; 0: back to back. ClickHouse's CPU is counted until its merges have settled; ``idle`` is what the
server takes meanwhile for doing nothing. Decoding is measured in this thread, the client's work with it.
``--stored`` and ``--merge-at`` show what merges cost: ids that are there before, and how many parts are
merged at once instead of the migrations' sixteen (0: ClickHouse's own choice).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from benchmarks.stored_records import Made, Stored, records, steps
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.migrations import migrate
from pipeline.sink.reading import read
from pipeline.sink.writer import Writer

ROOT = Path(__file__).resolve().parent.parent
SETTLE_SECONDS, LOOKS = 60.0, 5


class Sink:
    """Storage without Kafka, in one thread, with the CPU seconds of each of its steps."""

    def __init__(self, settings: Settings, server: psutil.Process) -> None:
        self.clients = Clients(lambda: connect(settings))
        self.writer = Writer(self.clients)
        self.server = server
        self.here: defaultdict[str, float] = defaultdict(float)
        self.there: defaultdict[str, float] = defaultdict(float)
        self.inserts = 0

    def store(self, found: Sequence[Stored]) -> int:
        """Store one batch; the number of its rows."""
        if not found:
            return 0
        batch = Batch("bench", found[0].topic, found[0].partition, found[0].offset, found[-1].offset)
        reading = self._timed("decode", lambda: read(found, batch))
        if reading.dead_letters or len(reading.entries) != len(found):
            sys.exit(f"storage cannot read what enrichment made: {reading.dead_letters[:1]}")
        chosen = self._timed("look-up", lambda: self.writer.select(reading.entries, batch, resumed=False))
        self._timed(f"insert {found[0].topic}", lambda: self.writer.insert(chosen.entries, batch))
        self.inserts += 1
        return len(chosen.entries)

    def store_all(self, given: Sequence[tuple[list[Stored], list[Stored]]], rate: float) -> tuple[int, int]:
        """Store the steps, no faster than ``rate`` posts a second; how many posts and mentions there were."""
        began, posts, mentions = time.perf_counter(), 0, 0
        for found, about in given:
            ahead = posts / rate - (time.perf_counter() - began) if rate else 0.0
            time.sleep(max(0.0, ahead))
            posts += self.store(found)
            mentions += self.store(about)
        return posts, mentions

    def _timed(self, step: str, work: Callable[[], Any]) -> Any:
        started = time.process_time(), server_seconds(self.server)
        result = work()
        self.here[step] += time.process_time() - started[0]
        self.there[step] += server_seconds(self.server) - started[1]
        return result


class Tables(NamedTuple):
    """How the tables are before: see ``--stored`` and ``--merge-at``."""

    stored: int = 0
    merge_at: int | None = None

    def prepare(self, client: Any, database: str) -> None:
        """Make them so, after the migrations."""
        for table, part in (("post_ids", 1), ("mention_ids", 8)):
            client.execute(
                f"INSERT INTO {database}.{table} (id) "
                f"SELECT concat('bench:before-', toString(number)) FROM numbers({self.stored // part})"
            )
        for (table,) in client.execute(
            "SELECT name FROM system.tables WHERE database = %(d)s AND engine_full LIKE '%%merge_at_once%%'",
            {"d": database},
        ):
            if self.merge_at is not None:
                setting = f"min_parts_to_merge_at_once = {self.merge_at}"
                client.execute(f"ALTER TABLE {database}.{table} MODIFY SETTING {setting}")


def measure(
    settings: Settings, server: psutil.Process, made: Made, size: int, rate: float, tables: Tables
) -> dict[str, Any]:
    """CPU milliseconds for 1,000 posts: of this process by step, and of the server; rows that merges read."""
    own = settings.model_copy(update={"clickhouse_database": f"bench_{uuid.uuid4().hex}"})
    admin = connect(own, "default")
    migrate(admin, own.clickhouse_database)
    tables.prepare(admin, own.clickhouse_database)
    sink, merged = Sink(own, server), merged_rows(admin)
    began, before = time.perf_counter(), server_seconds(server)
    posts, mentions = sink.store_all(list(steps(made, size)), rate)
    serving = server_seconds(server) - before
    settled(admin, own.clickhouse_database)
    whole, wall = server_seconds(server) - before, time.perf_counter() - began
    merged = merged_rows(admin) - merged
    stored = admin.execute(f"SELECT uniqExact(id), count() FROM {own.clickhouse_database}.posts")
    if stored != [(posts, posts)]:
        sys.exit(f"ids and rows of posts are {stored} instead of {posts}")
    sink.clients.close()
    admin.execute(f"DROP DATABASE {own.clickhouse_database} SYNC")
    admin.disconnect()
    thousands = posts / 1000
    return {
        "rows_per_insert": size,
        "inserts": sink.inserts,
        "wall_s": round(wall, 1),
        "mentions_per_post": round(mentions / posts, 3),
        "storage_ms": round(sum(sink.here.values()) * 1000 / thousands, 1),
        "clickhouse_ms": round(whole * 1000 / thousands, 1),
        "clickhouse_after_ms": round((whole - serving) * 1000 / thousands, 1),
        "merged_rows_per_post": round(merged / posts, 1),
        "storage_ms_by_step": {step: round(s * 1000 / thousands, 1) for step, s in sink.here.items()},
        "clickhouse_ms_by_step": {step: round(s * 1000 / thousands, 1) for step, s in sink.there.items()},
    }


def merged_rows(client: Any) -> int:
    """How many rows the server's merges have read so far."""
    return int(client.execute("SELECT sum(value) FROM system.events WHERE event = 'MergedRows'")[0][0])


def settled(client: Any, database: str) -> None:
    """Return when no merge has run for a moment."""
    quiet, deadline = 0, time.monotonic() + SETTLE_SECONDS
    while quiet < LOOKS and time.monotonic() < deadline:
        ((running,),) = client.execute(
            "SELECT count() FROM system.merges WHERE database = %(d)s", {"d": database}
        )
        quiet = 0 if running else quiet + 1
        time.sleep(0.2)


def server_seconds(server: psutil.Process) -> float:
    """CPU seconds of the server so far."""
    times = server.cpu_times()
    return float(times.user + times.system)


def report(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all sizes on one server."""
    made = records(arguments.posts, arguments.data, arguments.model)
    with tempfile.TemporaryDirectory() as folder, EmbeddedClickHouse(Path(folder)) as stack:
        own = ("host", "port", "user", "password")
        settings = Settings(**{f"clickhouse_{name}": getattr(stack, name) for name in own})
        server = psutil.Process(stack.pid)
        tables = Tables(arguments.stored, arguments.merge_at)
        measure(settings, server, made[:1000], 500, 0.0, Tables())  # the server's first inserts are dearer
        before = server_seconds(server), time.perf_counter()
        time.sleep(3)
        idle = (server_seconds(server) - before[0]) / (time.perf_counter() - before[1])
        sizes = [int(size) for size in arguments.sizes.split(",")]
        return {
            "posts": len(made),
            "rate": arguments.rate,
            **tables._asdict(),
            "load": os.getloadavg()[0],
            "idle_cpu_per_s": round(idle, 4),
            "sizes": [measure(settings, server, made, size, arguments.rate, tables) for size in sizes],
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What storing posts and mentions costs.")
    data = os.environ.get("MOLVA_DATA") or ROOT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(data))
    parser.add_argument("--model", choices=("open", "full"), default="full")
    parser.add_argument("--posts", type=int, default=4500)
    parser.add_argument("--rate", type=float, default=1500.0)
    parser.add_argument("--sizes", default="100,375,1500,5000")
    parser.add_argument("--stored", type=int, default=0, help="ids of posts that are there before")
    parser.add_argument("--merge-at", type=int, help="parts to merge at once; 0: as ClickHouse would")
    arguments = parser.parse_args()
    print(json.dumps(report(arguments), indent=2))


if __name__ == "__main__":
    main()
