"""From a dead letter to the message that is sent again, or why it cannot be: no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal, NamedTuple

from aiokafka.partitioner import DefaultPartitioner

from pipeline.dead_letters.choice import kafka_origin, record_key
from pipeline.dead_letters.originals import REPLAY_OF, Original
from pipeline.emission import Outgoing
from pipeline.topics import BY_NAME, DEAD_LETTERS
from schemas import DeadLetter, Origin, Record, Watermark
from schemas.codec import Headers, InvalidRecord, Message, decode, encode, header

Status = Literal["sent", "would be sent", "already sent", "busy", "still bad", "gone", "not of Kafka"]


class Outcome(NamedTuple):
    """What a replay made of the record of a dead letter; ``detail``: where it stands now, or why not."""

    letter_id: str
    origin: str
    status: Status
    detail: str = ""


class Ready(NamedTuple):
    """A record that can be sent again, with its partition."""

    record: str
    letter: DeadLetter
    item: Outgoing
    partition: int


def prepare(
    letter: DeadLetter, originals: Mapping[Origin, Original], widths: Mapping[str, int], *, force: bool
) -> Ready | Outcome:
    """The message with which the record of a letter goes back to its topic.

    Args:
        originals: what Kafka still has.
        widths: partitions by topic.
        force: send also what the present code would give up again.
    """
    origin = kafka_origin(letter)
    if origin is None or origin.topic == DEAD_LETTERS:
        detail = f"it was read from {letter.origin}: mend it there and collect it again"
        return Outcome(letter.id, letter.origin, "not of Kafka", detail)
    original = _true_original(letter, originals.get(origin)) or _from_letter(letter, origin.topic)
    if original is None or original.value is None:
        detail = "Kafka no longer holds it, and the dead letter not enough of it to be sent"
        return Outcome(letter.id, letter.origin, "gone", detail)
    if trouble := _trouble(origin.topic, original, force=force):
        return Outcome(letter.id, letter.origin, "still bad", trouble)
    record = record_key(letter)
    headers: Headers = [pair for pair in original.headers if pair[0] != REPLAY_OF]
    message = Message(original.key, original.value, [*headers, (REPLAY_OF, record.encode())])
    partition = _partition(origin, original.key, widths[origin.topic])
    return Ready(record, letter, Outgoing(origin.topic, message, partition), partition)


def _true_original(letter: DeadLetter, found: Original | None) -> Original | None:
    """What stands at the origin, if it is the record of the letter and not of another broker's past."""
    if found is None or hashlib.sha256(found.value or b"").hexdigest() != letter.payload_sha256:
        return None
    return found


def _from_letter(letter: DeadLetter, topic: str) -> Original | None:
    """The record as the letter holds it, with the key and headers that our producers give such a record."""
    value = letter.payload.encode()
    if hashlib.sha256(value).hexdigest() != letter.payload_sha256:
        return None
    try:
        message = encode(decode(BY_NAME[topic].records[0], value))
    except InvalidRecord:
        return None
    return Original(message.key, value, message.headers)


def _trouble(topic: str, original: Original, *, force: bool) -> str | None:
    """Why a record should not be sent again; a watermark never is, later ones have replaced it."""
    model = _model(topic, header(original.headers, "ce_type"))
    if model is Watermark:
        return "a watermark: later ones have replaced it"
    if force:
        return None
    if model is None:
        return f"{topic} does not carry {header(original.headers, 'ce_type')}; --force sends it all the same"
    try:
        decode(model, original.value)
    except InvalidRecord as error:
        return f"{error.reason}, {error.detail}; --force sends it all the same"
    return None


def _model(topic: str, stated: str | None) -> type[Record] | None:
    carried = BY_NAME[topic].records
    if stated is None:
        return carried[0]
    return next((each for each in carried if stated.startswith(f"molva.{each.TYPE}.v")), None)


def _partition(origin: Origin, key: bytes | None, width: int) -> int:
    """The partition that the record had, or its key's where the topic has been made narrower."""
    if origin.partition < width:
        return origin.partition
    every = list(range(width))
    chosen: int = DefaultPartitioner()(key, every, every)
    return chosen
