"""Notification: spikes and people's decisions in, incidents out on ``molva.alerts``, and people told of them.

A checkpoint writes what it is about to do into the journal (`pipeline.stages.intent`), publishes the events
of incidents, writes the changed rows, crosses the intent out, queues notifications for their receivers, and
only then are the records acknowledged. Whatever the moment of a crash, the next stage finishes the intent and
goes on: an event may be published again, as it was, and its revision never names another. The journal knows
which records were taken; those that are delivered again change nothing. ``notification_poll.py`` reads them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter

from pipeline.alerts.delivery import Courier, End
from pipeline.alerts.desk import Changes, Desk
from pipeline.alerts.outbox import Item
from pipeline.alerts.receiver import Receiver
from pipeline.batches import Incoming
from pipeline.core.incidents import UnknownTarget
from pipeline.emission import Emit, Outgoing, outgoing
from pipeline.metrics import Metrics
from pipeline.stages.intent import Intent, parts_in
from pipeline.stages.journal import Rows
from pipeline.topics import ACTIONS, ALERTS, DEAD_LETTERS
from schemas import AlertAction, DeadLetter, Reason, Spike
from schemas.codec import InvalidRecord, decode, event_type, header

STAGE = "notification"
POSITION = "position|"
"""``position|<topic>`` is the row of the journal with the first offset that was not taken yet."""
END_SECONDS = 2.0
"""How long a delivery under way may take when the stage stops or its partitions go to another worker."""


@dataclass(frozen=True)
class Surroundings:
    """What a shift needs of its process; tests give their own clock, sleep and random numbers.

    Args:
        cluster: id of the broker incarnation that offsets belong to.
        ends: by topic, the offset that its next record will get.
    """

    cluster: str
    ends: Callable[[], Awaitable[Mapping[str, int]]]
    emit: Emit
    rows: Rows
    metrics: Metrics
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]


@dataclass
class Shift:
    """The stage from the assignment of its partitions until they are revoked.

    ``patience``: how long a notification is tried.
    """

    desk: Desk
    receivers: Sequence[Receiver]
    patience: timedelta
    around: Surroundings
    _couriers: list[Courier] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _next: dict[str, int] = field(default_factory=dict)

    async def start(self) -> None:
        """Take up the journal's state, finish what was intended, go on telling what was not delivered."""
        rows = await self.around.rows.read()
        if parts := parts_in(rows):
            if (intent := Intent.join(parts)) is not None:
                await self._carry_out(intent)
            await self.around.rows.write(dict.fromkeys(parts))
            rows = await self.around.rows.read()
        self._next = _positions(rows, self.around.cluster, await self.around.ends())
        homeless = self.desk.load(rows)
        for item in homeless:
            await self._settle(item, "dropped", "the receiver is no longer in alerts.yaml")
        for receiver in self.receivers:
            courier = self._courier(receiver)
            self._couriers.append(courier)
            self._tasks.append(asyncio.create_task(courier.run(), name=f"tell {receiver.name}"))
        self._tell_metrics()

    async def take(self, records: Sequence[Incoming]) -> None:
        """Process records and make what comes of them durable; they may be acknowledged afterwards."""
        started = perf_counter()
        total = Changes([], {}, [])
        letters: list[DeadLetter] = []
        for record in records:
            self.around.metrics.records_in.labels(STAGE, record.topic).inc()
            if record.offset < self._next.get(record.topic, 0):
                continue
            self._next[record.topic] = record.offset + 1
            try:
                changes = self._absorb(record)
            except InvalidRecord as error:
                payload, origin = record.value or b"", str(record.origin)
                letters.append(self._letter(payload, origin, error.reason, error.detail))
                continue
            total.alerts.extend(changes.alerts)
            total.rows.update(changes.rows)
            total.items.extend(changes.items)
        for topic in {record.topic for record in records}:
            place = [self.around.cluster, self._next[topic]]
            total.rows[POSITION + topic] = json.dumps(place).encode()
        await self._checkpoint(total, letters)
        self.around.metrics.batch_size.labels(STAGE).observe(len(records))
        self.around.metrics.stage_seconds.labels(STAGE).observe(perf_counter() - started)

    async def tick(self) -> None:
        """Let time pass: call it where no record waits, about once a second."""
        await self._checkpoint(self.desk.tick(self.around.clock()), [])

    async def end(self) -> None:
        """Stop telling, people and metrics; what is not delivered stays in the journal."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_SECONDS)
        for receiver in self.receivers:
            await receiver.close()
        metrics = self.around.metrics
        for gauge in (metrics.notifications_queued, metrics.notification_oldest_age, metrics.incidents_open):
            gauge.clear()  # another worker tells them now; a 0 would look calm where it has not begun yet

    def raise_failure(self) -> None:
        """Raise the error of a courier that has ended: it ends the worker."""
        for task in self._tasks:
            if task.done():
                task.result()

    def _absorb(self, record: Incoming) -> Changes:
        kind, now = header(record.headers, "ce_type"), self.around.clock()
        if record.topic == ACTIONS and kind in (None, event_type(AlertAction)):
            try:
                return self.desk.act(decode(AlertAction, record.value), now)
            except UnknownTarget as error:
                raise InvalidRecord("invalid", str(error)) from error
        if record.topic != ACTIONS and kind in (None, event_type(Spike)):
            return self.desk.spike(decode(Spike, record.value), record.timestamp, now)
        raise InvalidRecord("unknown_type", f"{record.topic} does not carry ce_type {kind!r}")

    async def _checkpoint(self, changes: Changes, letters: list[DeadLetter]) -> None:
        intent = Intent.of(changes.alerts, letters, changes.rows)
        parts = {} if intent.simple else intent.parts()
        if parts:
            await self.around.rows.write(parts)
        await self._carry_out(intent)
        if parts:
            await self.around.rows.write(dict.fromkeys(parts))
        for alert in changes.alerts:
            self.around.metrics.alert_events.labels(alert.event).inc()
        for item in self.desk.outbox.release(changes.items):
            self.around.metrics.notifications.labels(item.notification.receiver, "dropped").inc()
            await self._settle(item, "dropped", "the receiver's queue is full")
        for courier in self._couriers:
            courier.wake()
        self._tell_metrics()

    async def _carry_out(self, intent: Intent) -> None:
        await self._send([outgoing(ALERTS, alert) for alert in intent.alerts])
        await self._send([outgoing(DEAD_LETTERS, letter) for letter in intent.letters])
        if intent.rows:
            await self.around.rows.write(intent.values)

    async def _send(self, out: list[Outgoing]) -> None:
        if out:
            await self.around.emit(out)
        for sent in out:
            self.around.metrics.records_out.labels(STAGE, sent.topic).inc()

    def _letter(self, payload: bytes, origin: str, reason: Reason, detail: str) -> DeadLetter:
        self.around.metrics.dead_letters.labels(STAGE, reason).inc()
        now = self.around.clock()
        return DeadLetter.of(payload, stage=STAGE, origin=origin, reason=reason, detail=detail, failed_at=now)

    async def _settle(self, item: Item, end: End, why: str) -> None:
        """Record the end of a notification; what was not delivered becomes a dead letter."""
        if end != "delivered":
            payload, key = item.notification.model_dump_json().encode(), item.notification.idempotency_key
            letter = self._letter(payload, key, "failed", f"{end}: {why}")
            await self._send([outgoing(DEAD_LETTERS, letter)])
            self.desk.lost(item)
        await self.around.rows.write({item.key: None})
        self.desk.outbox.done(item)
        self._tell_metrics()

    def _courier(self, receiver: Receiver) -> Courier:
        return Courier(
            receiver,
            self.desk.outbox,
            self._settle,
            lambda: self.desk.standing(receiver.name, self.around.clock()),
            self.patience,
            self.around.metrics,
            clock=self.around.clock,
            sleep=self.around.sleep,
            random=self.around.random,
        )

    def _tell_metrics(self) -> None:
        metrics, now = self.around.metrics, self.around.clock()
        for receiver in self.receivers:
            name = receiver.name
            metrics.notifications_queued.labels(name).set(self.desk.outbox.length(name))
            metrics.notification_oldest_age.labels(name).set(self.desk.outbox.oldest_age(name, now))
        for severity, count in self.desk.open_by_severity().items():
            metrics.incidents_open.labels(severity).set(count)


def _positions(rows: Mapping[str, bytes], cluster: str, ends: Mapping[str, int]) -> dict[str, int]:
    """By topic, the first offset that was not taken; without those of a topic that has been made anew."""
    found = {}
    for key, value in rows.items():
        if key.startswith(POSITION):
            of_cluster, position = json.loads(value)
            topic = key.removeprefix(POSITION)
            if of_cluster == cluster and position <= ends.get(topic, 0):
                found[topic] = position
    return found
