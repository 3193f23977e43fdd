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
    connections: int = MAX_CONNECTIONS
    head: timedelta = timedelta(seconds=HEAD_SECONDS)
    """How long a client may take to send the head of a request."""
    idle: timedelta = timedelta(seconds=IDLE_SECONDS)
    """How long a connection is kept without a request, or with an answer that is not read."""


LIMITS = IngestLimits()


class Ticket:
    """One admitted request."""

    def __init__(self, admission: Admission, *, proven: bool) -> None:
        self._admission = admission
        self._proven = proven
        self.held = 0
        """Bytes of its body so far, decoded."""

    def prove(self) -> None:
        """Its sender has shown who it is."""
        if not self._proven:
            self._proven = True
            self._admission.unproven -= 1

    def hold(self, count: int) -> None:
        """Take up ``count`` more bytes.

        Raises:
            Refusal: 429, all requests together hold too much.
        """
        self._admission.hold(count)
        self.held += count


class Admission:
    """Counts the requests in flight and the bytes that they hold."""

    def __init__(self, limits: IngestLimits) -> None:
        self._limits = limits
        self._requests = 0
        self._bytes = 0
        self.unproven = 0

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
            ticket.prove()
            self._requests -= 1
            self._bytes -= ticket.held

    def hold(self, count: int) -> None:
        """See `Ticket.hold`."""
        if self._bytes + count > self._limits.bytes_in_flight:
            raise _busy(f"the requests being processed hold {self._bytes} bytes")
        self._bytes += count


def _busy(what: str) -> Refusal:
    detail = f"{what}; send the request again after the seconds of Retry-After"
    return Refusal(429, "busy", detail, {"Retry-After": str(BUSY_SECONDS)})
