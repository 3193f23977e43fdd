"""HTTP servers on a free port of this machine: one that answers by a script, and the real Alertmanager."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from aiohttp import web

from pipeline.embedded.process import free_ports


class Request(NamedTuple):
    """What came in."""

    headers: dict[str, str]
    body: bytes


class Server:
    """Answers with (status, headers) of the script, then 200; ``None`` in it: never."""

    def __init__(self, *script: tuple[int, dict[str, str]] | None) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.arrived = asyncio.Condition()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(Request(dict(request.headers), await request.read()))
        async with self.arrived:
            self.arrived.notify_all()
        said = self.script.pop(0) if self.script else (200, {})
        if said is None:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")
        return web.Response(status=said[0], headers=said[1], text="said so")

    async def received(self, count: int, seconds: float = 150.0) -> list[Request]:
        """Wait for so many requests."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests


@asynccontextmanager
async def serving(*script: tuple[int, dict[str, str]] | None) -> AsyncIterator[Server]:
    """A running `Server`."""
    server = Server(*script)
    app = web.Application(client_max_size=16 * 1024**2)
    app.router.add_post("/{tail:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield server
    finally:
        await runner.cleanup()


CONFIGURATION = """
route:
  receiver: pager
  group_by: [alertname, incident]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: pager
    webhook_configs:
      - {{url: "{pager}", send_resolved: true}}
"""


class RealAlertmanager:
    """Debian's Alertmanager with one webhook; ``stop`` and ``start`` again keep its address and its files."""

    def __init__(self, program: str, folder: Path, pager: str) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        (folder / "alertmanager.yml").write_text(CONFIGURATION.format(pager=pager), encoding="utf-8")
        self._command = [
            program,
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        self._log = folder / "alertmanager.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        process = self._spawn()
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(60):
            while not await self._ready(http):
                assert process.poll() is None, self._log.read_text(encoding="utf-8")
                await asyncio.sleep(0.05)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        return self._process

    async def _ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/-/ready")).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End it in order: it writes down what it has notified."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    async def alerts(self) -> list[dict[str, Any]]:
        """What it holds as active."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{self.url}/api/v2/alerts", params={"active": "true"})
            answer.raise_for_status()
            found: list[dict[str, Any]] = answer.json()
            return found


class FakeAlertmanager:
    """What `RealAlertmanager` does with alerts, but telling nobody; the contract tests hold it to that."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._alerts: dict[frozenset[tuple[str, str]], dict[str, Any]] = {}
        self.url = ""

    async def post(self, request: web.Request) -> web.Response:
        alerts: list[dict[str, Any]] = await request.json()
        for alert in alerts:
            if not alert.get("labels") or alert["endsAt"] < alert["startsAt"]:
                return web.Response(status=400, text="at least one label pair required, end after start")
            self._alerts[frozenset(alert["labels"].items())] = alert
        return web.Response()

    async def alerts(self) -> list[dict[str, Any]]:
        """What it holds as active."""
        return [
            each for each in self._alerts.values() if datetime.fromisoformat(each["endsAt"]) > self._clock()
        ]


@asynccontextmanager
async def pretending(clock: Callable[[], datetime]) -> AsyncIterator[FakeAlertmanager]:
    """A running `FakeAlertmanager`."""
    fake = FakeAlertmanager(clock)
    app = web.Application()
    app.router.add_post("/api/v2/alerts", fake.post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
