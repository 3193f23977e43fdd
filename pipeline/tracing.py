"""Traces: the way of a post from its agent to ClickHouse, carried on from record to record in a Kafka header.

Stages are given a `Tracing`. `OFF`, the default, does nothing; `pipeline.tracing_otel` makes the spans.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from pipeline.errors import UsageError
from pipeline.kafka_record import PlacedRecord
from pipeline.settings import Settings
from schemas.codec import Headers, Message

TRACEPARENT = "traceparent"
"""The header of W3C Trace Context: ``00-<trace id>-<span id>-<flags>``."""


class Carried(Protocol):
    """Something to be sent: `pipeline.emission.Outgoing`."""

    @property
    def message(self) -> Message: ...


class BatchTrace(Protocol):
    """The traces of the records that a stage processes together."""

    def follow(self, record: PlacedRecord, out: Iterable[Carried]) -> None:
        """What is sent because of one record continues its trace."""
        ...

    def lead(self, out: Iterable[Carried]) -> None:
        """What is sent because of several records belongs to the trace of the batch."""
        ...

    def step(self, name: str) -> AbstractContextManager[None]:
        """A part of the work on the batch, e.g. the insert."""
        ...


class Tracing(Protocol):
    """Where the spans of a process go."""

    def publish(self, topic: str, headers: Headers) -> Callable[[asyncio.Future[Any]], None] | None:
        """Begin the trace of a record that an agent sends: adds to ``headers``.

        Returns:
            The callback of its delivery, which ends the span; None: there is no span.
        """
        ...

    def batch(self, stage: str, records: Sequence[PlacedRecord]) -> AbstractContextManager[BatchTrace]:
        """The work of a stage on some records, from now to the end of the block."""
        ...

    def close(self) -> None:
        """Send what is not sent yet, for some seconds at most."""
        ...


class _Nothing:
    """Both protocols, without any effect."""

    def publish(self, topic: str, headers: Headers) -> None:
        return None

    def batch(self, stage: str, records: Sequence[PlacedRecord]) -> AbstractContextManager[BatchTrace]:
        return _nothing(self)

    def close(self) -> None:
        """Nothing was kept."""

    def follow(self, record: PlacedRecord, out: Iterable[Carried]) -> None:
        """No header."""

    def lead(self, out: Iterable[Carried]) -> None:
        """No header."""

    def step(self, name: str) -> AbstractContextManager[None]:
        return _no_step()


@contextmanager
def _nothing(trace: _Nothing) -> Iterator[_Nothing]:
    yield trace


@contextmanager
def _no_step() -> Iterator[None]:
    yield


OFF: Tracing = _Nothing()


def open_tracing(settings: Settings, service: str) -> Tracing:
    """The tracing that the settings ask for, under the name ``molva-<service>``.

    Raises:
        UsageError: it is asked for and not installed.
    """
    if settings.traces == "off":
        return OFF
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise UsageError(
            "MOLVA_TRACES=otlp needs the extra `tracing`: pip install -c constraints.txt '.[tracing]'"
        )
    tracing: Tracing = import_module("pipeline.tracing_otel").to_collector(f"molva-{service}")
    return tracing
