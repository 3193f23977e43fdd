"""The Alertmanager configuration on a real Alertmanager: who is told of what, and what keeps what quiet."""

from __future__ import annotations

import json
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

pytestmark = pytest.mark.integration

TRIES = 2000
EXAMPLES = ("email", "telegram", "webhook")
BLIND = (
    {"alertname": "MolvaSourceSilent", "agent": "rss", "source": "press", "severity": "ticket"},
    {"alertname": "MolvaSourceQuiet", "agent": "rss", "source": "press", "severity": "none"},
    {"alertname": "MolvaServiceDown", "service": "detection", "severity": "page"},
    {"alertname": "MolvaWatermarkStale", "timeline": "live", "severity": "page"},
)
CALM = {"alertname": "MolvaCalm", "severity": "info"}


def spike(incident: str, severity: str, name: str = "bank") -> dict[str, str]:
    """The labels that the notification stage gives."""
    return {
        "alertname": "MolvaSpike",
        "incident": incident,
        "object": name,
        "kind": "brand",
        "resolution": "5m",
        "signal": "negativity",
        "severity": severity,
    }


class Receiver:
    """A web server that takes Alertmanager's notifications."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, str, str]] = queue.Queue()
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in document["alerts"]:
                    told.put((self.path, alert["status"], alert["labels"]["alertname"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, port: int) -> None:
        transport = httpx.HTTPTransport(retries=12)  # until it listens
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=30)
        assert self._http.get("/-/ready").status_code == 200

    def fire(self, *labels: dict[str, str]) -> None:
        self._post(labels, datetime.now(UTC) + timedelta(hours=1))

    def end(self, *labels: dict[str, str]) -> None:
        self._post(labels, datetime.now(UTC))

    def _post(self, alerts: tuple[dict[str, str], ...], ends: datetime) -> None:
        begin = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        body = [{"labels": labels, "startsAt": begin, "endsAt": ends.isoformat()} for labels in alerts]
        self._http.post("/api/v2/alerts", json=body).raise_for_status()

    def held_back(self, labels: dict[str, str]) -> bool:
        """Whether another alert inhibits this one."""
        alerts = self._http.get("/api/v2/alerts").raise_for_status().json()
        (status,) = (alert["status"] for alert in alerts if alert["labels"] == labels)
        return bool(status["inhibitedBy"])

    def comes_to_hold_back(self, labels: dict[str, str]) -> bool:
        """The same, once it has digested what was posted (it does so in the background)."""
        return any(self.held_back(labels) for _ in range(TRIES))

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    serving = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield receiver
    receiver.server.shutdown()
    serving.join()
    receiver.server.server_close()


@pytest.fixture
def alertmanager(
    root: Path, tmp_path: Path, receiver: Receiver, unused_tcp_port: int
) -> Iterator[Alertmanager]:
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if binary is None:
        pytest.skip("Alertmanager is not installed (Debian: apt-get install prometheus-alertmanager)")
    text = (root / "deploy/alertmanager/examples/webhook.yml").read_text(encoding="utf-8")
    text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
    text = text.replace("https://on-call.example.org", receiver.address)
    config = yaml.safe_load(text)
    for each in config["receivers"]:
        for webhook in each.get("webhook_configs", []):
            del webhook["http_config"]
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={tmp_path}/config.yml",
                f"--storage.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{unused_tcp_port}",
                "--cluster.listen-address=",
            ],
            stderr=log,
        )
        try:
            running = Alertmanager(unused_tcp_port)
            yield running
            running.close()
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("blind", BLIND, ids=lambda labels: labels["alertname"])
def test_nothing_is_called_calm_while_a_source_is_silent_or_a_stage_is_down(
    alertmanager: Alertmanager, blind: dict[str, str]
) -> None:
    worst = spike("a", "critical")
    alertmanager.fire(CALM, worst)
    assert not alertmanager.held_back(CALM)
    alertmanager.fire(blind)
    assert alertmanager.comes_to_hold_back(CALM)
    assert not alertmanager.held_back(worst)


def test_a_critical_spike_speaks_for_the_lesser_ones_of_its_incident_and_object(
    alertmanager: Alertmanager,
) -> None:
    same, other = spike("a", "warning"), spike("b", "info")
    joined, foreign = spike("a", "info", "cards"), spike("c", "warning", "metro")
    worst = spike("a", "critical")
    alertmanager.fire(same, other, joined, foreign)
    alertmanager.fire(worst)
    for labels in (same, other, joined):
        assert alertmanager.comes_to_hold_back(labels)
    assert not alertmanager.held_back(foreign) and not alertmanager.held_back(worst)


def test_the_end_of_a_spike_is_no_all_clear_and_calm_waits_for_the_silent_source(
    alertmanager: Alertmanager, receiver: Receiver
) -> None:
    bad, quiet = spike("a", "warning"), BLIND[1]
    alertmanager.fire(bad)
    assert receiver.told.get(timeout=60) == ("/molva-spikes", "firing", "MolvaSpike")
    alertmanager.fire(quiet)
    alertmanager.end(bad)
    alertmanager.fire(CALM)
    assert alertmanager.comes_to_hold_back(CALM)
    alertmanager.end(quiet)
    assert receiver.told.get(timeout=60) == ("/molva-spikes", "firing", "MolvaCalm")
    assert receiver.told.empty()


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (spike("a", "critical"), "{}-spikes"),
        (CALM, "{}-spikes"),
        (BLIND[0], "{}"),
        (BLIND[1], "nobody"),
        (BLIND[2], "{}"),
        ({"alertname": "MolvaNotificationsLost", "severity": "page"}, "{}"),
    ],
    ids=lambda value: value["alertname"] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_alert_goes_where_it_belongs(
    root: Path, tmp_path: Path, example: str, labels: dict[str, str], told: str
) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("amtool is not installed (Debian: apt-get install prometheus-alertmanager)")
    text = (root / f"deploy/alertmanager/examples/{example}.yml").read_text(encoding="utf-8")
    file = tmp_path / "config.yml"  # before 0.26 there was no bot_token_file
    file.write_text(re.sub(r"bot_token_file: .*", "bot_token: t", text), encoding="utf-8")
    pairs = [f"{name}={value}" for name, value in labels.items()]
    command = [amtool, "config", "routes", "test", f"--config.file={file}"]
    done = subprocess.run([*command, *pairs], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, told.format(example)), done.stderr


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_receiver_of_spikes_is_told_of_their_end(root: Path, example: str) -> None:
    text = (root / f"deploy/alertmanager/examples/{example}.yml").read_text(encoding="utf-8")
    (spikes,) = (each for each in yaml.safe_load(text)["receivers"] if each["name"] == f"{example}-spikes")
    (settings,) = next(entries for name, entries in spikes.items() if name != "name")
    assert settings["send_resolved"] is False
