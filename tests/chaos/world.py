"""All that the chaos suite disturbs: Apache Kafka, ClickHouse, every stage as processes, proxies between.

Workers reach the servers through proxies alone; what publishes and what judges reaches them directly.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import Self

import httpx

from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.process import LOOPBACK, free_ports
from pipeline.health import probe
from pipeline.kafka import KafkaAdmin, state_specs
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from pipeline.supervisor import Crash, Supervisor, WorkerSpec
from pipeline.topics import TOPICS
from tests.chaos.clickhouse_http import ClickHouse
from tests.chaos.proxy import Proxy
from tests.chaos.schedule import WORKERS
from tests.small_disk import small_disk

WATCHLIST = Path(str(files("pipeline.demo") / "watchlist.yaml"))
CLOCK = Path(__file__).with_name("clock.c")
PARTITIONS = 4
DISK_MB = 1024
READY_S = 180.0
LOOK_S = 0.2
WORKERS_LISTENER, REPLICAS_LISTENER = "WORKERS", "REPLICAS"
PROTOCOLS = "listener.security.protocol.map"


class World:
    """A pipeline of its own: ``async with World(folder, brokers=3) as world``."""

    def __init__(self, folder: Path, brokers: int = 1, workers: tuple[str, ...] = WORKERS) -> None:
        self.folder = folder
        self.kafka = EmbeddedKafka(folder, brokers=brokers, short_lived=True)
        self.disk: Path | None = None
        """A small file system of ClickHouse's own; None where it cannot be made (it takes root and Linux)."""
        self.clocks: Path | None = None
        """Where the clock of a worker is set; None where there is no C compiler."""
        self.to_brokers = [Proxy() for _ in range(brokers)]
        self.between_brokers = [Proxy() for _ in range(brokers)]
        """What the other brokers reach one through, to copy what it leads."""
        self.to_clickhouse = Proxy()
        self.crashes: list[Crash] = []
        self._names = workers
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as closing:
            self.disk = closing.enter_context(small_disk(self.folder / "disk", DISK_MB))
            self.clickhouse = EmbeddedClickHouse(self.disk or self.folder)
            for proxy in (*self.to_brokers, *self.between_brokers, self.to_clickhouse):
                await closing.enter_async_context(proxy)
            await asyncio.to_thread(closing.enter_context, self.clickhouse)
            await asyncio.to_thread(closing.enter_context, self.kafka)
            await asyncio.to_thread(self._put_proxies_before_brokers)
            self.to_clickhouse.target = self.clickhouse.port
            self.clocks = _clocks(self.folder)
            self.settings = await self._prepare()
            self.supervisor = self.workers(self._names)
            closing.push_async_callback(asyncio.to_thread, self.supervisor.stop)
            self.supervisor.start()
            watching = asyncio.create_task(self._watch())
            closing.callback(watching.cancel)
            await self.ready(READY_S)
            self._closing = closing.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    def _put_proxies_before_brokers(self) -> None:
        """Listeners for the workers and for the other brokers, who are told the addresses of the proxies."""
        self.kafka.stop()
        free = iter(free_ports(2 * len(self.kafka.nodes)))
        for node, *proxies in zip(self.kafka.nodes, self.to_brokers, self.between_brokers, strict=True):
            listeners = []
            for name, proxy in zip((WORKERS_LISTENER, REPLICAS_LISTENER), proxies, strict=True):
                proxy.target = next(free)
                listeners.append((name, proxy))
            file = node.folder / "server.properties"
            lines = file.read_text().splitlines()
            file.write_text("".join(_with_listeners(line, listeners) + "\n" for line in lines))
            node.launch()
        for node in self.kafka.nodes:
            node.await_ready(of=len(self.kafka.nodes))

    async def _prepare(self) -> Settings:
        """Topics and tables; the settings of the workers."""
        direct = self.kafka.settings(Settings()).model_copy(
            update={
                "data_dir": self.folder,
                "watchlist": WATCHLIST,
                "partitions": PARTITIONS,
                "clickhouse_host": LOOPBACK,
                "clickhouse_port": self.clickhouse.port,
                "clickhouse_http_port": self.clickhouse.http_port,
                "clickhouse_user": self.clickhouse.user,
                "clickhouse_password": type(Settings().clickhouse_password)(self.clickhouse.password),
            }
        )
        with connect(direct, database="default") as client:
            migrate(client, direct.clickhouse_database)
        async with KafkaAdmin(direct) as admin:
            await admin.ensure_topics([*TOPICS, *state_specs(direct)])
        proxied = ",".join(f"{LOOPBACK}:{proxy.port}" for proxy in self.to_brokers)
        return direct.model_copy(
            update={"kafka_bootstrap": proxied, "clickhouse_port": self.to_clickhouse.port}
        )

    def workers(self, names: tuple[str, ...]) -> Supervisor:
        """Processes named ``<stage>-<number>``, as `molva up` runs them; not started."""
        ports = free_ports(len(names))
        specs = [
            WorkerSpec(name, ("worker", name.rpartition("-")[0]), port)
            for name, port in zip(names, ports, strict=True)
        ]
        environment = self.settings.environment()
        if self.clocks is not None:
            environment |= {"LD_PRELOAD": str(self.clocks / "clock.so"), "CHAOS_CLOCKS": str(self.clocks)}
        return Supervisor(specs, environment, self.folder / "logs", time.monotonic)

    async def _watch(self) -> None:
        """Start again what has ended, as `molva up` does."""
        while True:
            self.crashes += await asyncio.to_thread(self.supervisor.poll)
            await asyncio.sleep(LOOK_S)

    async def unready(self) -> dict[str, str]:
        """Which workers are not ready, and why."""
        specs = self.supervisor.specs
        told = await asyncio.gather(
            *(asyncio.to_thread(probe, LOOPBACK, spec.metrics_port) for spec in specs)
        )
        return {spec.name: each.why for spec, each in zip(specs, told, strict=True) if not each.ready}

    async def ready(self, seconds: float) -> None:
        """Return when all are.

        Raises:
            TimeoutError: one is not in time; the message says which, and why.
        """
        await until(self.unready, lambda found: not found, seconds, "not ready")

    def ask(self) -> ClickHouse:
        """ClickHouse over HTTP, past the proxy."""
        server = self.clickhouse
        return ClickHouse(
            f"http://{server.host}:{server.http_port}",
            server.user,
            server.password,
            self.settings.clickhouse_database,
        )

    async def server_up(self) -> bool:
        """Whether ClickHouse answers at the moment."""
        try:
            return await asyncio.to_thread(self.ask().rows, "SELECT 1") == [[1]]
        except httpx.HTTPError:
            return False


async def until(look: Callable[[], object], good: Callable[..., bool], seconds: float, what: str) -> None:
    """Look until it is good.

    Raises:
        TimeoutError: what is seen has not changed for ``seconds``; the message has the last look.
    """
    before, deadline = None, time.monotonic() + seconds
    while not good(found := await look()):  # type: ignore[misc]
        if found != before:
            before, deadline = found, time.monotonic() + seconds
        elif time.monotonic() > deadline:
            raise TimeoutError(f"{what}, standing still for {seconds:.0f} s: {found}")
        await asyncio.sleep(LOOK_S)


def _with_listeners(line: str, listeners: Sequence[tuple[str, Proxy]]) -> str:
    """A line of a broker's configuration, with listeners more; brokers speak to each other by one of them."""
    setting = line.partition("=")[0]
    added = {
        "listeners": [f"{name}://{LOOPBACK}:{proxy.target}" for name, proxy in listeners],
        "advertised.listeners": [f"{name}://{LOOPBACK}:{proxy.port}" for name, proxy in listeners],
        PROTOCOLS: [f"{name}:PLAINTEXT" for name, _ in listeners],
    }
    if setting == "inter.broker.listener.name":
        return f"{setting}={REPLICAS_LISTENER}"
    return ",".join([line, *added.get(setting, [])])


def _clocks(folder: Path) -> Path | None:
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    clocks = folder / "clocks"
    clocks.mkdir()
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(clocks / "clock.so"), str(CLOCK), "-ldl"]
    subprocess.run(command, check=True)
    return clocks
