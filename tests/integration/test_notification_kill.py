"""A crisis, the real notification worker and Alertmanager: both are killed, nobody is paged twice."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.emission import outgoing
from pipeline.kafka import KafkaAdmin
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages.notification_poll import GROUP
from pipeline.topics import ALERTS, SPIKES
from schemas import Alert, Spike
from schemas.codec import decode
from tests.alerts.listening import RealAlertmanager, Request, serving
from tests.alerts.spikes import spike
from tests.integration.workers import Worker, eventually, published
from tests.sink.worlds import Broker

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

CONFIGURATION = """
receivers:
  - {{name: manager, type: alertmanager, url: "{manager}", resend: 1s}}
  - {{name: hook, type: webhook, url: "{hook}"}}
"""


@pytest.fixture
def settings(new_broker: Callable[[Path], Broker], tmp_path: Path) -> Settings:
    broker = new_broker(tmp_path / "broker")
    base = Settings(partitions=1, alerts=tmp_path / "alerts.yaml", data_dir=tmp_path / "data")
    return broker.settings(base)


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    process = Worker("notification", settings, tmp_path / "worker.log")
    yield process
    process.end()


def event(revision: int, status: str, object_id: str = "bank", **more: Any) -> Spike:
    """An event of an object's one spike that began a minute before this test."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    moments = {"opened_at": start, "started_at": start, "updated_at": start}
    ended = {"resolved_at": start} if status == "resolved" else {}
    return spike(object_id, revision, status, **moments, **ended, **more)


async def publish(settings: Settings, *events: Spike) -> None:
    async with Producer(settings) as producer:
        await producer.emit([outgoing(SPIKES, each) for each in events])


async def processed(settings: Settings, count: int) -> None:
    """Wait until the worker has acknowledged so many records of the topic."""
    async with KafkaAdmin(settings) as admin:

        async def done() -> bool:
            ends = await admin.end_offsets([SPIKES])
            committed = await admin.committed_offsets(GROUP, list(ends))
            return sum(each or 0 for each in committed.values()) >= count

        await eventually(done)


def pages(requests: list[Request]) -> list[tuple[str, list[str]]]:
    """What Alertmanager told its own receiver: the status of each notification and its alerts' severities."""
    told = [json.loads(each.body) for each in requests]
    return [(each["status"], sorted({a["labels"]["severity"] for a in each["alerts"]})) for each in told]


def notifications(requests: list[Request]) -> list[str]:
    """Revision and receiver of each; one whose end a kill kept from being noted comes again, as the same."""
    keys = [each.headers["Idempotency-Key"].split("#", 1)[1] for each in requests]
    return list(dict.fromkeys(keys))


async def test_a_crisis_fires_is_resolved_and_survives_every_restart(
    settings: Settings, worker: Worker, tmp_path: Path
) -> None:
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("Alertmanager is not installed (Debian: apt-get install prometheus-alertmanager)")
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()
    (tmp_path / "manager").mkdir()
    async with serving() as pager, serving() as hook:
        manager = RealAlertmanager(program, tmp_path / "manager", pager.url)
        file = tmp_path / "alerts.yaml"
        file.write_text(CONFIGURATION.format(manager=manager.url, hook=hook.url), encoding="utf-8")
        try:
            await manager.start()
            worker.start()
            await publish(settings, event(1, "opened"), event(2, "updated"))
            await pager.received(1)
            await processed(settings, 2)

            worker.kill()
            worker.start()
            await publish(settings, event(3, "updated"))
            await processed(settings, 3)
            assert pages(pager.requests) == [("firing", ["warning"])]

            manager.stop()
            await publish(settings, event(4, "updated"))
            await processed(settings, 4)
            await manager.start()
            active = await eventually(manager.alerts)  # a reminder tells what a restart forgot
            assert [each["labels"]["object"] for each in active] == ["bank"]

            await publish(settings, event(5, "resolved"))
            await pager.received(2)
            await processed(settings, 5)
            assert worker.stop() == 0
            assert pages(pager.requests) == [("firing", ["warning"]), ("resolved", ["warning"])]
            assert await manager.alerts() == []
        finally:
            manager.stop()
        assert notifications(hook.requests) == ["1#hook", "5#hook"]


async def test_a_worker_that_stands_by_takes_over(settings: Settings, worker: Worker, tmp_path: Path) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()
    second = Worker("notification", settings, tmp_path / "second.log")
    async with serving() as hook:
        text = f"receivers: [{{name: hook, type: webhook, url: '{hook.url}'}}]\n"
        (tmp_path / "alerts.yaml").write_text(text, encoding="utf-8")
        worker.start()
        await publish(settings, event(1, "opened"))
        await hook.received(1)
        second.start()
        try:
            await publish(settings, event(2, "updated"))
            await processed(settings, 2)
            worker.kill()
            await publish(settings, event(3, "resolved"))
            await processed(settings, 3)

            async def resolved() -> bool:
                return "3#hook" in notifications(hook.requests)

            await eventually(resolved)
        finally:
            assert second.stop() == 0
    assert notifications(hook.requests) == ["1#hook", "3#hook"]


async def test_kills_in_mid_stream_give_no_revision_a_second_content(
    settings: Settings, worker: Worker, tmp_path: Path
) -> None:
    objects, last = [f"o{number}" for number in range(40)], 6
    async with KafkaAdmin(settings) as admin, Producer(settings) as producer, serving() as hook:
        await admin.ensure_topics()
        text = f"receivers: [{{name: hook, type: webhook, url: '{hook.url}'}}]\n"
        (tmp_path / "alerts.yaml").write_text(text, encoding="utf-8")

        async def trickle(*revisions: int) -> None:
            for revision in revisions:
                status = {1: "opened", last: "resolved"}.get(revision, "updated")
                for object_id in objects:  # one by one, so that there are many checkpoints
                    await producer.emit([outgoing(SPIKES, event(revision, status, object_id))])

        for revision in range(1, last, 2):
            worker.start()
            before = sum((await admin.end_offsets([ALERTS])).values())
            flowing = asyncio.create_task(trickle(revision, revision + 1))

            async def telling(before: int = before) -> bool:
                return sum((await admin.end_offsets([ALERTS])).values()) > before

            await eventually(telling)
            worker.kill()
            await flowing
        worker.start()
        await processed(settings, last * len(objects))
        await hook.received(2 * len(objects))
        assert worker.stop() == 0
    found: dict[str, set[bytes]] = {}
    for record in await published(settings, ALERTS):
        found.setdefault(decode(Alert, record.value).event_id, set()).add(record.value)
    assert [key for key, values in found.items() if len(values) > 1] == []
    ids = [spike(object_id).id for object_id in objects]
    assert found.keys() == {f"{each}#{revision}" for each in ids for revision in range(1, last + 1)}
