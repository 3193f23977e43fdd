"""What stages send and how they say so: they are handed an ``Emit`` and never see Kafka."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from pipeline.batches import Incoming
from pipeline.topics import DEAD_LETTERS
from schemas import DeadLetter, Reason, Record
from schemas.codec import Message, encode

MAX_RECORD_BYTES = 3_500_000
"""Our topics take 4 MB; what is larger becomes a dead letter instead of an error of the broker."""


class Outgoing(NamedTuple):
    """One message for a topic.

    ``partition`` None: the key decides; ``timestamp`` None: the producer's clock.
    """

    topic: str
    message: Message
    partition: int | None = None
    timestamp: datetime | None = None


Emit = Callable[[Sequence[Outgoing]], Awaitable[None]]
"""Send in order, return when the brokers have confirmed every one of them."""


def outgoing(topic: str, record: Record) -> Outgoing:
    """Encode a record for a topic."""
    return Outgoing(topic, encode(record))


def dead_letter(record: Incoming, stage: str, reason: Reason, detail: str, failed_at: datetime) -> Outgoing:
    """The dead letter of a record that ``stage`` cannot process."""
    letter = DeadLetter.of(
        record.value or b"",
        stage=stage,
        origin=str(record.origin),
        reason=reason,
        detail=detail,
        failed_at=failed_at,
    )
    return outgoing(DEAD_LETTERS, letter)
