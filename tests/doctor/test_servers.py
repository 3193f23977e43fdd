"""The doctor before real servers: each fault is made, found, and has its cure; no secret is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from pipeline import topics
from pipeline.checks import Part
from pipeline.doctor.clickhouse import check_clickhouse
from pipeline.doctor.examination import examine
from pipeline.doctor.kafka import check_kafka
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.process import free_ports
from pipeline.kafka import KafkaAdmin, TopicMismatch, client_options, state_specs
from pipeline.permissions import OPERATOR
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from tests.doctor.findings import wrong
from tests.e2e.conftest import WATCHLIST
from tests.sink.worlds import World, new_world

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

SECRET = "hush-hush-7"


def utc_now() -> datetime:
    return datetime.now(UTC)


def changed(settings: Settings, **changes: Any) -> Settings:
    return Settings.model_validate({**settings.model_dump(), **changes})


@pytest.fixture
async def world(settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path) as made:
        yield made


async def of_kafka(settings: Settings) -> dict[str, Part]:
    return wrong(await check_kafka(settings, OPERATOR, utc_now))


def of_clickhouse(settings: Settings, clock: Callable[[], datetime] = utc_now) -> dict[str, Part]:
    return wrong(check_clickhouse(settings, clock))


async def test_a_pipeline_that_is_well(world: World, tmp_path: Path) -> None:
    here = changed(world.settings, data_dir=tmp_path / "data", watchlist=WATCHLIST)
    parts = await examine(here, {}, OPERATOR, utc_now)
    assert wrong(parts) == {}
    names = {part.name for part in parts}
    assert {
        "settings",
        "disk",
        "models",
        "kafka",
        "topics",
        "clickhouse",
        "clock",
        "schema",
        "grants",
    } <= names


async def test_topics_that_are_missing_or_of_another_width(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        here = Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=3)
        found = await of_kafka(here)
        assert topics.RAW in found["topics"].detail
        assert found["topics"].cure == "run `molva topics --create`"
        async with KafkaAdmin(here) as admin:
            await admin.ensure_topics()
        assert await of_kafka(here) == {}
        narrow = (await of_kafka(changed(here, partitions=5)))["partitions"]
        assert f"{topics.RAW} has 3, expected 5" in narrow.detail
        assert narrow.cure == "set MOLVA_PARTITIONS=3 for every worker and agent"
        wide = (await of_kafka(changed(here, enriched_partitions=2)))["partitions"]
        assert wide.cure == "set MOLVA_ENRICHED_PARTITIONS=1 for every worker and agent"
        async with KafkaAdmin(changed(here, enriched_partitions=2)) as admin:
            with pytest.raises(TopicMismatch, match="set MOLVA_ENRICHED_PARTITIONS=1,"):
                await admin.ensure_topics()
        assert "MOLVA_REPLICAS=9" in (await of_kafka(changed(here, replicas=9)))["brokers"].detail


async def test_a_topic_and_a_state_that_are_too_wide(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        here = Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=2)
        async with KafkaAdmin(changed(here, partitions=5)) as admin:
            await admin.ensure_topics([replace(topics.BY_NAME[topics.SPIKES], spread=True)])
            await admin.ensure_topics(state_specs(changed(here, partitions=5))[:1])
        async with KafkaAdmin(here) as admin:
            await admin.ensure_topics([each for each in topics.TOPICS if each.name != topics.SPIKES])
        found = (await of_kafka(here))["partitions"]
        assert f"{topics.SPIKES} has 5, expected 1" in found.detail
        assert f"{topics.DETECTION_STATE} has 5, expected 2" in found.detail
        assert "delete the topic" in found.cure


async def test_brokers_that_cannot_be_reached(world: World) -> None:
    (port,) = free_ports(1)
    nobody = (await of_kafka(changed(world.settings, kafka_bootstrap=f"127.0.0.1:{port}")))["kafka"]
    assert f"127.0.0.1:{port}" in nobody.detail
    assert "molva up" in nobody.cure
    secrets = {"kafka_username": "u", "kafka_password": SecretStr(SECRET)}
    for security in ("SSL", "SASL_PLAINTEXT"):
        found = (await of_kafka(changed(world.settings, kafka_security=security, **secrets)))["kafka"]
        assert "MOLVA_KAFKA_SECURITY" in found.cure, found
        assert SECRET not in str(found)
    unreadable = changed(world.settings, kafka_security="SSL", kafka_ca_file=Path("/no/such.pem"))
    assert "kafka" in await of_kafka(unreadable)


def test_clickhouse_that_cannot_be_reached(settings: Callable[..., Settings]) -> None:
    here = settings()
    (port,) = free_ports(1)
    assert "molva up" in of_clickhouse(changed(here, clickhouse_port=port))["clickhouse"].cure
    password = of_clickhouse(changed(here, clickhouse_password=SecretStr(SECRET)))["clickhouse"]
    assert "Authentication failed" in password.detail
    assert "MOLVA_CLICKHOUSE_PASSWORD" in password.cure
    assert SECRET not in str(password) and "Stack trace" not in password.detail
    http = of_clickhouse(changed(here, clickhouse_port=here.clickhouse_http_port))["clickhouse"]
    assert "not the HTTP port" in http.cure
    assert (
        "MOLVA_CLICKHOUSE_SECURE" in of_clickhouse(changed(here, clickhouse_secure=True))["clickhouse"].cure
    )
    migrated = changed(here, clickhouse_http_port=port)
    assert "MOLVA_CLICKHOUSE_HTTP_PORT" in of_clickhouse(migrated)["clickhouse http"].cure


async def test_a_schema_that_is_old_changed_or_too_new_and_a_wrong_clock(world: World) -> None:
    here = world.settings
    assert of_clickhouse(here) == {}
    nowhere = of_clickhouse(changed(here, clickhouse_database="nowhere"))["schema"]
    assert "0001_posts" in nowhere.detail
    assert nowhere.cure == "run `molva migrate`"
    skewed = of_clickhouse(here, lambda: utc_now() - timedelta(minutes=3))
    assert skewed["clock"].detail.startswith("180.")
    client = connect(here)
    client.execute("ALTER TABLE schema_migrations DELETE WHERE version = 9", settings={"mutations_sync": 1})
    assert of_clickhouse(here)["schema"].detail == "pending: 0009_alerts"
    await asyncio.to_thread(
        client.execute,
        "INSERT INTO schema_migrations (version, name, checksum) VALUES",
        [(9, "0009_alerts", "x")],
    )
    assert "changed after it had been applied" in of_clickhouse(here)["schema"].detail
    client.execute("ALTER TABLE schema_migrations DELETE WHERE version = 9", settings={"mutations_sync": 1})
    client.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES", [(9999, "9999_x", "x")])
    assert of_clickhouse(here)["schema"].cure == "update Molva here"
    client.disconnect()


async def test_records_of_the_future(new_kafka: Callable[..., EmbeddedKafka], tmp_path: Path) -> None:
    here = changed(new_kafka(tmp_path).settings(Settings()), partitions=2)
    async with KafkaAdmin(here) as admin:
        await admin.ensure_topics()
    assert await of_kafka(here) == {}
    producer = AIOKafkaProducer(**client_options(here))
    await producer.start()
    ahead = utc_now() + timedelta(minutes=10)
    await producer.send_and_wait(topics.RAW, b"x", timestamp_ms=round(ahead.timestamp() * 1000))
    await producer.stop()
    found = await of_kafka(here)
    assert set(found) == {"clock of senders"}
    assert f"{topics.RAW}:" in found["clock of senders"].detail
    assert "s later than now here" in found["clock of senders"].detail
    assert "NTP" in found["clock of senders"].cure
