"""The short part of the chaos suite: two schedules on Apache Kafka, and a ledger that misses nothing.

`make chaos` plays more and longer ones (docs/chaos.md).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.chaos.ledger import judge
from tests.chaos.play import Run
from tests.chaos.schedule import Fault
from tests.chaos.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

POSTS = 4000
RATE = 150.0
CALM = "replay:chaos-calm"

AT_ONE_BROKER = [
    Fault(200, "kill", "storage-1", 0.0),
    Fault(400, "kill", "enrichment-1", 0.0),
    Fault(700, "view-throws", "clickhouse", 3.0),
    Fault(1000, "kill", "clickhouse", 1.0),
    Fault(1200, "slow", "storage-2", 5.0),
    Fault(1300, "pause", "detection-1", 4.0),
    Fault(1600, "too-many-parts", "clickhouse", 3.0),
    Fault(1900, "kill", "broker-1", 1.0),
    Fault(2300, "kill", "detection-2", 0.0),
    Fault(2600, "hole", "clickhouse", 4.0),
    Fault(2900, "no-space", "clickhouse", 3.0),
    Fault(3100, "clock-ahead", "detection-1", 5.0),
    Fault(3200, "read-only", "clickhouse", 3.0),
    Fault(3300, "disk-full", "clickhouse", 3.0),
    Fault(3390, "restart", "clickhouse", 0.0),
]
AT_THREE_BROKERS = [
    Fault(300, "kill", "broker-1", 1.0),
    Fault(800, "join", "storage", 10.0),
    Fault(1200, "cut", "broker-2", 4.0),
    Fault(1500, "apart", "broker-3", 5.0),
    Fault(1700, "clock-behind", "enrichment-2", 8.0),
    Fault(2200, "pause", "broker-3", 5.0),
    Fault(2500, "delay", "clickhouse", 5.0),
    Fault(2700, "restart", "storage-2", 0.0),
    Fault(3000, "restart", "broker-2", 0.0),
    Fault(3200, "kill", "notification-1", 0.0),
]


def say(line: str) -> None:
    print(line, file=sys.stderr)


async def test_one_broker_and_clickhouse_under_fire(apache_kafka: None, tmp_path: Path) -> None:
    async with World(tmp_path, brokers=1) as world:
        report = await Run(world, AT_ONE_BROKER, say).play(1, POSTS, RATE)
        assert report.verdict.findings == []
        assert report.verdict.counts["spike_events_of_a_copy"] > 0
        assert len(report.struck) == len(AT_ONE_BROKER)
        assert sum(each.fault.kind == "kill" for each in report.struck) == 5
        assert report.kills >= 3, "some may have just ended by themselves, with the broker"
        await the_ledger_misses_nothing(world)


async def test_three_brokers_and_workers_under_fire(apache_kafka: None, tmp_path: Path) -> None:
    async with World(tmp_path, brokers=3) as world:
        report = await Run(world, AT_THREE_BROKERS, say).play(3, POSTS, RATE)
    assert report.verdict.findings == []
    assert len(report.struck) == len(AT_THREE_BROKERS)


async def the_ledger_misses_nothing(world: World) -> None:
    """After a good verdict: each thing that is put wrong by hand is found."""
    ask = world.ask()
    ask.do(
        "INSERT INTO posts SELECT * REPLACE (text || '!' AS text) FROM posts WHERE timeline != '' LIMIT 1",
        "INSERT INTO mentions_1h SELECT * FROM mentions_1h LIMIT 1",
        "ALTER TABLE mentions DELETE WHERE (post_id, object_id) IN (SELECT post_id, object_id FROM mentions "
        "LIMIT 1) SETTINGS mutations_sync = 1",
        "ALTER TABLE dead_letters DELETE WHERE id IN (SELECT id FROM dead_letters LIMIT 1) "
        "SETTINGS mutations_sync = 1",
        f"ALTER TABLE spikes UPDATE negatives = negatives + 1 WHERE timeline = '{CALM}' "
        "SETTINGS mutations_sync = 1",
        "INSERT INTO posts SELECT * REPLACE ('made:up' AS id) FROM posts LIMIT 1",
    )
    log = world.folder / "published.jsonl"
    kafka = ",".join(f"127.0.0.1:{node.port}" for node in world.kafka.nodes)
    found = "\n".join((await judge(log, kafka, ask, CALM)).findings)
    for said in (
        "posts stored twice",
        "posts that nobody published: made:up",
        "cells of mentions_1h that differ",
        "cells of mentions_5m that differ",
        "mentions unlike those of the undisturbed copy",
        "spikes unlike those of the undisturbed copy",
        "without a dead letter",
        "dead letters in Kafka or in ClickHouse alone",
    ):
        assert said in found, found
