"""The shape of a record as it was read from Kafka, whichever client read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class PlacedRecord(Protocol):
    """A record with its place: `pipeline.batches.Incoming`, aiokafka's ``ConsumerRecord``."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
