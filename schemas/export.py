"""The contract for machines: a JSON Schema per record and one AsyncAPI 3 document with Kafka bindings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from schemas.base import Record
from schemas.codec import event_type

ASYNCAPI_VERSION = "3.0.0"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


class TopicLike(Protocol):
    """What the export needs to know of a topic (see ``pipeline.topics.Topic``)."""

    @property
    def name(self) -> str: ...
    @property
    def records(self) -> Sequence[type[Record]]: ...
    @property
    def key(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def retention_ms(self) -> int: ...
    @property
    def compacted(self) -> bool: ...


def json_schema(record: type[Record]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a record as it stands in the topic."""
    schema = record.model_json_schema(mode="serialization")
    return {"$schema": DRAFT, "$id": f"urn:{event_type(record)}", **schema}


def file_name(record: type[Record]) -> str:
    """The schema's file, e.g. ``molva.post.v1.schema.json``."""
    return f"{event_type(record)}.schema.json"


def asyncapi(topics: Iterable[TopicLike], version: str, partitions: Mapping[str, int]) -> dict[str, Any]:
    """The AsyncAPI 3 document of the topics.

    Args:
        version: the version of Molva.
        partitions: partitions of each topic, by name.
    """
    topics = list(topics)
    records = {event_type(record): record for topic in topics for record in topic.records}
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Molva",
            "version": version,
            "description": "What people say in public about watched objects, as Kafka topics. Values are "
            "UTF-8 JSON; headers follow the CloudEvents 1.0 Kafka binding in binary mode. Schemas only "
            "change backward-compatibly: ignore fields that you do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, partitions[topic.name]) for topic in topics},
        "operations": {
            f"receive.{topic.name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_pointer(topic.name)}"},
                "summary": f"Consume {topic.about}.",
            }
            for topic in topics
        },
        "components": {"messages": {name: _message(record) for name, record in records.items()}},
    }


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _channel(topic: TopicLike, partitions: int) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"{topic.about[:1].upper()}{topic.about[1:]}. The key is the {topic.key}.",
        "messages": {
            event_type(record): {"$ref": f"#/components/messages/{event_type(record)}"}
            for record in topic.records
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "retention.ms": topic.retention_ms,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(record: type[Record]) -> dict[str, Any]:
    name = event_type(record)
    header = {"type": "string"}
    return {
        "name": name,
        "title": record.__name__,
        "summary": (record.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"],
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_id": header,
                "ce_type": {"const": name},
                "ce_source": header,
                "ce_time": {"type": "string", "format": "date-time"},
            },
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": json_schema(record),
        },
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }
