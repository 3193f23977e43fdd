"""When a Faust worker is ready, and that a stalled one really ends; the application is a stand-in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.errors import Unavailable, UsageError
from pipeline.faust_worker import _assigned, _positions
from pipeline.kafka import KafkaAdmin
from pipeline.settings import Settings
from pipeline.watchdog import Position
from pipeline.worker import require_topics

SOURCE = TP("molva.mentions", 1)
CHANGELOG = TP("molva-detection-state-changelog", 1)


def application(assignment: set[TP], **fields: Any) -> Any:
    consumer = SimpleNamespace(
        flow_active=True,
        assignment=lambda: assignment,
        highwater={SOURCE: 9}.get,
        _read_offset=defaultdict(lambda: None, {SOURCE: 4}),
    )
    return SimpleNamespace(
        **{"consumer": consumer, "rebalancing": False, "_assignment": assignment, **fields}
    )


def test_the_source_partitions_are_watched_and_faust_s_own_are_not() -> None:
    app = application({SOURCE, CHANGELOG})
    assert _assigned(app) == [SOURCE]
    assert _positions(app, [SOURCE]) == {SOURCE: Position(5, 9)}


def test_a_partition_whose_end_is_not_known_yet_is_not_ready() -> None:
    other = TP("molva.mentions", 2)
    app = application({SOURCE, other})
    assert set(_assigned(app) or ()) == {SOURCE, other}
    assert _positions(app, [SOURCE, other]).keys() == {SOURCE}


def test_a_worker_more_than_there_are_partitions_is_ready_with_none() -> None:
    assert _assigned(application({CHANGELOG})) == []
    assert _assigned(application(set())) == []


def test_a_worker_that_has_not_joined_or_rebalances_is_not() -> None:
    assert _assigned(application({SOURCE}, rebalancing=True)) is None
    assert _assigned(application(set(), _assignment=None)) is None
    app = application({SOURCE})
    app.consumer.flow_active = False
    assert _assigned(app) is None


async def test_topics_that_are_missing_or_of_another_width_are_told_before_the_start(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        settings = Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=3)
        with pytest.raises(Unavailable, match=r"molva\.posts\.raw.*molva topics --create"):
            await require_topics(settings)
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics()
        await require_topics(settings)
        with pytest.raises(UsageError, match=r"has 3 partitions, the settings want 5"):
            await require_topics(settings.model_copy(update={"partitions": 5}))


def test_a_process_whose_thread_hangs_ends_all_the_same() -> None:
    code = """
import os, threading
from concurrent.futures import ThreadPoolExecutor
from pipeline.leaving import leave_within
ThreadPoolExecutor(1).submit(threading.Event().wait)
leave_within(0.1, os.EX_SOFTWARE)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode == os.EX_SOFTWARE
