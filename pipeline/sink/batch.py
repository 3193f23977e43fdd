"""A batch: the records lo..hi of one partition, which go to ClickHouse under one token."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from pipeline.kafka_record import PlacedRecord


class StoredRecord(PlacedRecord, Protocol):
    """A record as the consumer reads it (aiokafka's ``ConsumerRecord``); ``timestamp`` in milliseconds."""

    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True)
class Batch:
    """The offsets ``lo``..``hi`` (both included) of one partition of one broker incarnation."""

    cluster: str
    topic: str
    partition: int
    lo: int
    hi: int

    @cached_property
    def token(self) -> str:
        """``insert_deduplication_token``: the embedded broker restarts its offsets, hence the cluster."""
        return f"{self.cluster}:{self.topic}:{self.partition}:{self.lo}-{self.hi}"

    @cached_property
    def digest(self) -> int:
        """Column ``_batch``: 64 bits of the token, by which a retry knows the rows of its earlier attempt."""
        return int.from_bytes(hashlib.blake2b(self.token.encode(), digest_size=8).digest(), "big")

    def provenance(self, offset: int) -> dict[str, Any]:
        """The columns that say which record a row was made from, and in which batch."""
        return {
            "_cluster": self.cluster,
            "_topic": self.topic,
            "_partition": self.partition,
            "_offset": offset,
            "_batch": self.digest,
        }
