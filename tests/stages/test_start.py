"""What makes a start quick: a process loads what it needs and no more; models load while a worker joins."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest
from typer.main import get_command

from pipeline.cli.commands import COMMANDS, Commands, Loading, app
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.process import LOOPBACK, free_ports
from pipeline.health import probe
from pipeline.kafka import KafkaAdmin
from pipeline.settings import Settings
from tests.e2e.conftest import WATCHLIST, await_value, clean_environment

HEAVY = {"aiohttp", "aiokafka", "clickhouse_driver", "faust", "httpx", "numpy", "onnxruntime", "pymorphy3"}


def loaded_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh process has loaded after ``code``."""
    show = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True, timeout=120
    )
    return HEAVY & set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("from pipeline.cli import commands; commands.load('worker', commands.COMMANDS['worker'])", set()),
        ("import pipeline.worker, pipeline.wiring.storage", {"aiokafka", "clickhouse_driver"}),
        ("import pipeline.health", set()),
        ("import agents.service", {"aiohttp", "aiokafka", "httpx"}),
    ],
)
def test_a_process_loads_no_more_than_it_needs(code: str, needed: set[str]) -> None:
    assert loaded_by(code) == needed


def test_every_command_is_known_by_name_before_it_is_loaded() -> None:
    group = get_command(app)
    assert isinstance(group, Commands)
    names = group.list_commands(None)
    assert names == list(COMMANDS)
    assert len(group.commands) == len(names)
    assert "worker" in group.commands
    assert "wrker" not in group.commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded(name: str) -> None:
    commands = Loading()
    assert commands[name].name == name
    assert commands[name] is commands[name]
    assert commands[name].rich_help_panel == COMMANDS[name].panel


class Enrichment:
    """``molva worker enrichment`` on a broker of its own; it reads its watchlist twice, from a pipe.

    The command looks at it first, then the models are built with it.
    """

    def __init__(self, folder: Path) -> None:
        self.watchlist = folder / "watchlist.yaml"
        os.mkfifo(self.watchlist)
        self.log = folder / "enrichment.log"
        self.broker = EmbeddedBroker(folder)
        (self.port,) = free_ports(1)

    def __enter__(self) -> Self:
        self.broker.start()
        settings = self.broker.settings(Settings(watchlist=self.watchlist, metrics_port=self.port))
        asyncio.run(with_topics(settings))
        environment = {**clean_environment(), **settings.environment()}
        command = [sys.executable, "-m", "pipeline.cli", "worker", "enrichment"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.watchlist.write_text(WATCHLIST.read_text(encoding="utf-8"), encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(30)
        self.broker.stop()

    def await_partitions(self) -> str:
        """Why it is not ready though it has them."""

        def look() -> str | None:
            why = probe(LOOPBACK, self.port).why
            return why if "models" in why and "partitions" not in why else None

        return str(await_value(look, 120))


async def with_topics(settings: Settings) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()


@pytest.mark.integration
def test_a_worker_joins_while_its_models_are_loaded_and_is_not_ready_before(tmp_path: Path) -> None:
    with Enrichment(tmp_path) as worker:
        assert worker.await_partitions() == "models not yet"
        worker.watchlist.write_text(WATCHLIST.read_text(encoding="utf-8"), encoding="utf-8")
        assert await_value(lambda: probe(LOOPBACK, worker.port).ready, 120)
        worker.process.terminate()
        assert worker.process.wait(60) == 0, worker.log.read_text()


@pytest.mark.integration
def test_models_that_cannot_be_loaded_end_the_worker_with_their_reason(tmp_path: Path) -> None:
    with Enrichment(tmp_path) as worker:
        worker.await_partitions()
        worker.watchlist.write_text("objects: [{id: Bank}]", encoding="utf-8")
        assert worker.process.wait(60) == 2, worker.log.read_text()
    told = worker.log.read_text().rpartition("molva: ")[2]
    assert "watchlist.yaml" in told
