"""What Molva asks Kafka about: cluster id, topics, end offsets, committed offsets, lag.

The same code for Apache Kafka and the embedded broker; ends of partitions: see `pipeline.kafka_offsets`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    LeaderNotAvailableError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.helpers import create_ssl_context

from pipeline.kafka_offsets import brokers_topics, high_watermarks, log_ends, log_starts, retry
from pipeline.settings import Settings
from pipeline.topics import (
    AGENT_CURSORS,
    AGENT_PARTITIONS,
    DETECTION_STATE,
    ENRICHED,
    NOTIFICATION_STATE,
    TOPICS,
    Topic,
)

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Kafka's default of 1 MB is less than a long post with its entities."""
STATE_CONFIG = {"cleanup.policy": "compact", "max.message.bytes": str(MAX_MESSAGE_BYTES)}
"""Of a topic in which a stage keeps its state."""


class TopicMismatch(RuntimeError):
    """A topic exists with another number of partitions than the settings say."""


class TopicSpec(NamedTuple):
    """A topic as Kafka knows it."""

    name: str
    partitions: int
    config: Mapping[str, str]


AGENT_CURSORS_SPEC = TopicSpec(AGENT_CURSORS, AGENT_PARTITIONS, STATE_CONFIG | {"segment.ms": "3600000"})
"""Its rows change every few seconds: closed within the hour, a segment is compacted and a take-over short."""


def client_options(settings: Settings) -> dict[str, Any]:
    """How to connect: keyword arguments of every aiokafka client."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security,
    }
    if settings.kafka_security in {"SSL", "SASL_SSL"}:
        ca_file = None if settings.kafka_ca_file is None else str(settings.kafka_ca_file)
        options["ssl_context"] = create_ssl_context(cafile=ca_file)
    if settings.kafka_security.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return options


def topic_spec(topic: Topic, settings: Settings) -> TopicSpec:
    """A topic of the contract with the partitions and retention that the settings give it."""
    config = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }
    return TopicSpec(topic.name, _width(topic, settings), config)


def _width(topic: Topic, settings: Settings) -> int:
    if not topic.spread:
        return 1
    alone = settings.kafka_kind == "embedded"
    if topic.name == ENRICHED and (settings.enriched_partitions or alone):
        return settings.enriched_partitions or 1  # storage alone reads it: one worker there
    return settings.partitions


def width_setting(topic: str) -> str:
    """The variable that says how many partitions a spread topic has."""
    return "MOLVA_ENRICHED_PARTITIONS" if topic == ENRICHED else "MOLVA_PARTITIONS"


def state_specs(settings: Settings) -> list[TopicSpec]:
    """The topics in which stages keep their state: no part of the contract."""
    return [
        TopicSpec(DETECTION_STATE, settings.partitions, STATE_CONFIG),
        TopicSpec(NOTIFICATION_STATE, 1, STATE_CONFIG),
        AGENT_CURSORS_SPEC,
    ]


class KafkaAdmin:
    """One connection for questions: ``async with KafkaAdmin(settings) as admin``.

    Every method raises ``aiokafka.errors.KafkaError`` where Kafka cannot be reached or refuses.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = AIOKafkaAdminClient(**client_options(settings), client_id="molva-admin")

    async def __aenter__(self) -> Self:
        try:
            await self._client.start()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def cluster_id(self) -> str:
        """The cluster's id; the embedded broker has a new one at every start."""
        return str((await self._client.describe_cluster())["cluster_id"])

    async def topics(self) -> dict[str, int]:
        """Partition counts of all topics."""
        # all of them: asking for one by name would create it
        return {each["topic"]: len(each["partitions"]) for each in await self._client.describe_topics()}

    async def ensure_topics(self, topics: Iterable[Topic | TopicSpec] = TOPICS) -> list[str]:
        """Create the topics that are missing, and wait until they are visible.

        Returns:
            Names of the topics that were created.

        Raises:
            TopicMismatch: a topic exists with another number of partitions.
        """
        specs = [topic_spec(each, self._settings) if isinstance(each, Topic) else each for each in topics]
        existing = await self.topics()
        missing = [spec for spec in specs if spec.name not in existing]
        if missing:
            await retry(lambda _: self._create(missing))
            existing = await retry(lambda _: self._visible(missing))
        for spec in specs:
            if existing[spec.name] != spec.partitions:
                found, setting = existing[spec.name], width_setting(spec.name)
                raise TopicMismatch(
                    f"topic {spec.name} has {found} partitions, the settings say {spec.partitions}: "
                    f"set {setting}={found}, or delete the topic"
                )
        return [spec.name for spec in missing]

    async def _create(self, specs: Collection[TopicSpec]) -> None:
        replicas = self._settings.replicas
        new = [
            NewTopic(spec.name, spec.partitions, replicas, topic_configs=dict(spec.config)) for spec in specs
        ]
        answer = await self._client.create_topics(new)
        for name, code, *message in answer.topic_errors:
            error = for_code(code)
            if error not in (NoError, TopicAlreadyExistsError):  # another process may be quicker
                raise error(f"cannot create topic {name}: {message}")

    async def _visible(self, specs: Collection[TopicSpec]) -> dict[str, int]:
        """Every broker has to know them: the next question may go to another one."""
        known = await brokers_topics(self._client)
        for spec in specs:
            if not known or not all(names.get(spec.name) for names in known):
                raise LeaderNotAvailableError(f"topic {spec.name} is not visible yet")
        return await self.topics()

    async def end_offsets(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        """The offset that the next record will get, exactly, of every partition of the topics.

        Raises:
            UnknownTopicOrPartitionError: a topic does not exist.
        """
        return await self._ends(await self._partitions(topics))

    async def _ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        ask = high_watermarks if self._settings.kafka_kind == "embedded" else log_ends
        return await ask(self._client, partitions)

    async def committed_offsets(
        self, group: str, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int | None]:
        """The group's committed offsets; None where it has not committed."""
        asked = list(partitions)
        if not asked:
            return {}
        found = await retry(lambda _: self._client.list_consumer_group_offsets(group, partitions=asked))
        offsets = {each: found[each].offset if each in found else -1 for each in asked}
        return {each: None if offset < 0 else offset for each, offset in offsets.items()}

    async def lag(self, group: str, topics: Iterable[str]) -> dict[TopicPartition, int]:
        """Records that the group has not committed, by partition; without a commit all that the log holds."""
        partitions = await self._partitions(topics)
        committed = await self.committed_offsets(group, partitions)
        ends = await self._ends(partitions)
        unread = [each for each in partitions if committed[each] is None]
        begins = await log_starts(self._client, unread)
        return {
            each: max(0, ends[each] - (begins[each] if (at := committed[each]) is None else at))
            for each in partitions
        }

    async def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        counts = await self.topics()
        names = list(topics)
        if missing := [name for name in names if name not in counts]:
            raise UnknownTopicOrPartitionError(f"no such topic: {', '.join(missing)}")
        return [TopicPartition(name, number) for name in names for number in range(counts[name])]
