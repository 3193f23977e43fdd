"""Memory of every process while posts come at full speed and ClickHouse stands still; what became of them.

Starts ``molva up`` with the HTTP ingest on a fresh data dir, posts batches from several connections as fast
as they are answered, stops ClickHouse (SIGSTOP) for the whole overload, lets it go on, and looks for every
post that was answered with 202. Prints JSON. The slope is that of a straight line through the sizes of the
second half of the time in which the ingest refuses. Exit code 1: a post is missing or doubled, the ingest
never refused, or, in an overload of five minutes or more, the memory of a process is not flat.

    .venv/bin/python benchmarks/overload.py [--minutes 10] [--max-backlog 20000] [--broker tansu|kafka]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import linear_regression
from typing import Any

from aiohttp import ClientError, ClientSession

from pipeline.embedded.process import LOOPBACK, free_ports, resident_bytes
from pipeline.embedded.stack import StackInfo, find_stack
from pipeline.health import read_workers
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect

ROOT = Path(__file__).resolve().parents[1]
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
TOKEN = "token-of-this-benchmark"
SENDERS = 4
BATCH = 200
IMPATIENCE_S = 0.2
"""A sender that is refused comes again so soon: ruder than Retry-After asks."""
SAMPLE_S = 1.0
MIB = 2**20
FLAT_MIB_PER_MINUTE = 1.0
"""A larger slope is a failure."""
LONG_ENOUGH = 5.0
"""Minutes from which on the slope is judged: caches have filled and allocators have settled by then."""
START_S, DRAIN_S = 180.0, 1800.0
TEXTS = (
    "Сбербанк опять лежит, третий час не могу оплатить",
    "Сегодня хорошая погода, гуляли в парке с детьми",
    "МТС списал деньги за услугу, которую я не подключал",
    "Посмотрел вчера матч, второй тайм был намного лучше первого",
)


@dataclass
class Seen:
    """What the senders and the sampler have seen."""

    began: float = field(default_factory=time.monotonic)
    answers: Counter[str] = field(default_factory=Counter)
    accepted: set[int] = field(default_factory=set)
    """Numbers of the batches that were answered with 202."""
    refused_at: float | None = None
    sizes: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """Process -> (seconds, MiB)."""


@contextmanager
def running(data_dir: Path, port: int, max_backlog: int, broker: str) -> Iterator[StackInfo]:
    """``molva up``; ready."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOLVA_")}
    environment = {
        **kept,
        "MOLVA_HTTP_TOKEN": TOKEN,
        "MOLVA_HTTP_PORT": str(port),
        "MOLVA_MAX_BACKLOG": str(max_backlog),
    }
    command = [sys.executable, "-m", "pipeline.cli", "up", "--json", "--data-dir", str(data_dir)]
    command += ["--watchlist", str(WATCHLIST)] + (["--broker", broker] if broker != "tansu" else [])
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            if not process.stdout.readline():
                raise SystemExit("molva up did not start; its message is above")
            stack = find_stack(data_dir)
            assert stack is not None
            yield stack
        finally:
            process.send_signal(signal.SIGINT)


def body(batch: int) -> bytes:
    """A batch of posts as NDJSON; ids tell the batch."""
    now = datetime.now(UTC).isoformat()
    rows = (
        {"id": f"b{batch}-{n}", "created_at": now, "text": f"{TEXTS[n % len(TEXTS)]}, {batch} {n}"}
        for n in range(BATCH)
    )
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


async def send(url: str, numbers: Iterator[int], seen: Seen, until: float) -> None:
    """Post batches until a moment; one that is not accepted is given up for the next."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
    async with ClientSession(headers=headers) as session:
        while time.monotonic() < until:
            number = next(numbers)
            try:
                async with session.post(url, data=body(number)) as answer:
                    status, error = answer.status, (await answer.json()).get("error", "")
            except ClientError as problem:
                status, error = 0, type(problem).__name__
            seen.answers[f"{status} {error}".strip()] += 1
            if status == 202:
                seen.accepted.add(number)
                continue
            seen.refused_at = seen.refused_at or time.monotonic()
            await asyncio.sleep(IMPATIENCE_S)


async def sample(pids: dict[str, int], seen: Seen) -> None:
    """Note the size of every process, once a second, until cancelled."""
    while True:
        now = time.monotonic()
        for name, pid in pids.items():
            seen.sizes.setdefault(name, []).append((now, resident_bytes(pid) / MIB))
        await asyncio.sleep(SAMPLE_S)


async def overload(url: str, pids: dict[str, int], seconds: float) -> Seen:
    """Post at full speed for some seconds."""
    seen, numbers = Seen(), count()
    sampling = asyncio.ensure_future(sample(pids, seen))
    until = time.monotonic() + seconds
    await asyncio.gather(*(send(url, numbers, seen, until) for _ in range(SENDERS)))
    sampling.cancel()
    return seen


def memory(seen: Seen) -> dict[str, Any]:
    """Of every process: first, highest and last size in MiB, and the slope in MiB a minute at the end.

    The first half of the time in which the ingest refuses is left out: what was accepted is still flowing.
    """
    found = {}
    for name, sizes in seen.sizes.items():
        begun = None if seen.refused_at is None else (seen.refused_at + sizes[-1][0]) / 2
        steady = [(at, size) for at, size in sizes if begun is not None and at >= begun]
        slope = linear_regression(*zip(*steady, strict=True)).slope * 60 if len(steady) > 2 else None
        values = [size for _, size in sizes]
        found[name] = {
            "first_mib": round(values[0], 1),
            "peak_mib": round(max(values), 1),
            "last_mib": round(values[-1], 1),
            "slope_mib_per_minute": None if slope is None else round(slope, 2),
        }
    return found


def grown(sizes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The processes whose memory is not flat; one without a slope has not been seen refusing."""
    slopes = {name: size["slope_mib_per_minute"] for name, size in sizes.items()}
    return [name for name, slope in slopes.items() if slope is None or slope > FLAT_MIB_PER_MINUTE]


def stored(stack: StackInfo, accepted: set[int]) -> dict[str, int]:
    """Wait until every accepted post is there; how many are missing and doubled."""
    query = """SELECT toUInt32(extract(id, 'b([0-9]+)-')) AS batch, count(), uniqExact(id)
        FROM posts WHERE source = 'http' GROUP BY batch"""
    deadline = time.monotonic() + DRAIN_S
    with connect(stack.settings(Settings())) as client:
        while True:
            rows = {batch: (posts, unique) for batch, posts, unique in client.execute(query)}
            missing = sum(BATCH - rows.get(batch, (0, 0))[1] for batch in accepted)
            if missing == 0 or time.monotonic() > deadline:
                doubled = sum(posts - unique for posts, unique in rows.values())
                return {"accepted": BATCH * len(accepted), "missing": missing, "doubled": doubled}
            time.sleep(SAMPLE_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of overload; 10")
    parser.add_argument("--max-backlog", type=int, default=20_000, help="MOLVA_MAX_BACKLOG; 20000")
    parser.add_argument("--broker", choices=("tansu", "kafka"), default="tansu", help="of `molva up`")
    chosen = parser.parse_args()
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="molva-overload-") as folder:
        data_dir = Path(folder) / "data"
        with running(data_dir, port, chosen.max_backlog, chosen.broker) as stack:
            pids = {worker["name"]: worker["pid"] for worker in read_workers(data_dir)}
            pids |= {"broker": stack.broker_pid, "clickhouse": stack.clickhouse_pid}
            os.kill(stack.clickhouse_pid, signal.SIGSTOP)
            try:
                url = f"http://{LOOPBACK}:{port}/v1/posts"
                seen = asyncio.run(overload(url, pids, chosen.minutes * 60))
            finally:
                os.kill(stack.clickhouse_pid, signal.SIGCONT)
            recovering = time.monotonic()
            posts = stored(stack, seen.accepted)
    sizes = memory(seen)
    growing = grown(sizes) if chosen.minutes >= LONG_ENOUGH else []
    refused_after = None if seen.refused_at is None else round(seen.refused_at - seen.began, 1)
    report = {
        "minutes": chosen.minutes,
        "max_backlog": chosen.max_backlog,
        "broker": chosen.broker,
        "answers_in_batches": dict(seen.answers.most_common()),
        "refused_after_s": refused_after,
        "posts": posts,
        "recovered_after_s": round(time.monotonic() - recovering, 1),
        "memory": sizes,
        "not_flat": growing,
    }
    print(json.dumps(report, indent=1))
    if posts["missing"] or posts["doubled"] or refused_after is None or growing:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
