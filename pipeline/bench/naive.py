"""Runs the naive baseline, ``benchmarks/naive.py``, on the broker and the ClickHouse of the benchmark."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psutil
from aiokafka import AIOKafkaProducer
from clickhouse_driver import Client

from pipeline.bench.mix import Mix
from pipeline.embedded.process import ChildProcess
from pipeline.errors import MolvaError, UsageError
from pipeline.kafka import KafkaAdmin, TopicSpec, client_options
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from schemas.codec import encode

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "naive.py"
TOPIC = "bench-naive"
LOOK_S = 0.2
PATIENCE_S = 180.0
"""How long the number of rows may stand still."""
_ROWS = "SELECT count() FROM naive_posts"


class NaiveFailed(MolvaError):
    """The baseline ended or stood still; the message shows the end of its log."""


class Naive(NamedTuple):
    """The baseline: posts a second from its first row to its last, and CPU seconds of its workers."""

    posts: int
    workers: int
    posts_per_s: float
    cpu_s_per_1000: float


def require_script() -> None:
    """See that the baseline is there.

    Raises:
        UsageError: this is an installed package, not a checkout.
    """
    if not SCRIPT.is_file():
        raise UsageError(f"--naive needs a checkout of Molva: there is no {SCRIPT}")


async def run_naive(
    settings: Settings, mix: Mix, posts: int, workers: int, say: Callable[[str], None]
) -> Naive:
    """Publish ``posts`` posts to a topic of its own, start the workers, and wait for all rows.

    Raises:
        NaiveFailed: it does not come to an end.
    """
    await _publish(settings, mix, posts)
    say(f"naive: {posts} posts published, starting {workers} workers")
    logs = settings.data_dir / "logs"
    script = [sys.executable, str(SCRIPT), "worker"]
    children = [
        ChildProcess(f"naive-{n}", script, logs / f"naive-{n}.log", guarded=True) for n in range(workers)
    ]
    with ExitStack() as running, connect(settings) as client:
        client.execute("DROP TABLE IF EXISTS naive_posts")
        for child in children:
            child.start(_environment(settings))
            running.callback(child.stop)
        return await asyncio.to_thread(_watch, client, children, posts)


def _watch(client: Client, children: list[ChildProcess], posts: int) -> Naive:
    """From the first row on, so that the start of the workers does not count."""
    first: tuple[float, int, float] | None = None
    rows, moved = 0, time.monotonic()
    while rows < posts:
        time.sleep(LOOK_S)
        seen = client.execute(_ROWS)[0][0] if client.execute("EXISTS naive_posts")[0][0] else 0
        now = time.monotonic()
        if seen != rows:
            rows, moved = seen, now
        if rows and first is None:
            first = now, rows, _cpu_s(children)
        for child in children:
            if child.exit_code() is not None or now - moved > PATIENCE_S:
                raise NaiveFailed(f"{child.name} got {rows} of {posts} posts done:\n{child.log_tail()}")
    if first is None or rows == first[1]:
        raise NaiveFailed(f"{posts} posts are too few to measure the naive baseline on: use more")
    done = rows - first[1]
    return Naive(
        posts=done,
        workers=len(children),
        posts_per_s=round(done / (now - first[0]), 1),
        cpu_s_per_1000=round((_cpu_s(children) - first[2]) / done * 1000, 4),
    )


def _cpu_s(children: list[ChildProcess]) -> float:
    return sum(sum(psutil.Process(child.pid).cpu_times()[:2]) for child in children)


async def _publish(settings: Settings, mix: Mix, posts: int) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics([TopicSpec(TOPIC, settings.partitions, {})])
    producer: Any = AIOKafkaProducer(**client_options(settings), linger_ms=5)
    await producer.start()
    try:
        now = datetime.now(UTC)
        for number in range(posts):
            message = encode(mix.post(number, "bench:naive", now, now))
            await producer.send(TOPIC, message.value, message.key)
        await producer.flush()
    finally:
        await producer.stop()


def _environment(settings: Settings) -> dict[str, str]:
    password = quote(settings.clickhouse_password.get_secret_value(), safe="")
    where = f"{settings.clickhouse_host}:{settings.clickhouse_port}/{settings.clickhouse_database}"
    return {
        **os.environ,
        "NAIVE_KAFKA": settings.kafka_bootstrap,
        "NAIVE_TOPIC": TOPIC,
        "NAIVE_CLICKHOUSE": f"clickhouse://{settings.clickhouse_user}:{password}@{where}",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
