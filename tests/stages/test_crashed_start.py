"""A worker that crashes while no broker answers ends, so that its process manager can start it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.settings import Settings
from pipeline.topics import RAW

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

PROGRAM = f"""
import asyncio, logging, os, signal, sys
from pipeline import faust_worker
from pipeline.app import topic_of_bytes
from pipeline.condition import Condition
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.tracing import OFF
from pipeline.worker import utc_now

def bind(app, settings, metrics, clock, *, tracing):
    async def enrichment(stream):
        os.kill(int(sys.argv[1]), signal.SIGKILL)
        await asyncio.sleep(3)  # the consumer's thread looks for its coordinator by then
        raise RuntimeError("no broker to send to")
    app.agent(topic_of_bytes(app, {RAW!r}))(enrichment)

logging.basicConfig(level=logging.INFO)
faust_worker.run(bind, "enrichment", Settings(), Metrics(), Condition(), utc_now, OFF)
"""


def test_a_worker_that_crashes_without_a_broker_ends(tmp_path: Path) -> None:
    """Its consumer has not joined, and waits in its thread for a coordinator that is gone."""
    with EmbeddedBroker(tmp_path) as broker:
        settings = broker.settings(Settings(data_dir=tmp_path))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(broker.child.pid)],
            env={**os.environ, **settings.environment()},
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == os.EX_SOFTWARE, "it ended by itself, or was left to wait"
    assert b"no broker to send to" in done.stdout + done.stderr
