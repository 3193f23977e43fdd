"""What the user who is logged in may do in Kafka, asked without doing anything.

Brokers tell it with the metadata (KIP-430): a bit per operation. aiokafka knows no version of the two
requests with that field (of DescribeGroups it reads the answer wrongly), so they are written down here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    NoError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Bytes, Int16, Int32, Schema, String

from pipeline.kafka_offsets import retry
from pipeline.permissions import Operation

BITS: Final[Mapping[Operation, int]] = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8}
"""Which bit stands for which operation (``AclOperation`` of Apache Kafka)."""
TEXT = String("utf-8")


class MetadataResponse_v8(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", TEXT), ("port", Int32), ("rack", TEXT))),
        ("cluster_id", TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class MetadataRequest_v8(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = MetadataResponse_v8
    SCHEMA = Schema(
        ("topics", Array(TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class RightsOfTopics(Request[MetadataRequest_v8]):
    """Metadata of topics with what may be done with them; makes none of them."""

    API_KEY = 3

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = sorted(topics)

    def build(self, request_struct_class: type[MetadataRequest_v8]) -> MetadataRequest_v8:
        return request_struct_class(self._topics, False, False, True)


class DescribeGroupsResponse_v3(Response):
    API_KEY = 15
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", TEXT),
                ("state", TEXT),
                ("protocol_type", TEXT),
                ("protocol", TEXT),
                (
                    "members",
                    Array(
                        ("member_id", TEXT),
                        ("client_id", TEXT),
                        ("client_host", TEXT),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class DescribeGroupsRequest_v3(RequestStruct):
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = DescribeGroupsResponse_v3
    SCHEMA = Schema(("groups", Array(TEXT)), ("include_authorized_operations", Boolean))


class RightsOfGroup(Request[DescribeGroupsRequest_v3]):
    """A consumer group with what may be done with it."""

    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[DescribeGroupsRequest_v3]) -> DescribeGroupsRequest_v3:
        return request_struct_class([self._group], True)


async def rights_of_topics(client: AIOKafkaAdminClient, topics: Collection[str]) -> dict[str, set[Operation]]:
    """What may be done with topics, by name; without those that do not exist."""
    node = client._client.get_random_node()
    answer: Any = await client._client.send(node, RightsOfTopics(topics))
    found = {}
    for code, topic, _, _, operations in answer.topics:
        error = for_code(code)
        if error is NoError or error is TopicAuthorizationFailedError:
            found[topic] = _operations(operations) if error is NoError else set()
    return found


async def rights_of_group(client: AIOKafkaAdminClient, group: str) -> set[Operation]:
    """What may be done with a consumer group.

    Raises:
        KafkaError: the group's coordinator does not answer.
    """

    async def ask(_: int) -> set[Operation]:
        node = await client.find_coordinator(group)
        answer: Any = await client._client.send(node, RightsOfGroup(group))
        ((code, *_fields, operations),) = answer.groups
        if (error := for_code(code)) is not NoError:
            raise error(group)
        return _operations(operations)

    try:
        return await retry(ask)  # the first question of all makes the brokers choose coordinators
    except GroupAuthorizationFailedError:
        return set()


def _operations(bits: int) -> set[Operation]:
    return {name for name, bit in BITS.items() if bits >> bit & 1}
