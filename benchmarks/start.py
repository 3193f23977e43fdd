"""How long `molva up` takes from nothing to the first enriched post, and where the time goes.

Starts it with the HTTP agent, cold (an empty data dir) and warm (the same data dir again), posts one post as
soon as the agent listens, and waits until that post is in ``molva.posts.enriched`` and in ClickHouse. Prints
JSON: the median of every milestone in seconds since the command was started, and the CPU seconds of all its
processes until the post was stored, which other work on the machine disturbs less. ``--beside DIR`` measures
another checkout in turns, with the same interpreter.

    .venv/bin/python -m benchmarks.start [--runs 5] [--broker tansu|kafka] [--beside DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import psutil
from aiohttp import ClientError, ClientSession
from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.embedded.process import LOOPBACK, free_ports
from pipeline.embedded.stack_info import StackInfo, find_stack
from pipeline.health import read_workers
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.topics import ENRICHED

ROOT = Path(__file__).resolve().parents[1]
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
TOKEN = "token-of-this-benchmark"
TEXT = "Сбербанк опять лежит, третий час не могу оплатить"
POLL_S = 0.03
START_S, STOP_S = 180.0, 60.0
SAID = {"broker (in memory) on": "broker", "Apache Kafka on": "broker", "ClickHouse on": "clickhouse"}
SAID |= {"applied migrations": "migrated", "ready:": "all_ready"}
LOGGED = {
    "the language models are loaded": "models",
    "(Re-)joining group": "joining",
    "Setting newly assigned partitions": "assigned",
}
"""What stands in a worker's log, and the milestone that it tells."""


Found = TypeVar("Found")


@dataclass
class Start:
    """One start: what was reached when, in seconds since the command was started."""

    began: float = field(default_factory=time.time)
    reached: dict[str, float] = field(default_factory=dict)
    cpu_s: float = 0.0
    stop_s: float = 0.0
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    """Of the machine before it, by the minute."""

    def note(self, name: str, at: float | None = None) -> None:
        """The first time counts."""
        self.reached.setdefault(name, round((time.time() if at is None else at) - self.began, 3))


async def measure(root: Path, data_dir: Path, broker: str) -> Start:
    """Start, feed and stop the pipeline of a checkout once."""
    (port,) = free_ports(1)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOLVA_")}
    environment = {**kept, "MOLVA_HTTP_TOKEN": TOKEN, "MOLVA_HTTP_PORT": str(port), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pipeline.cli", "up", "--data-dir", str(data_dir)]
    command += ["--watchlist", str(WATCHLIST), "--broker", broker]
    start = Start()
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=root, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(START_S):
            lines = asyncio.ensure_future(read_lines(process, start))
            post_id = f"start-{time.time_ns()}"
            stack = await until(lambda: find_stack(data_dir))
            await asyncio.gather(
                answering(data_dir, start),
                publish(port, post_id, start),
                enriched(stack, start),
                stored(stack, post_id, start),
            )
            start.cpu_s = cpu_seconds(process.pid)
            await until(lambda: "all_ready" in start.reached)
    finally:
        stopping = time.time()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), STOP_S)
    start.stop_s = time.time() - stopping
    await lines
    read_logs(data_dir / "logs", start)
    return start


async def read_lines(process: asyncio.subprocess.Process, start: Start) -> None:
    """Note what the command says."""
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode()
        for said_text, name in SAID.items():
            if said_text in text:
                start.note(name)
        if text.endswith(" is ready\n"):
            start.note(f"{text.split()[0]}.ready")


async def until(look: Callable[[], Found | None]) -> Found:
    """Look until there is something."""
    while not (found := look()):  # noqa: ASYNC110 - other processes tell no event
        await asyncio.sleep(POLL_S)
    return found


async def answering(data_dir: Path, start: Start) -> None:
    """Note when each worker's process began and when its endpoint answers: its first modules are loaded."""
    workers = await until(lambda: read_workers(data_dir))
    waiting = {worker["name"]: worker["metrics_port"] for worker in workers}
    for worker in workers:
        start.note(f"{worker['name']}.begun", psutil.Process(worker["pid"]).create_time())
    while waiting:
        for name, port in list(waiting.items()):
            with suppress(OSError):
                _, writer = await asyncio.open_connection(LOOPBACK, port)
                writer.close()
                start.note(f"{name}.answers")
                del waiting[name]
        await asyncio.sleep(POLL_S)


async def publish(port: int, post_id: str, start: Start) -> None:
    """Post until the agent has taken it."""
    document = {"id": post_id, "created_at": datetime.now(UTC).isoformat(), "text": TEXT}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    async with ClientSession(headers=headers) as session:
        while True:
            with suppress(ClientError):
                async with session.post(
                    f"http://{LOOPBACK}:{port}/v1/posts", data=json.dumps(document)
                ) as answer:
                    if answer.status == 202:
                        start.note("published")
                        return
            await asyncio.sleep(POLL_S)


async def enriched(stack: StackInfo, start: Start) -> None:
    """Wait for a record in the topic of enriched posts; nothing was in it when the start began."""
    settings = stack.settings(Settings())
    async with KafkaAdmin(settings) as admin:
        while ENRICHED not in (topics := await admin.topics()):  # noqa: ASYNC110 - as in `until`
            await asyncio.sleep(POLL_S)
        ends = await admin.end_offsets([ENRICHED])
    places = [TopicPartition(ENRICHED, number) for number in range(topics[ENRICHED])]
    consumer = AIOKafkaConsumer(**client_options(settings), fetch_max_wait_ms=100)
    await consumer.start()
    try:
        consumer.assign(places)
        for place in places:
            consumer.seek(place, ends[place])
        while not await consumer.getmany(timeout_ms=100):
            pass
        start.note("enriched")
    finally:
        await consumer.stop()


async def stored(stack: StackInfo, post_id: str, start: Start) -> None:
    """Wait until ClickHouse shows the post."""
    await until(lambda: "published" in start.reached)
    where = {"id": f"%{post_id}%"}
    with connect(stack.settings(Settings())) as client:
        await until(lambda: client.execute("SELECT 1 FROM posts WHERE id LIKE %(id)s", where))
    start.note("stored")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of all that it has started."""
    parent = psutil.Process(pid)
    total = sum(parent.cpu_times()[2:4])  # of children that have ended
    for process in [parent, *parent.children(recursive=True)]:
        total += sum(process.cpu_times()[:2])
    return total


def read_logs(logs: Path, start: Start) -> None:
    """Note what the workers' logs tell."""
    for log in logs.glob("*.log"):
        for line in log.read_text(encoding="utf-8").splitlines():
            moment = line.partition(" ")[0]
            for text, name in LOGGED.items():
                if text in line:
                    start.note(f"{log.stem}.{name}", datetime.fromisoformat(moment).timestamp())


def report(starts: Sequence[Start]) -> dict[str, Any]:
    """Medians; milestones in the order in which they are reached."""
    names = {name for each in starts for name in each.reached}
    middle = {name: median(each.reached[name] for each in starts if name in each.reached) for name in names}
    return {
        "stored_s": [round(each.reached["stored"], 1) for each in starts],
        "load": [round(each.load, 1) for each in starts],
        "cpu_s": round(median(each.cpu_s for each in starts), 1),
        "stop_s": round(median(each.stop_s for each in starts), 1),
        "reached_s": {name: round(at, 2) for name, at in sorted(middle.items(), key=lambda item: item[1])},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="starts of each kind; 5")
    parser.add_argument("--broker", choices=("tansu", "kafka"), default="tansu", help="of `molva up`")
    parser.add_argument("--beside", type=Path, help="another checkout, measured in turns")
    chosen = parser.parse_args()
    roots = {"here": ROOT} | ({"beside": chosen.beside.resolve()} if chosen.beside else {})
    starts: dict[str, list[Start]] = {}
    for _ in range(chosen.runs):
        for name, root in roots.items():
            with tempfile.TemporaryDirectory(prefix="molva-start-") as folder:
                for state in ("cold", "warm"):
                    start = asyncio.run(measure(root, Path(folder) / "data", chosen.broker))
                    starts.setdefault(f"{name} {state}", []).append(start)
    medians = {name: report(measured) for name, measured in starts.items()}
    print(json.dumps({"runs": chosen.runs, "broker": chosen.broker, "median": medians}, indent=1))


if __name__ == "__main__":
    main()
