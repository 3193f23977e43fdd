"""A notification stage in memory: its clock, journal and topics, and a receiver that obeys a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pipeline.alerts.configuration import Configuration
from pipeline.alerts.desk import Desk
from pipeline.alerts.outbox import Outbox
from pipeline.alerts.receiver import Delivered, Later, Notification, Outcome, Receiver, Refused
from pipeline.alerts.routing import Routing
from pipeline.batches import Incoming
from pipeline.core.incidents import Incidents
from pipeline.emission import Outgoing
from pipeline.metrics import Metrics
from pipeline.stages.notification import Shift, Surroundings
from pipeline.topics import ACTIONS, ALERTS, DEAD_LETTERS, SPIKES
from schemas import Alert, AlertAction, DeadLetter, Record
from schemas.codec import decode, encode
from tests.alerts.spikes import T0, tell

PATIENCE = timedelta(days=1)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = T0
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Scripted:
    """A receiver that answers (or raises) what it is told to, then `Delivered` for ever."""

    def __init__(self, name: str, *outcomes: Outcome | Exception) -> None:
        self.name = name
        self.outcomes = list(outcomes)
        self.got: list[Notification] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def send(self, notification: Notification) -> Outcome:
        await self.hold.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Delivered()
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.got.append(notification)
        return outcome

    async def close(self) -> None:
        self.outcomes = [Refused("closed")]

    def keys(self) -> list[str]:
        return [each.idempotency_key for each in self.got]


class MemoryRows:
    """A journal in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}

    async def read(self) -> dict[str, bytes]:
        return dict(self.rows)

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        for key, value in rows.items():
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value


class Stage:
    """A shift over receivers of one's own; everything that it sent to Kafka."""

    def __init__(
        self,
        configuration: Configuration,
        receivers: Sequence[Receiver],
        rows: MemoryRows | None = None,
        time: Time | None = None,
        limit: int = 100,
        cluster: str = "c1",
    ) -> None:
        self.time = time or Time()
        self.rows = rows or MemoryRows()
        self.sent: list[Outgoing] = []
        self.metrics = Metrics()
        self.offset = 0
        self.end = 1_000_000
        around = Surroundings(
            cluster,
            self._ends,
            self._emit,
            self.rows,
            self.metrics,
            self.time,
            self.time.sleep,
            lambda: 0.5,
        )
        desk = Desk(
            Incidents(tell, configuration.cooldown),
            Routing(configuration),
            Outbox([receiver.name for receiver in receivers], limit),
            configuration.patience,
        )
        self.shift = Shift(desk, receivers, configuration.patience, around)

    async def _ends(self) -> dict[str, int]:
        return {SPIKES: self.end, ACTIONS: self.end}

    async def _emit(self, items: Sequence[Outgoing]) -> None:
        self.sent += items

    async def take(self, *records: Record | bytes, topic: str = SPIKES) -> None:
        """Records as one batch, stamped by Kafka at this moment."""
        await self.shift.take([self._incoming(record, topic) for record in records])

    def _incoming(self, record: Record | bytes, topic: str) -> Incoming:
        self.offset += 1
        if isinstance(record, bytes):
            return Incoming(topic, 0, self.offset, record, [], self.time.now)
        topic = ACTIONS if isinstance(record, AlertAction) else topic
        message = encode(record)
        return Incoming(topic, 0, self.offset, message.value, message.headers, self.time.now)

    async def settled(self) -> None:
        """Wait until no notification is on its way (bounded; receivers in memory answer at once)."""
        await until(lambda: not any(key.startswith("outbox|") for key in self.rows.rows))

    def alerts(self) -> list[Alert]:
        return [decode(Alert, each.message.value) for each in self.sent if each.topic == ALERTS]

    def letters(self) -> list[DeadLetter]:
        return [decode(DeadLetter, each.message.value) for each in self.sent if each.topic == DEAD_LETTERS]

    def count(self, receiver: str, outcome: str) -> float:
        """The metric of attempts."""
        labels = {"receiver": receiver, "outcome": outcome}
        return self.metrics.registry.get_sample_value("molva_notifications_total", labels) or 0.0


async def until(holds: Callable[[], bool]) -> None:
    """Let the tasks of this loop run until something holds; nothing here waits for the world outside."""
    for _ in range(5000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


LATER = Later("busy")


def webhooks(*names: str, **more: object) -> Configuration:
    """A configuration of webhooks; their addresses are not called."""
    receivers = [{"name": name, "type": "webhook", "url": "http://127.0.0.1:9/"} for name in names]
    return Configuration.model_validate({"receivers": receivers, **more})
