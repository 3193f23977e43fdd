"""What ``molva status`` looks at, one part after the other; ``molva doctor`` looks further."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from aiokafka.errors import KafkaError

from pipeline.drain import HOPS
from pipeline.embedded.process import LOOPBACK, resident_bytes
from pipeline.embedded.stack import find_stack
from pipeline.health import probe, read_workers
from pipeline.kafka import KafkaAdmin, topic_spec
from pipeline.memory_only import MEMORY_LIMIT
from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients, SinkError, connect
from pipeline.sink.migrations import pending
from pipeline.topics import TOPICS

MAX_SKEW_S = 5.0


class Part(NamedTuple):
    """One thing that can be well or not; ``cure`` says what to do where it is not."""

    name: str
    ready: bool
    detail: str
    cure: str = ""


async def check_parts(settings: Settings) -> list[Part]:
    """The servers and the workers of the configured (or running embedded) pipeline."""
    return [*await _kafka(settings), *broker_memory(settings), *_clickhouse(settings), *workers(settings)]


def broker_memory(settings: Settings) -> list[Part]:
    """The embedded broker keeps all that was produced in memory: how near it is to its limit."""
    stack = find_stack(settings.data_dir)
    if stack is None or stack.bootstrap != settings.kafka_bootstrap or stack.kafka_kind == "kafka":
        return []
    used, limit = resident_bytes(stack.broker_pid), MEMORY_LIMIT
    detail = f"{used / 1024**2:.0f} MiB of {limit / 1024**2:.0f} MiB, all records since its start"
    return [
        Part("broker memory", used < 0.9 * limit, detail, "start `molva up` again: it empties the broker")
    ]


async def _kafka(settings: Settings) -> list[Part]:
    cure = "start `molva up`, or set MOLVA_KAFKA_BOOTSTRAP to your brokers"
    try:
        async with KafkaAdmin(settings) as admin:
            return [
                Part("kafka", True, f"cluster {await admin.cluster_id()} on {settings.kafka_bootstrap}"),
                *await _topics(admin, settings),
            ]
    except KafkaError as error:
        return [Part("kafka", False, f"{settings.kafka_bootstrap}: {error!r}", cure)]


async def _topics(admin: KafkaAdmin, settings: Settings) -> list[Part]:
    existing = await admin.topics()
    missing = [topic.name for topic in TOPICS if topic.name not in existing]
    if missing:
        return [Part("topics", False, f"missing: {', '.join(missing)}", "run `molva topics --create`")]
    wrong = [
        f"{topic.name} has {existing[topic.name]} partitions, expected {expected}"
        for topic, expected in ((each, topic_spec(each, settings).partitions) for each in TOPICS)
        if topic.spread and existing[topic.name] != expected
    ]
    if wrong:
        cure = "set MOLVA_PARTITIONS and MOLVA_ENRICHED_PARTITIONS to what the topics have"
        return [Part("topics", False, "; ".join(wrong), cure)]
    parts = [Part("topics", True, f"{len(TOPICS)} topics")]
    for hop in HOPS:
        lag = sum((await admin.lag(hop.group, hop.topics)).values())
        parts.append(Part(f"lag {hop.group}", True, f"{lag} records"))
    return parts


def _clickhouse(settings: Settings) -> list[Part]:
    where = f"{settings.clickhouse_host}:{settings.clickhouse_port}"
    clients = Clients(lambda: connect(settings, database="default"))
    try:
        with clients.client() as client:
            version, moment = client.execute("SELECT version(), toUnixTimestamp64Milli(now64(3))")[0]
            behind = pending(client, settings.clickhouse_database)
    except SinkError as error:
        cure = "start `molva up`, or set MOLVA_CLICKHOUSE_HOST, _PORT, _USER and _PASSWORD"
        return [Part("clickhouse", False, f"{where}: {str(error).splitlines()[0]}", cure)]
    finally:
        clients.close()
    skew = abs(datetime.now(UTC).timestamp() - moment / 1000)
    schema = Part(
        "schema",
        not behind,
        "up to date" if not behind else f"pending: {', '.join(behind)}",
        "run `molva migrate`",
    )
    clock = Part(
        "clock", skew < MAX_SKEW_S, f"{skew:.1f} s between here and ClickHouse", "synchronise clocks with NTP"
    )
    return [Part("clickhouse", True, f"{version} on {where}"), schema, clock]


def workers(settings: Settings) -> list[Part]:
    """Every worker and agent of the running ``molva up``."""
    parts = []
    running = read_workers(settings.data_dir)
    if not running and find_stack(settings.data_dir) is not None:
        return [Part("workers", False, "starting: none is running yet", "wait a moment")]
    for worker in running:
        ready, why = probe(LOOPBACK, worker["metrics_port"])
        detail = f"pid {worker['pid']}, metrics on port {worker['metrics_port']}"
        detail += f"; {why}" if why else ""
        log = settings.data_dir / "logs" / f"{worker['name']}.log"
        parts.append(Part(worker["name"], ready, detail, f"see {log}"))
    return parts
