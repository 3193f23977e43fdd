"""What ``molva status`` and ``molva doctor`` look at: one part after the other, each with its cure."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aiokafka.errors import KafkaError

from pipeline.core.watchlist import WatchlistError
from pipeline.drain import HOPS
from pipeline.embedded.process import LOOPBACK, resident_bytes
from pipeline.embedded.stack import find_stack
from pipeline.health import is_ready, read_workers, scrape, watchlist_in_use
from pipeline.kafka import KafkaAdmin
from pipeline.local import BROKER_MEMORY_LIMIT
from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients, SinkError, connect
from pipeline.sink.migrations import pending
from pipeline.topics import TOPICS
from pipeline.watchlist_file import load_watchlist

MIN_FREE_BYTES = 2 * 1024**3
MAX_SKEW_S = 5.0


class Part(NamedTuple):
    """One thing that can be well or not; ``cure`` says what to do where it is not."""

    name: str
    ready: bool
    detail: str
    cure: str = ""


async def check_parts(settings: Settings) -> list[Part]:
    """The servers and the workers of the configured (or running embedded) pipeline."""
    return [*await _kafka(settings), *_memory(settings), *_clickhouse(settings), *_workers(settings)]


def _memory(settings: Settings) -> list[Part]:
    """The embedded broker keeps all that was produced in memory: how near it is to its limit."""
    stack = find_stack(settings.data_dir)
    if stack is None or stack.bootstrap != settings.kafka_bootstrap:
        return []
    used, limit = resident_bytes(stack.broker_pid), BROKER_MEMORY_LIMIT
    detail = f"{used / 1024**2:.0f} MiB of {limit / 1024**2:.0f} MiB, all records since its start"
    return [
        Part("broker memory", used < 0.9 * limit, detail, "start `molva up` again: it empties the broker")
    ]


async def _kafka(settings: Settings) -> list[Part]:
    cure = "start `molva up`, or set MOLVA_KAFKA_BOOTSTRAP to your brokers"
    try:
        async with KafkaAdmin(settings) as admin:
            return [
                Part("kafka", True, f"cluster {await admin.cluster_id()} on {settings.kafka_bootstrap}"),
                *await _topics(admin, settings),
            ]
    except KafkaError as error:
        return [Part("kafka", False, f"{settings.kafka_bootstrap}: {error!r}", cure)]


async def _topics(admin: KafkaAdmin, settings: Settings) -> list[Part]:
    existing = await admin.topics()
    missing = [topic.name for topic in TOPICS if topic.name not in existing]
    if missing:
        return [Part("topics", False, f"missing: {', '.join(missing)}", "run `molva topics --create`")]
    wrong = [
        f"{topic.name} has {existing[topic.name]} partitions, expected {settings.partitions}"
        for topic in TOPICS
        if topic.spread and existing[topic.name] != settings.partitions
    ]
    if wrong:
        return [Part("topics", False, "; ".join(wrong), "set MOLVA_PARTITIONS to what the topics have")]
    parts = [Part("topics", True, f"{len(TOPICS)} topics")]
    for hop in HOPS:
        lag = sum((await admin.lag(hop.group, hop.topics)).values())
        parts.append(Part(f"lag {hop.group}", True, f"{lag} records"))
    return parts


def _clickhouse(settings: Settings) -> list[Part]:
    where = f"{settings.clickhouse_host}:{settings.clickhouse_port}"
    clients = Clients(lambda: connect(settings, database="default"))
    try:
        with clients.client() as client:
            version, moment = client.execute("SELECT version(), toUnixTimestamp64Milli(now64(3))")[0]
            behind = pending(client, settings.clickhouse_database)
    except SinkError as error:
        cure = "start `molva up`, or set MOLVA_CLICKHOUSE_HOST, _PORT, _USER and _PASSWORD"
        return [Part("clickhouse", False, f"{where}: {str(error).splitlines()[0]}", cure)]
    finally:
        clients.close()
    skew = abs(datetime.now(UTC).timestamp() - moment / 1000)
    schema = Part(
        "schema",
        not behind,
        "up to date" if not behind else f"pending: {', '.join(behind)}",
        "run `molva migrate`",
    )
    clock = Part(
        "clock", skew < MAX_SKEW_S, f"{skew:.1f} s between here and ClickHouse", "synchronise clocks with NTP"
    )
    return [Part("clickhouse", True, f"{version} on {where}"), schema, clock]


def _workers(settings: Settings) -> list[Part]:
    parts = []
    workers = read_workers(settings.data_dir)
    if not workers and find_stack(settings.data_dir) is not None:
        return [Part("workers", False, "starting: none is running yet", "wait a moment")]
    for worker in workers:
        samples = scrape(LOOPBACK, worker["metrics_port"])
        detail = f"pid {worker['pid']}, metrics on port {worker['metrics_port']}"
        log = settings.data_dir / "logs" / f"{worker['name']}.log"
        parts.append(Part(worker["name"], is_ready(samples), detail, f"see {log}"))
    return parts


def check_installation(settings: Settings) -> list[Part]:
    """What can be wrong on this machine before any server is asked."""
    version = sys.version_info
    return [
        Part(
            "python",
            (3, 11) <= version[:2] <= (3, 13),
            f"{version.major}.{version.minor}",
            "use Python 3.11 to 3.13",
        ),
        *_data_dir(settings.data_dir),
        _watchlist(settings),
    ]


def _data_dir(folder: Path) -> list[Part]:
    cure = "make it a writable folder, or choose another --data-dir"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [Part("data dir", False, f"{folder}: {error.strerror}", cure)]
    detail = f"{free / 1024**3:.1f} GiB free in {folder}"
    return [
        Part("disk", free > MIN_FREE_BYTES, detail, "free some space, or choose another --data-dir"),
        Part("data dir", os.access(folder, os.W_OK), str(folder), cure),
    ]


def _watchlist(settings: Settings) -> Part:
    chosen = settings.watchlist or watchlist_in_use(settings.data_dir)
    if chosen is None:
        cure = "write watchlist.yaml (examples/watchlist.example.yaml teaches how), or set MOLVA_WATCHLIST"
        return Part("watchlist", False, "none: nothing is watched", cure)
    try:
        watchlist = load_watchlist(chosen)
    except WatchlistError as error:
        return Part(
            "watchlist", False, str(error), "correct the file; examples/watchlist.example.yaml explains it"
        )
    return Part("watchlist", True, f"{len(watchlist.objects)} objects in {chosen}")
