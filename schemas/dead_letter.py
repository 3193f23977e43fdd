"""A record that cannot be processed, kept with its origin and the reason: ``molva.dead-letters``."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import ClassVar, Literal, Self

from schemas.base import Record, UtcDatetime

MAX_PAYLOAD_BYTES = 32_768

Reason = Literal[
    "not_json",  # bytes that are no JSON document
    "invalid",  # JSON that breaks the schema (a missing field, a wrong date)
    "implausible_time",  # dated before 2000 or later than it was collected
    "too_large",  # a text, extras or record above the limit
    "unknown_type",  # a CloudEvents type that the topic does not carry
    "failed",  # the stage's code raised on this record
]


class DeadLetter(Record):
    """``id`` is ``<stage>/<origin>#<hash>``: the same for every delivery of the same bad record.

    The hash (8 digits of ``payload_sha256``) tells records apart that stood at the same place one after
    the other: the embedded broker begins again at offset 0 at every start.
    """

    TYPE: ClassVar[str] = "dead-letter"

    id: str
    stage: str
    """Where it was found: ``agent:replay``, ``enrichment``, ``detection``, ``storage``."""
    origin: str
    """``<topic>:<partition>:<offset>``, or ``<file>:<line>`` and the like for an agent's input."""
    reason: Reason
    detail: str
    """One line for a person: what is wrong."""
    payload: str
    """The first 32 KiB of the record; bytes that are no UTF-8 are written as ``\\xNN``."""
    payload_size: int
    """Bytes of the whole record."""
    payload_sha256: str
    failed_at: UtcDatetime

    @classmethod
    def of(
        cls, payload: bytes, *, stage: str, origin: str, reason: Reason, detail: str, failed_at: datetime
    ) -> Self:
        """Describe ``payload`` as a dead letter of ``stage``."""
        digest = hashlib.sha256(payload).hexdigest()
        return cls(
            id=f"{stage}/{origin}#{digest[:8]}",
            stage=stage,
            origin=origin,
            reason=reason,
            detail=detail[:2000],
            payload=payload[:MAX_PAYLOAD_BYTES].decode("utf-8", errors="backslashreplace"),
            payload_size=len(payload),
            payload_sha256=digest,
            failed_at=failed_at,
        )

    @property
    def event_id(self) -> str:
        return self.id

    @property
    def event_source(self) -> str:
        return self.stage

    @property
    def event_time(self) -> datetime:
        return self.failed_at

    @property
    def key(self) -> str:
        return self.id
