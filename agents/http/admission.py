"""What the HTTP ingest takes on at a time: the limits of one request, and of all in flight together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from agents.http.refusals import Refusal

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_RECORDS = 10_000
CONFIRM_SECONDS = 10.0
BODY_SECONDS = 30.0
MAX_REQUESTS = 64
MAX_UNPROVEN = 16
"""Of the requests, those whose sender is known only once the body is here."""
MAX_CONNECTIONS = 512
HEAD_SECONDS = 10.0
IDLE_SECONDS = 30.0
MAX_BYTES_IN_FLIGHT = 16 * 1024 * 1024
"""Parsed, a body of small posts takes ten times its bytes."""
MAX_UNPROVEN_BYTES = MAX_BODY_BYTES
"""Of bodies whose sender is not known yet, beside those; with less, no signed body of full size would fit."""
BUSY_SECONDS = 1


@dataclass(frozen=True)
class IngestLimits:
    """What one request may cost, and all that are being processed at the same time."""

    body_bytes: int = MAX_BODY_BYTES
    records: int = MAX_RECORDS
    confirm: timedelta = timedelta(seconds=CONFIRM_SECONDS)
    body: timedelta = timedelta(seconds=BODY_SECONDS)
    """How long a client may take to send its body."""
    requests: int = MAX_REQUESTS
    unproven: int = MAX_UNPROVEN
    """How many of them may be from who has not shown yet who it is."""
    bytes_in_flight: int = MAX_BYTES_IN_FLIGHT
    unproven_bytes: int = MAX_UNPROVEN_BYTES
    """What all from whom that is not known yet hold together; no part of ``bytes_in_flight``."""
    connections: int = MAX_CONNECTIONS
    head: timedelta = timedelta(seconds=HEAD_SECONDS)
    """How long a client may take to send the head of a request."""
    idle: timedelta = timedelta(seconds=IDLE_SECONDS)
    """How long a connection is kept without a request, or with an answer that is not read."""


LIMITS = IngestLimits()


class _Room:
    """Bytes of bodies, of which there is room for so many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def take(self, count: int) -> None:
        """Take up ``count`` more.

        Raises:
            Refusal: 429, there is no room.
        """
        if self._held + count > self._limit:
            raise _busy(f"the requests being processed hold {self._held} bytes")
        self._held += count

    def give(self, count: int) -> None:
        """They are no longer held."""
        self._held -= count


class Ticket:
    """One admitted request."""

    def __init__(self, admission: Admission, *, proven: bool) -> None:
        self._admission = admission
        self._proven = proven
        self._held = 0
        """Bytes of its body so far, decoded."""

    @property
    def _room(self) -> _Room:
        return self._admission.known if self._proven else self._admission.strangers

    def hold(self, count: int) -> None:
        """Take up ``count`` more bytes.

        Raises:
            Refusal: 429, too much is held: by all known senders together, or by all others.
        """
        self._room.take(count)
        self._held += count

    def prove(self) -> None:
        """Its sender has shown who it is: its bytes move to those of known senders.

        Raises:
            Refusal: 429, there is no room among them.
        """
        if not self._proven:
            self._admission.known.take(self._held)
            self.close()
            self._proven = True

    def close(self) -> None:
        """It is over, or no longer among those that are not known."""
        self._room.give(self._held)
        self._admission.unproven -= not self._proven


class Admission:
    """Counts the requests in flight and the bytes that they hold."""

    def __init__(self, limits: IngestLimits) -> None:
        self._limits = limits
        self._requests = 0
        self.unproven = 0
        self.known = _Room(limits.bytes_in_flight)
        self.strangers = _Room(limits.unproven_bytes)

    @contextmanager
    def request(self, *, proven: bool = True) -> Iterator[Ticket]:
        """Admit a request for as long as the block runs; ``proven``: its sender is known already.

        Raises:
            Refusal: 429, too many are being processed.
        """
        if self._requests >= self._limits.requests:
            raise _busy(f"{self._requests} requests are being processed")
        if not proven and self.unproven >= self._limits.unproven:
            raise _busy(f"{self.unproven} signed requests are being read")
        self._requests += 1
        self.unproven += not proven
        ticket = Ticket(self, proven=proven)
        try:
            yield ticket
        finally:
            ticket.close()
            self._requests -= 1


def _busy(what: str) -> Refusal:
    detail = f"{what}; send the request again after the seconds of Retry-After"
    return Refusal(429, "busy", detail, {"Retry-After": str(BUSY_SECONDS)})
