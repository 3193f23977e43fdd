"""Rights that are denied, by Apache Kafka's ACLs and by ClickHouse's grants of deploy/."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from pipeline.doctor.kafka import check_kafka
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin
from pipeline.permissions import AGENTS, OPERATOR, WRITES
from pipeline.settings import Settings
from tests.doctor.findings import wrong
from tests.doctor.test_servers import utc_now
from tests.integration.certificates import new_security
from tests.integration.test_kafka_security import allow

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PASSWORDS = {name: f"the password of {name}" for name in (*WRITES, OPERATOR, "stranger")}


@pytest.fixture(scope="module")
def kafka(apache_kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker with the users and the rights of deploy/kafka/acls.sh, and a user without any."""
    folder = tmp_path_factory.mktemp("secured")
    security = new_security(folder / "certificates", PASSWORDS)
    with EmbeddedKafka(folder, security=security, short_lived=True) as running:
        allow(running.settings(Settings()), folder)
        yield running


def user(kafka: EmbeddedKafka, name: str, password: str | None = None) -> Settings:
    secret = SecretStr(PASSWORDS[name] if password is None else password)
    update = {"kafka_username": name, "kafka_password": secret, "partitions": 2}
    return Settings(**{**kafka.settings(Settings()).model_dump(), **update})


async def test_every_user_has_its_rights_and_no_other_s(kafka: EmbeddedKafka) -> None:
    async with KafkaAdmin(user(kafka, OPERATOR)) as admin:
        await admin.ensure_topics()
    for name in (*WRITES, OPERATOR):
        assert wrong(await check_kafka(user(kafka, name), name, utc_now)) == {}, name
    storage = user(kafka, "molva-storage")
    denied = wrong(await check_kafka(storage, "molva-detection", utc_now))["rights"]
    assert "Write topic molva.spikes" in denied.detail
    assert "Read group molva-detection" in denied.detail
    assert "molva.dead-letters" not in denied.detail
    assert "molva topics --acls" in denied.cure
    agents = wrong(await check_kafka(user(kafka, AGENTS), OPERATOR, utc_now))["rights"]
    assert agents.detail.startswith("what the operator needs is denied: Read topic molva.alerts")
    assert "Read topic molva.posts.raw" in agents.detail


async def test_a_stranger_sees_denied_rights_and_not_missing_topics(kafka: EmbeddedKafka) -> None:
    found = wrong(await check_kafka(user(kafka, "stranger"), "molva-storage", utc_now))
    assert set(found) == {"rights"}
    assert "Read topic molva.mentions" in found["rights"].detail


async def test_a_wrong_password_is_told_and_not_shown(kafka: EmbeddedKafka) -> None:
    found = wrong(await check_kafka(user(kafka, OPERATOR, "hush-hush-7"), OPERATOR, utc_now))["kafka"]
    assert "_PASSWORD" in found.cure
    assert "uthentication" in found.detail, found
    assert "hush-hush-7" not in json.dumps(found._asdict())
