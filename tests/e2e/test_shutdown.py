"""SIGTERM under load, also where a server hangs: every process ends in time, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from pipeline.embedded.process import LOOPBACK, free_ports
from pipeline.embedded.stack import StackInfo, find_stack
from pipeline.health import read_workers
from pipeline.supervisor import STOP_S
from tests.e2e.conftest import Up, await_value, running, story_rows, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TOKEN = "token-of-this-test"
WORKERS = ("agent-http", "enrichment-1", "detection-1", "storage-1", "notification-1")
POSTS = "SELECT count(), uniqExact(id) FROM posts WHERE timeline = %(timeline)s"


class Poster(threading.Thread):
    """Posts one post after the other; ``accepted`` are those that were answered with 202."""

    def __init__(self, port: str) -> None:
        super().__init__()
        self.accepted: list[str] = []
        self._url = f"http://{LOOPBACK}:{port}/v1/posts"
        self._over = threading.Event()

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(trust_env=False, headers=headers, timeout=30.0) as client:
            for number in count():
                if self._over.wait(0.01):
                    return
                row = {
                    "id": f"p{number}",
                    "created_at": datetime.now(UTC).isoformat(),
                    "text": "Рассвет Банк",
                }
                try:
                    answer = client.post(self._url, json=row)
                except httpx.HTTPError:
                    continue  # the agent is away: nothing was promised
                if answer.status_code == 202:
                    self.accepted.append(f"http:p{number}")

    def end(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    port = str(free_ports(1)[0])
    yield from running(
        Up(
            tmp_path_factory.mktemp("stopped"),
            MOLVA_HTTP_TOKEN=TOKEN,
            MOLVA_HTTP_PORT=port,
            MOLVA_LOG_FORMAT="json",
        )
    )


def test_every_worker_ends_in_order_within_the_supervisor_s_patience(up: Up, tmp_path: Path) -> None:
    rows = story_rows()
    file = write_rows(tmp_path / "story.jsonl", rows, "stopped")
    poster = Poster(up.environment["MOLVA_HTTP_PORT"])
    poster.start()
    try:
        published = up.run("replay", file, "--json")
        assert published.returncode == 0, published.stderr
        timeline = {"timeline": f"replay:{file.name}"}
        await_value(lambda: up.rows(POSTS, timeline)[0][0] > 200)
        for name in WORKERS:
            terminate(up, name)
        assert up.rows(POSTS, timeline)[0][0] < len(rows), "they were stopped when all was over: no test"
        enough = len(poster.accepted) + 50
        await_value(lambda: len(poster.accepted) > enough)
    finally:
        poster.end()
    up.replay(write_rows(tmp_path / "after.jsonl", rows[:1], "after"))  # waits for all of it
    assert exits(up) == {name: ["0"] for name in WORKERS}
    assert up.rows(POSTS, timeline) == [(len(rows), len(rows))]
    stored = "SELECT count(), uniqExact(id) FROM posts WHERE source = 'http' AND id IN %(ids)s"
    ids = {"ids": poster.accepted}
    assert up.rows(stored, ids) == [(len(poster.accepted), len(poster.accepted))]
    recounted = up.rows("SELECT object_id, count() FROM mentions WHERE NOT own GROUP BY 1 ORDER BY 1")
    rolled = up.rows("SELECT object_id, toUInt64(sum(mentions)) FROM net_sentiment GROUP BY 1 ORDER BY 1")
    assert rolled == recounted


@pytest.mark.parametrize("server", ["clickhouse", "broker"])
def test_every_worker_ends_in_time_though_a_server_hangs(up: Up, tmp_path: Path, server: str) -> None:
    rows = story_rows()[:2000]
    file = write_rows(tmp_path / f"{server}.jsonl", rows, server)
    before = exits(up)
    hung = stack_of(up).clickhouse_pid if server == "clickhouse" else stack_of(up).broker_pid
    assert up.run("replay", file, "--json").returncode == 0
    pids = {name: up.pid(name) for name in WORKERS}
    os.kill(hung, signal.SIGSTOP)
    try:
        until = time.monotonic() + 3 * STOP_S  # they leave after 9 s; more is what a busy machine takes
        for pid in pids.values():
            os.kill(pid, signal.SIGTERM)
        for name, pid in pids.items():
            await_value(partial(ended, up, name, pid), until - time.monotonic())
    finally:
        os.kill(hung, signal.SIGCONT)
    up.replay(write_rows(tmp_path / "after.jsonl", rows[:1], f"after-{server}"))  # waits for all of it
    first = {name: codes[len(before.get(name, ())) :][:1] for name, codes in exits(up).items()}
    assert first == {name: ["0"] for name in WORKERS}
    assert up.rows(POSTS, {"timeline": f"replay:{file.name}"}) == [(len(rows), len(rows))]


def terminate(up: Up, name: str) -> None:
    """SIGTERM to a worker; return when it runs again. Longer than the supervisor waits is too long."""
    pid = up.pid(name)
    os.kill(pid, signal.SIGTERM)
    await_value(lambda: ended(up, name, pid), STOP_S)
    await_value(lambda: any(each["name"] == name and each["pid"] not in (None, pid) for each in workers(up)))


def ended(up: Up, name: str, pid: int) -> bool:
    return not Path(f"/proc/{pid}/stat").exists() or up.pid(name) != pid


def stack_of(up: Up) -> StackInfo:
    found = find_stack(up.data_dir)
    assert found is not None
    return found


def workers(up: Up) -> list[dict[str, object]]:
    return read_workers(up.data_dir)


def exits(up: Up) -> dict[str, list[str]]:
    """Exit codes of the workers that ended, by name, as ``molva up`` told them."""
    told = (up.data_dir.parent / f"{up.data_dir.name}.log").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for name, code in re.findall(r"^(\S+) ended with exit code (\d+)", told, re.MULTILINE):
        found.setdefault(name, []).append(code)
    return found


def test_the_log_of_a_worker_is_json_names_the_records_and_keeps_the_secrets(up: Up) -> None:
    asyncio.run(publish(stack_of(up).bootstrap, "odd:1", b"no JSON"))
    query = "SELECT origin FROM dead_letters WHERE payload = 'no JSON'"
    [[origin]] = await_value(lambda: up.rows(query))
    lines = [
        json.loads(line)
        for log in (up.data_dir / "logs").glob("*.log*")
        for line in log.read_text(encoding="utf-8").splitlines()
    ]
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    [told] = [line for line in lines if line["message"].startswith("dead letter")]
    assert f"{told['topic']}:{told['partition']}:{told['offset']}" == origin
    assert told["post_id"] == "odd:1"
    assert TOKEN not in json.dumps(lines)


async def publish(bootstrap: str, post_id: str, value: bytes) -> None:
    """Any bytes as a post, straight into the raw topic."""
    headers = [("ce_type", b"molva.post.v1"), ("ce_id", post_id.encode())]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait("molva.posts.raw", value, key=post_id.encode(), headers=headers)
    finally:
        await producer.stop()
