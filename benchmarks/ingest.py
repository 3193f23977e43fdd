"""How many posts a second the HTTP ingest takes with confirmed delivery, beside aiokafka's own produce rate.

Starts a broker and ``molva agent http`` as its own process, posts batches from several connections, and
counts what was answered with 202; before and after that an aiokafka producer sends the very same keys,
values and headers, encoded beforehand, in a process of its own. Prints JSON; exit code 1 where anything was
not accepted or Kafka does not hold it.

    .venv/bin/python -m benchmarks.ingest [--posts 100000] [--batch 500] [--senders 4] [--broker tansu|kafka]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.kafka_session import connect
from benchmarks.ingest_inputs import bodies, messages, rows
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings
from pipeline.topics import RAW
from schemas import RawPost
from schemas.codec import Message, event_type, header

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "token-of-this-benchmark"
CHUNK = 2000
"""How many records the bare producer has in flight at a time."""


@dataclass
class Seen:
    """What the senders have seen."""

    answers: Counter[int] = field(default_factory=Counter)
    accepted: int = 0
    seconds: list[float] = field(default_factory=list)
    """Of each request."""


async def send(url: str, waiting: Iterator[bytes], seen: Seen) -> None:
    """Post bodies, one after the other, until there are none."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    headers["Prefer"] = "return=minimal"
    async with ClientSession(headers=headers) as session:
        for body in waiting:
            began = time.perf_counter()
            async with session.post(url, data=body) as answer:
                document = await answer.json()
            seen.seconds.append(time.perf_counter() - began)
            seen.answers[answer.status] += 1
            seen.accepted += document.get("accepted", 0)


async def post_all(url: str, waiting: Sequence[bytes], senders: int) -> Seen:
    """Post all bodies over some connections."""
    seen, shared = Seen(), iter(waiting)
    await asyncio.gather(*(send(url, shared, seen) for _ in range(senders)))
    return seen


async def produce(settings: Settings, sent: Sequence[Message]) -> float:
    """Seconds in which aiokafka's producer has all messages confirmed, by ``send``, as an agent does."""
    idempotent = settings.kafka_kind == "kafka"
    async with connect(client_options(settings), idempotent=idempotent) as publisher:
        producer = publisher._producer
        await producer.partitions_for(RAW)
        began = time.perf_counter()
        for begin in range(0, len(sent), CHUNK):
            flying = [
                await producer.send(RAW, value, key, headers=headers)
                for key, value, headers in sent[begin : begin + CHUNK]
            ]
            await asyncio.gather(*flying)
        return time.perf_counter() - began


def produce_beside(settings: Settings, posts: int) -> tuple[float, float]:
    """`produce` in this process: its seconds and its CPU seconds."""
    sent = messages(rows(posts))
    before = time.process_time()
    seconds = asyncio.run(produce(settings, sent))
    return seconds, time.process_time() - before


@contextmanager
def broker(kind: str, folder: Path) -> Iterator[tuple[Settings, int]]:
    """A running broker with the topics of Molva: how to reach it, and its process."""
    base = Settings(data_dir=folder)
    with EmbeddedKafka(folder) if kind == "kafka" else EmbeddedBroker(folder) as running:
        settings = running.settings(base)

        async def prepare() -> None:
            async with KafkaAdmin(settings) as admin:
                await admin.ensure_topics()

        asyncio.run(prepare())
        yield settings, running.pid


@contextmanager
def agent(settings: Settings) -> Iterator[tuple[int, str]]:
    """``molva agent http``: its process and where it takes posts."""
    own = settings.model_copy(update={"http_port": 0, "max_backlog": 10**9})
    environment = {**os.environ, **own.environment(), "MOLVA_HTTP_TOKEN": TOKEN}
    command = [sys.executable, "-m", "pipeline.cli", "agent", "http"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, cwd=ROOT, text=True) as process:
        assert process.stderr is not None
        try:
            url = next((line.split()[-1] for line in process.stderr if "taking posts on" in line), "")
            if not url:
                raise SystemExit("molva agent http did not start; its message is above")
            yield process.pid, url
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()


def cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def ends(settings: Settings) -> dict[TopicPartition, int]:
    """The offset behind the last record of each partition of the raw posts."""
    async with KafkaAdmin(settings) as admin:
        return await admin.end_offsets([RAW])


async def posts_since(settings: Settings, begun: dict[TopicPartition, int]) -> int:
    """Posts behind the offsets in the topic of raw posts; watermarks, which stand there as well, are none."""
    last, kind, found = await ends(settings), event_type(RawPost), 0
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(last))
        for place in last:
            consumer.seek(place, begun[place])
        while any([await consumer.position(place) < last[place] for place in last]):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                found += sum(header(each.headers, "ce_type") == kind for each in records)
    finally:
        await consumer.stop()
    return found


def ingest(settings: Settings, broker_pid: int, posts: int, batch: int, senders: int) -> dict[str, Any]:
    """Post everything to an agent of its own."""
    waiting = bodies(rows(posts), batch)
    with agent(settings) as (pid, url):
        warm = asyncio.run(post_all(url, waiting[: 4 * senders], senders))
        before, kafka_before, own_before = cpu(pid), cpu(broker_pid), time.process_time()
        began = time.perf_counter()
        seen = asyncio.run(post_all(url, waiting, senders))
        seconds = time.perf_counter() - began
        spent, kafka_spent, own_spent = (
            cpu(pid) - before,
            cpu(broker_pid) - kafka_before,
            time.process_time() - own_before,
        )
        memory = psutil.Process(pid).memory_info().rss
    return {
        "accepted": seen.accepted,
        "accepted_before_to_warm_up": warm.accepted,
        "answers": dict(seen.answers),
        "posts_per_s": round(seen.accepted / seconds),
        "cpu_s_per_1000_posts": {
            "agent": round(spent / posts * 1000, 4),
            "broker": round(kafka_spent / posts * 1000, 4),
            "senders": round(own_spent / posts * 1000, 4),
        },
        "agent_cores": round(spent / seconds, 2),
        "agent_mib": round(memory / 2**20),
        "request_ms": {
            "p50": round(quantile(seen.seconds, 0.5) * 1000, 1),
            "p99": round(quantile(seen.seconds, 0.99) * 1000, 1),
        },
    }


def bare(settings: Settings, broker_pid: int, posts: int) -> dict[str, Any]:
    """The same messages through aiokafka's producer alone."""
    before = cpu(broker_pid)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        seconds, spent = pool.submit(produce_beside, settings, posts).result()
    return {
        "posts_per_s": round(posts / seconds),
        "cpu_s_per_1000_posts": {
            "producer": round(spent / posts * 1000, 4),
            "broker": round((cpu(broker_pid) - before) / posts * 1000, 4),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--broker", choices=("tansu", "kafka"), default="tansu")
    given = parser.parse_args()
    some = rows(1000)
    with tempfile.TemporaryDirectory() as folder, broker(given.broker, Path(folder)) as (settings, pid):
        before = bare(settings, pid, given.posts)
        begun = asyncio.run(ends(settings))
        found = ingest(settings, pid, given.posts, given.batch, given.senders)
        stored = asyncio.run(posts_since(settings, begun))
        after = bare(settings, pid, given.posts)
    rate = (before["posts_per_s"] + after["posts_per_s"]) / 2
    report = {
        "broker": given.broker,
        "posts": given.posts,
        "batch": given.batch,
        "senders": given.senders,
        "bytes_per_post": {
            "sent": sum(map(len, bodies(some, 1))) // len(some),
            "in_kafka": sum(len(each.value) for each in messages(some)) // len(some),
        },
        "cores": os.cpu_count(),
        "load_average": [round(each, 1) for each in os.getloadavg()],
        "ingest": found,
        "aiokafka_before": before,
        "aiokafka_after": after,
        "share_of_aiokafka": round(found["posts_per_s"] / rate, 3),
        "posts_in_kafka": stored,
    }
    print(json.dumps(report, ensure_ascii=False, indent=2))
    taken = found["accepted"] + found["accepted_before_to_warm_up"]
    return 0 if found["accepted"] == given.posts and taken == stored else 1


if __name__ == "__main__":
    sys.exit(main())
