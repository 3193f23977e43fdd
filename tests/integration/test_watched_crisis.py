"""The story's outage through detection, the notification worker, and Debian's Prometheus and Alertmanager."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pipeline.demo.story import Writer
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.process import free_ports
from pipeline.emission import outgoing
from pipeline.kafka import KafkaAdmin
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.topics import SPIKES
from schemas import Spike
from tests.alerts.listening import RealAlertmanager, Request, serving
from tests.demo.told import spikes
from tests.integration.workers import Worker, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEPLOYED = Path(__file__).parents[2] / "deploy" / "prometheus"


def programs() -> tuple[str, str]:
    """Prometheus and Alertmanager, or a loud skip."""
    manager = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    server = shutil.which("prometheus")
    if manager is None or server is None:
        pytest.skip("not installed (Debian: apt-get install prometheus prometheus-alertmanager)")
    return server, manager


class RealPrometheus:
    """Prometheus with the deployed rules, which fire without waiting; it scrapes one worker every second."""

    def __init__(self, program: str, folder: Path, worker_port: int, manager: str) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        configuration = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text(encoding="utf-8"))
        configuration["global"] = {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
        }
        configuration["rule_files"] = [str(folder / "rules.yml")]
        managers = {"targets": [manager.removeprefix("http://")]}
        configuration["alerting"]["alertmanagers"] = [{"static_configs": [managers]}]
        target = {"targets": [f"127.0.0.1:{worker_port}"], "labels": {"service": "notification"}}
        configuration["scrape_configs"] = [{"job_name": "molva", "static_configs": [target]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
        rules = (DEPLOYED / "rules" / "molva.yml").read_text(encoding="utf-8")
        (folder / "rules.yml").write_text(re.sub(r"\bfor: \S+", "for: 0s", rules), encoding="utf-8")
        self._log = (folder / "prometheus.log").open("ab")
        self._process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=self._log,
            stderr=self._log,
        )

    async def value(self, query: str) -> float | None:
        """What an instant query gives now; None: nothing, or it does not answer yet."""
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                answer = await http.get(f"{self.url}/api/v1/query", params={"query": query})
            except httpx.TransportError:
                return None
        if answer.status_code != 200:
            return None
        found = answer.json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    async def reaches(self, query: str, value: float) -> None:
        """Wait until a query gives a value."""

        async def there() -> bool:
            return await self.value(query) == value

        await eventually(there, 100)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    (port,) = free_ports(1)
    with EmbeddedBroker(tmp_path / "broker") as broker:
        yield Settings(
            kafka_bootstrap=broker.bootstrap,
            kafka_kind="embedded",
            partitions=1,
            alerts=tmp_path / "alerts.yaml",
            data_dir=tmp_path / "data",
            metrics_port=port,
        )


def outage() -> list[Spike]:
    """What detection tells of the story's outage, as if it had just ended."""
    events = [each for each in spikes(list(Writer().posts())) if each.object_id == "rassvet-online"]
    events = [each for each in events if each.signal == "negativity" and each.opened_at.day == 6]
    later = datetime.now(UTC).replace(microsecond=0) - max(each.updated_at for each in events)
    moments = ("opened_at", "started_at", "updated_at", "resolved_at")
    return [
        each.model_copy(
            update={name: at + later for name in moments if (at := getattr(each, name)) is not None}
        )
        for each in events
    ]


def of_incidents(requests: list[Request], status: str) -> list[dict[str, Any]]:
    """The notifications about our incidents (not about the pipeline) that the pager got."""
    told = [json.loads(each.body) for each in requests]
    return [each for each in told if each["status"] == status and "incident" in each["commonLabels"]]


async def test_a_replayed_crisis_is_seen_fires_and_is_resolved(settings: Settings, tmp_path: Path) -> None:
    server, program = programs()
    story = outage()
    ended = next(at for at, each in enumerate(story) if each.status == "resolved")
    worker = Worker("notification", settings, tmp_path / "worker.log")
    for name in ("manager", "prometheus"):
        (tmp_path / name).mkdir()
    async with KafkaAdmin(settings) as admin, Producer(settings) as producer, serving() as pager:
        await admin.ensure_topics()
        manager = RealAlertmanager(program, tmp_path / "manager", pager.url)
        receiver = {"name": "manager", "type": "alertmanager", "url": manager.url, "resend": "1s"}
        (tmp_path / "alerts.yaml").write_text(yaml.safe_dump({"receivers": [receiver]}), encoding="utf-8")
        await manager.start()
        prometheus = RealPrometheus(server, tmp_path / "prometheus", settings.metrics_port, manager.url)
        try:
            worker.start()
            await producer.emit([outgoing(SPIKES, each) for each in story[:ended]])
            await prometheus.reaches("sum(molva_incidents_open)", 1)

            async def paged() -> bool:
                return bool(of_incidents(pager.requests, "firing"))

            await eventually(paged)
            worker.kill()
            await prometheus.reaches('ALERTS{alertname="MolvaServiceDown", alertstate="firing"}', 1)

            async def down() -> bool:
                held = await manager.alerts()
                return any(each["labels"]["alertname"] == "MolvaServiceDown" for each in held)

            await eventually(down)
            worker.start()
            await producer.emit([outgoing(SPIKES, each) for each in story[ended:]])
            await prometheus.reaches("sum(molva_incidents_open)", 0)

            async def over() -> bool:
                return bool(of_incidents(pager.requests, "resolved")) and not await down()

            await eventually(over)
            assert await asyncio.to_thread(worker.stop) == 0
        finally:
            worker.end()
            prometheus.stop()
            manager.stop()
        assert len({each["commonLabels"]["incident"] for each in of_incidents(pager.requests, "firing")}) == 1
        assert len(of_incidents(pager.requests, "resolved")) == 1
