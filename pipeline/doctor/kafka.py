"""Kafka: is it reached, are the topics there and wide enough, who may do what, whose clock is off."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError

from pipeline.checks import MAX_SKEW_S, Part
from pipeline.doctor.rights import rights_of_group, rights_of_topics
from pipeline.drain import HOPS
from pipeline.kafka import client_options, state_specs, topic_spec, width_setting
from pipeline.permissions import OPERATOR, Operation, permissions
from pipeline.settings import Settings
from pipeline.topics import ENRICHED, TOPICS

CONNECT_MS = 5000
CREATE = "run `molva topics --create`"
ACLS = "allow it: `molva topics --acls` prints the rights of every user (deploy/kafka/acls.sh)"
CLOCKS = "synchronise clocks with NTP: here, and where agents and workers run"


async def check_kafka(settings: Settings, principal: str, clock: Callable[[], datetime]) -> list[Part]:
    """Every finding about the brokers; ``principal``: whose rights are asked for."""
    async with AsyncExitStack() as closing:
        try:
            client = AIOKafkaAdminClient(**client_options(settings), client_id="molva-doctor")
            closing.push_async_callback(client.close)
            await client.start()
            cluster = await client.describe_cluster()
            described = {each["topic"]: each["partitions"] for each in await client.describe_topics()}
        except (KafkaError, OSError) as error:
            return [await _unreachable(settings, error)]
        rights: dict[str, set[Operation]] | None = None
        denied: list[Part] = []
        if settings.kafka_kind == "kafka":
            rights = await rights_of_topics(client, _our_topics(settings))
            denied = [await _rights(client, rights, principal)]
        reached = f"cluster {cluster['cluster_id']} on {settings.kafka_bootstrap}"
        return [
            Part("kafka", True, reached),
            *_brokers(settings, len(cluster["brokers"])),
            *denied,
            _missing(described, rights or {}),
            *_widths(settings, {name: len(found) for name, found in described.items()}),
            *replication(described),
            *await _clock(settings, described, clock()),
        ]


def _our_topics(settings: Settings) -> dict[str, int]:
    """Topic -> partitions that it must have; the stages' own included."""
    ours = {topic.name: topic_spec(topic, settings).partitions for topic in TOPICS}
    return ours | {spec.name: spec.partitions for spec in state_specs(settings)}


async def _unreachable(settings: Settings, error: Exception) -> Part:
    """Why, as far as a single connection tells; aiokafka itself only says that it cannot bootstrap."""
    cure = "start `molva up`, or set MOLVA_KAFKA_BOOTSTRAP to your brokers"
    reasons = []
    for address in settings.kafka_bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        reason = await _connection_error(settings, host, int(port) if port.isdigit() else 0)
        reasons.append(f"{address.strip()}: {reason or 'connects, but is no broker of this cluster'}")
        if reason is not None and not isinstance(reason, ConnectionRefusedError):
            cure = (
                "see that MOLVA_KAFKA_SECURITY is what this listener speaks, and that "
                "MOLVA_KAFKA_SASL_MECHANISM, _USERNAME, _PASSWORD and _CA_FILE are right"
            )
    return Part("kafka", False, "; ".join(reasons) or repr(error), cure)


async def _connection_error(settings: Settings, host: str, port: int) -> Exception | None:
    try:
        options = client_options(settings)
        del options["bootstrap_servers"]
        connection = await create_conn(host, port, request_timeout_ms=CONNECT_MS, **options)
    except (KafkaError, OSError) as error:
        cause = error.__cause__
        return cause if isinstance(cause, Exception) else error
    connection.close()
    return None


def _brokers(settings: Settings, count: int) -> list[Part]:
    if settings.replicas <= count:
        return []
    detail = f"MOLVA_REPLICAS={settings.replicas}, but there are {count} brokers: no topic can be made"
    return [Part("brokers", False, detail, f"set MOLVA_REPLICAS={count}, or start more brokers")]


def _missing(described: Mapping[str, Any], rights: Mapping[str, set[Operation]]) -> Part:
    missing = [topic.name for topic in TOPICS if topic.name not in described and topic.name not in rights]
    if missing:
        return Part("topics", False, f"missing: {', '.join(missing)}", CREATE)
    return Part("topics", True, f"{len(TOPICS)} topics")


def _widths(settings: Settings, found: Mapping[str, int]) -> list[Part]:
    wanted = _our_topics(settings)
    wrong = {name: found[name] for name in wanted if name in found and found[name] != wanted[name]}
    if not wrong:
        return []
    spread = {topic.name for topic in TOPICS if wanted[topic.name] > 1}
    widths = {found[name] for name in spread if name in found}
    detail = "; ".join(f"{name} has {count}, expected {wanted[name]}" for name, count in wrong.items())
    if wrong.keys() == {ENRICHED}:
        cure = f"set {width_setting(ENRICHED)}={wrong[ENRICHED]} for every worker and agent"
    elif len(widths) == 1 and not any(wanted[name] == 1 for name in wrong):
        cure = f"set MOLVA_PARTITIONS={widths.pop()} for every worker and agent"
    else:
        cure = (
            "the topics of posts and mentions, and detection's state, must be equally wide, the others have "
            "one partition: let everything flow out, stop the workers, delete the topic, " + CREATE
        )
    return [Part("partitions", False, detail, cure)]


def replication(described: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Part]:
    """Partitions of our topics without leader, or with copies that are behind.

    Args:
        described: topic -> its partitions, each with ``partition``, ``leader`` (-1: none), ``replicas`` and
            ``isr``, as Kafka's metadata has them.
    """
    ours = [(topic.name, each) for topic in TOPICS for each in described.get(topic.name, ())]
    orphans = [f"{name}:{each['partition']}" for name, each in ours if each["leader"] < 0]
    thin = [f"{name}:{each['partition']}" for name, each in ours if len(each["isr"]) < len(each["replicas"])]
    parts = []
    if orphans:
        detail = f"without leader: {', '.join(orphans)}"
        parts.append(Part("replication", False, detail, "start the brokers that hold them"))
    if thin := [each for each in thin if each not in orphans]:
        cure = "start the brokers that are away; a broker that is back needs a moment to catch up"
        parts.append(Part("replication", False, f"copies are missing: {', '.join(thin)}", cure))
    return parts


async def _rights(client: AIOKafkaAdminClient, rights: Mapping[str, set[Operation]], principal: str) -> Part:
    """What the principal needs and may not; of a topic that does not exist nothing can be said."""
    lacks = []
    for permission in permissions():
        if principal not in permission.principals:
            continue
        for name in _covered(permission.topics, permission.prefixed, sorted(rights)):
            needed = [each for each in permission.operations if each != "Create" and each not in rights[name]]
            lacks += [f"{operation} topic {name}" for operation in needed]
        groups = [permission.group] if permission.group else []
        for group in _covered(groups, permission.prefixed, [hop.group for hop in HOPS]):
            held = await rights_of_group(client, group)
            lacks += [f"{each} group {group}" for each in permission.operations if each not in held]
    who = "the operator" if principal == OPERATOR else principal
    if lacks:
        return Part("rights", False, f"what {who} needs is denied: {', '.join(lacks)}", ACLS)
    return Part("rights", True, f"all that {who} needs in Kafka is allowed")


def _covered(names: Collection[str], prefixed: bool, known: Iterable[str]) -> list[str]:
    if prefixed:
        return [each for each in known if each.startswith(tuple(names))] if names else []
    return [each for each in known if each in names]


async def _clock(settings: Settings, described: Mapping[str, Any], now: datetime) -> list[Part]:
    """Records of the future. Kafka tells no time; its records carry that of whoever sent them."""
    if settings.kafka_kind != "kafka":
        return []  # it runs on this machine
    places = [
        TopicPartition(topic.name, number)
        for topic in TOPICS
        for number in range(len(described.get(topic.name, ())))
    ]
    if not places:
        return []
    moment = round((now.timestamp() + MAX_SKEW_S) * 1000)
    consumer = AIOKafkaConsumer(**client_options(settings))
    try:
        await consumer.start()
        found = await consumer.offsets_for_times(dict.fromkeys(places, moment))
    finally:
        await consumer.stop()
    ahead = {place: each.timestamp / 1000 - now.timestamp() for place, each in found.items() if each}
    if not ahead:
        return [Part("clock of senders", True, "no record is dated in the future")]
    place, seconds = max(ahead.items(), key=lambda item: item[1])
    detail = f"{place.topic}:{place.partition} holds records dated {seconds:.0f} s later than now here"
    return [Part("clock of senders", False, detail, CLOCKS)]
