"""Bytes of a topic -> entries for ClickHouse, or the dead letters of what does not decode: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline import topics
from pipeline.sink.batch import Batch, StoredRecord
from pipeline.sink.rows import Entry, entry
from schemas import DeadLetter, Record
from schemas.codec import InvalidRecord, decode, header
from schemas.dead_letter import Reason

STAGE = "storage"
_ROW_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""A defect in `entry` that one record brings to light must not stop the records around it."""


@dataclass(frozen=True)
class Reading:
    """What the records of one batch are: rows to store, and records that cannot be read."""

    entries: tuple[Entry, ...]
    dead_letters: tuple[DeadLetter, ...]
    """To be sent to ``molva.dead-letters``; a broken record of that topic itself is among the entries."""


def read(records: Sequence[StoredRecord], batch: Batch) -> Reading:
    """Decode the records of a batch; watermarks are skipped.

    A broken record of the dead letters' topic becomes a row at once: sent to the topic, it would loop.
    """
    entries: list[Entry] = []
    rejected: list[DeadLetter] = []
    for record in records:
        try:
            found = _decode(record)
            if found is not None:
                entries.append(entry(found, batch, record.offset))
        except InvalidRecord as error:
            letter = dead_letter(record, error.reason, error.detail)
            if record.topic == topics.DEAD_LETTERS:
                entries.append(entry(letter, batch, record.offset))
            else:
                rejected.append(letter)
        except _ROW_ERRORS as error:
            rejected.append(dead_letter(record, "failed", f"{type(error).__name__}: {error}"))
    return Reading(tuple(entries), tuple(rejected))


def dead_letter(record: StoredRecord, reason: Reason, detail: str) -> DeadLetter:
    """The dead letter of a record; dated by its Kafka timestamp, so that each redelivery gives the same."""
    return DeadLetter.of(
        record.value or b"",
        stage=STAGE,
        origin=f"{record.topic}:{record.partition}:{record.offset}",
        reason=reason,
        detail=detail,
        failed_at=datetime.fromtimestamp(max(0, record.timestamp) / 1000, UTC),
    )


def _decode(record: StoredRecord) -> Record | None:
    """The record, or None for a watermark, which storage has no use for.

    Raises:
        InvalidRecord: the bytes are no record of the topic.
    """
    carried = topics.BY_NAME[record.topic].records
    stated = header(record.headers, "ce_type")
    if stated is None:
        return decode(carried[0], record.value)
    for model in carried:
        if stated.startswith(f"molva.{model.TYPE}.v"):
            return None if model is not carried[0] else decode(model, record.value)
    raise InvalidRecord("unknown_type", f"{stated} does not belong to {record.topic}")
