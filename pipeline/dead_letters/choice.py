"""Which dead letters are meant: the filters of ``molva dead-letters``, for ClickHouse and for the topic."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pipeline.topics import BY_NAME
from schemas import DeadLetter, Origin

State = Literal["open", "replayed", "purged"]
"""open: nothing was done about it; replayed: its record was sent again; purged: dismissed by a person."""
EVERY_STATE: tuple[State, ...] = ("open", "replayed", "purged")
HASH_DIGITS = 16
_ORIGIN = re.compile(r"^(.+):(\d+):(\d+)$")


class Found(NamedTuple):
    """A dead letter and what became of it; ``resent``: where its record stands now, or empty."""

    letter: DeadLetter
    state: State
    resent: str = ""


class Group(NamedTuple):
    """Dead letters of one stage, reason and source; ``newest_id`` and ``detail`` are those of the newest."""

    stage: str
    reason: str
    source: str
    letters: int
    oldest: datetime
    newest: datetime
    newest_id: str
    detail: str


def record_key(letter: DeadLetter) -> str:
    """The record behind a dead letter: the same for the letters of all stages that gave it up.

    The hash tells apart what two brokers (the embedded one begins anew at every start) had at one place.
    """
    return f"{letter.origin}#{letter.payload_sha256[:HASH_DIGITS]}"


def kafka_origin(letter: DeadLetter) -> Origin | None:
    """Where in Kafka the record stands; None where an agent read it elsewhere (a file, a request)."""
    match = _ORIGIN.match(letter.origin)
    if match is None or match[1] not in BY_NAME:
        return None
    return Origin(topic=match[1], partition=int(match[2]), offset=int(match[3]))


def source(origin: str) -> str:
    """The topic, or the file or request, that an origin names."""
    return origin.rpartition(":")[0] if (match := _ORIGIN.match(origin)) is None else match[1]


@dataclass(frozen=True)
class Choice:
    """Everything that is set must hold. ``ids`` are ids or origins; ``since`` <= failed_at < ``until``."""

    ids: Collection[str] = ()
    stage: str | None = None
    reason: str | None = None
    topic: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    states: tuple[State, ...] = ("open",)

    @property
    def narrowed(self) -> bool:
        """Something besides the states is set."""
        return bool(self.ids) or any(
            each is not None
            for each in (self.stage, self.reason, self.topic, self.since, self.until, self.text)
        )

    def of(self, states: tuple[State, ...]) -> Choice:
        """The same choice among letters of these states."""
        return replace(self, states=states)

    def matches(self, letter: DeadLetter) -> bool:
        """Whether a letter is meant, whatever its state."""
        return (
            (not self.ids or letter.id in self.ids or letter.origin in self.ids)
            and self.stage in (None, letter.stage)
            and self.reason in (None, letter.reason)
            and self.topic in (None, source(letter.origin))
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
            and (self.text is None or self._says(letter))
        )

    def _says(self, letter: DeadLetter) -> bool:
        wanted = (self.text or "").casefold()
        return wanted in letter.payload.casefold() or wanted in letter.detail.casefold()

    def condition(self) -> tuple[str, dict[str, Any]]:
        """The same as SQL over `pipeline.dead_letters.store.LETTERS`, with its parameters."""
        parts: list[tuple[str, str, Any]] = [
            ("(id IN %(ids)s OR origin IN %(ids)s)", "ids", tuple(self.ids) or None),
            ("stage = %(stage)s", "stage", self.stage),
            ("reason = %(reason)s", "reason", self.reason),
            ("source = %(topic)s", "topic", self.topic),
            ("failed_at >= %(since)s", "since", self.since),
            ("failed_at < %(until)s", "until", self.until),
            (
                "(positionCaseInsensitiveUTF8(payload, %(text)s) > 0"
                " OR positionCaseInsensitiveUTF8(detail, %(text)s) > 0)",
                "text",
                self.text,
            ),
            ("state IN %(states)s", "states", tuple(self.states)),
        ]
        used = [(sql, name, value) for sql, name, value in parts if value is not None]
        return " AND ".join(sql for sql, _, _ in used), {name: value for _, name, value in used}
