"""Apache Kafka with TLS, SASL/SCRAM and ACLs: each part works with its own rights and has no others.

The rights are those of deploy/kafka/acls.sh, given by Apache Kafka's own kafka-acls.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata

from agents.fleet.process import run_fleet
from agents.fleet.view import read_rows
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.kafka_jars import find_kafka
from pipeline.kafka import KafkaAdmin, TopicSpec, client_options
from pipeline.permissions import AGENTS, OPERATOR, STATES, WRITES, permissions
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from pipeline.topics import RAW, TOPICS
from tests.agents.fleet.counting import Options, load
from tests.e2e.conftest import story_rows, write_rows
from tests.integration.certificates import SUPERUSER, new_security

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ACLS = Path(__file__).parents[2] / "deploy" / "kafka" / "acls.sh"
WATCHLIST = Path(str(files("pipeline.demo") / "watchlist.yaml"))
POSTS = 300
STAGES = ("enrichment", "detection", "notification", "storage")
READY_SECONDS = 240.0
CLICKHOUSE_SETTINGS = {name for name in Settings.model_fields if name.startswith("clickhouse_")}
PASSWORDS = {name: f"the password of {name}" for each in permissions() for name in each.principals}
EVERY_TOPIC = [topic.name for topic in TOPICS] + [*STATES.values()]


@pytest.fixture(scope="module")
def kafka(apache_kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker with the users and the rights of deploy/kafka/acls.sh."""
    folder = tmp_path_factory.mktemp("secured")
    security = new_security(folder / "certificates", PASSWORDS)
    with EmbeddedKafka(folder, security=security, short_lived=True) as running:
        allow(running.settings(Settings()), folder)
        yield running


def allow(administrator: Settings, folder: Path) -> None:
    """Run acls.sh as an administrator would."""
    java, class_path, archive = find_kafka()
    tool = folder / "kafka-acls.sh"
    options = f"-XX:SharedArchiveFile={archive} -XX:TieredStopAtLevel=1 -Xmx128m -cp '{class_path}'"
    tool.write_text(f'#!/bin/sh\nexec {java} {options} org.apache.kafka.tools.AclCommand "$@"\n')
    tool.chmod(0o700)
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    secret = administrator.kafka_password.get_secret_value()
    config = folder / "admin.properties"
    config.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n"
        f"ssl.truststore.location={administrator.kafka_ca_file}\n"
        f'sasl.jaas.config={login} username="{SUPERUSER}" password="{secret}";\n'
    )
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "BOOTSTRAP": administrator.kafka_bootstrap,
        "COMMAND_CONFIG": str(config),
    }
    done = subprocess.run(["sh", str(ACLS)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def login(kafka: EmbeddedKafka, topics: None) -> Callable[[str], Settings]:
    """``login("molva-storage")``: settings with which that principal reaches Kafka."""
    return lambda principal: logged_in(kafka, principal)


def logged_in(kafka: EmbeddedKafka, principal: str) -> Settings:
    update = {"kafka_username": principal, "kafka_password": PASSWORDS[principal], "partitions": 2}
    return Settings(**{**kafka.settings(Settings()).model_dump(), **update})


@pytest.fixture(scope="module")
def topics(kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Made by the operator, with the command; the password comes from a file."""
    secrets = tmp_path_factory.mktemp("secrets")
    (secrets / "molva_kafka_password").write_text(PASSWORDS[OPERATOR])
    hidden = {"MOLVA_KAFKA_PASSWORD": "", "MOLVA_SECRETS_DIR": str(secrets)}
    done = molva(logged_in(kafka, OPERATOR), "topics", "--create", **hidden)
    assert done.returncode == 0, done.stderr


def molva(settings: Settings, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    environment = {**os.environ, **settings.environment(), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@contextmanager
def worker(settings: Settings, stage: str, log: Path) -> Iterator[None]:
    """``molva worker STAGE`` until the end of the block; it must leave in order."""
    command = [sys.executable, "-m", "pipeline.cli", "worker", stage]
    with log.open("wb") as output:
        environment = {**os.environ, **settings.environment()}
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield
        assert process.poll() is None, log.read_text()
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def test_the_committed_script_is_what_the_command_prints() -> None:
    assert ACLS.read_text() == molva(Settings(), "topics", "--acls").stdout


def test_the_whole_pipeline_runs_with_least_privilege(
    login: Callable[[str], Settings], settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Every stage as a process with its own user; posts come in by the agents' user, all rows arrive."""
    here = settings(clickhouse_database="secured").model_dump(include=CLICKHOUSE_SETTINGS)
    here |= {"data_dir": tmp_path, "watchlist": WATCHLIST}
    with connect(settings(), "default") as client:
        migrate(client, "secured")

    def as_user(principal: str) -> Settings:
        return Settings(**{**login(principal).model_dump(), **here})

    story = write_rows(tmp_path / "story.jsonl", story_rows()[:POSTS])
    with ExitStack() as running:
        for stage in STAGES:
            running.enter_context(worker(as_user(f"molva-{stage}"), stage, tmp_path / f"{stage}.log"))
        done = molva(as_user(AGENTS), "replay", str(story), "--wait", "--json")
        assert done.returncode == 0, done.stderr + "".join(log.read_text() for log in tmp_path.glob("*.log"))
        status = molva(as_user(OPERATOR), "status")
        assert "lag molva-storage" in status.stdout, status.stdout + status.stderr
    with connect(settings(clickhouse_database="secured")) as client:
        assert client.execute("SELECT count(), uniqExact(id) FROM posts") == [(POSTS, POSTS)]
        assert client.execute("SELECT count() > 50 FROM mentions") == [(1,)]
        assert client.execute("SELECT count() FROM dead_letters") == [(0,)]
        client.execute("DROP DATABASE secured SYNC")


async def test_a_fleet_has_the_rights_of_agents(login: Callable[[str], Settings], tmp_path: Path) -> None:
    here = login(AGENTS).model_copy(update={"data_dir": tmp_path})
    agents, stop, clock = [Options(name="a")], asyncio.Event(), lambda: datetime.now(UTC)
    running = asyncio.ensure_future(run_fleet(agents, here, None, clock=clock, stop=stop, load=load))
    async with asyncio.timeout(READY_SECONDS):
        while "counting:a" not in await read_rows(login(OPERATOR)):
            assert not running.done()
    stop.set()
    await running


async def test_nobody_writes_where_it_has_no_business(login: Callable[[str], Settings]) -> None:
    for principal, own in WRITES.items():
        state = STATES.get(principal)
        allowed = {*own, *([state] if state else [])}
        producer = AIOKafkaProducer(**client_options(login(principal)))
        await producer.start()
        try:
            refused = set()
            for topic in EVERY_TOPIC:
                try:
                    await producer.send_and_wait(topic, b"{}", key=b"a test", partition=0)
                except TopicAuthorizationFailedError:
                    refused.add(topic)
        finally:
            await producer.stop()
        assert refused == {*EVERY_TOPIC} - allowed, principal


async def test_nobody_reads_what_is_not_its_input(login: Callable[[str], Settings]) -> None:
    for principal, secret in (
        (AGENTS, RAW),
        ("molva-enrichment", STATES["molva-detection"]),
        ("molva-detection", RAW),
        ("molva-notification", RAW),
        ("molva-storage", RAW),
    ):
        consumer = AIOKafkaConsumer(**client_options(login(principal)), auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(secret, 0)])
            with pytest.raises(TopicAuthorizationFailedError):
                await consumer.getone()
        finally:
            await consumer.stop()


async def test_nobody_commits_for_another_group(login: Callable[[str], Settings]) -> None:
    settings = login("molva-enrichment")
    consumer = AIOKafkaConsumer(
        **client_options(settings), group_id="molva-storage", enable_auto_commit=False
    )
    place = TopicPartition(RAW, 0)
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            await consumer.start()
            consumer.assign([place])
            await consumer.commit({place: OffsetAndMetadata(0, "")})
    finally:
        await consumer.stop()


async def test_only_the_operator_makes_topics(login: Callable[[str], Settings]) -> None:
    spec = TopicSpec("molva.by-a-test", 1, {})
    for principal in WRITES:
        async with KafkaAdmin(login(principal)) as admin:
            with pytest.raises(TopicAuthorizationFailedError):
                await admin.ensure_topics([spec])
    async with KafkaAdmin(login(OPERATOR)) as admin:
        assert await admin.ensure_topics([spec]) == [spec.name]
        with pytest.raises(TopicAuthorizationFailedError):
            await admin.ensure_topics([TopicSpec("not-ours", 1, {})])


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"kafka_password": "another"}, id="password"),
        pytest.param({"kafka_ca_file": None}, id="authority"),
        pytest.param({"kafka_security": "PLAINTEXT"}, id="no TLS"),
    ],
)
def test_who_is_not_let_in_gets_one_clear_message(
    login: Callable[[str], Settings], wrong: dict[str, str | None]
) -> None:
    settings = Settings(**{**login(OPERATOR).model_dump(), **wrong})
    done = molva(settings, "topics")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("molva: ")
