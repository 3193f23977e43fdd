"""What still has to be told, by receiver and in order; its rows stand in the notification stage's journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from pipeline.alerts.receiver import Notification

PREFIX = "outbox|"


class Item(NamedTuple):
    """A notification with its place in the order; smaller numbers first."""

    number: int
    notification: Notification

    @property
    def key(self) -> str:
        """Its row in the journal."""
        return f"{PREFIX}{self.notification.receiver}|{self.number:012d}"


class Outbox:
    """Queues of bounded length. ``add`` numbers an item, ``release`` queues it once its row is durable."""

    def __init__(self, receivers: Iterable[str], limit: int) -> None:
        self._queues: dict[str, list[Item]] = {receiver: [] for receiver in receivers}
        self._limit = limit
        self._next = 0

    def load(self, rows: Mapping[str, bytes]) -> list[Item]:
        """Take the rows of a journal; those of receivers that there are no more are given back."""
        homeless = []
        for key, value in sorted(rows.items()):
            number = int(key.rpartition("|")[2])
            item = Item(number, Notification.model_validate_json(value))
            self._next = max(self._next, number + 1)
            if item.notification.receiver in self._queues:
                self._queues[item.notification.receiver].append(item)
            else:
                homeless.append(item)
        return homeless

    def add(self, notification: Notification) -> Item:
        """Give a notification its place; it waits for `release`."""
        item = Item(self._next, notification)
        self._next += 1
        return item

    def release(self, items: Iterable[Item]) -> list[Item]:
        """Queue items; the oldest that no longer fit in (not the one being sent) are given back."""
        dropped = []
        for item in items:
            queue = self._queues[item.notification.receiver]
            queue.append(item)
            if len(queue) > self._limit:
                dropped.append(queue.pop(1))
        return dropped

    def head(self, receiver: str) -> Item | None:
        """The item whose turn it is."""
        queue = self._queues[receiver]
        return queue[0] if queue else None

    def done(self, item: Item) -> None:
        """Take an item out, wherever it stands."""
        queue = self._queues.get(item.notification.receiver, [])
        queue[:] = [each for each in queue if each.number != item.number]

    def begin_with_next(self, item: Item) -> bool:
        """Make the next one of the same incident for the receiver its first; whether there is one."""
        queue = self._queues.get(item.notification.receiver, [])
        for place, each in enumerate(queue):
            if each.number > item.number and each.notification.alert.id == item.notification.alert.id:
                first = each.notification.model_copy(update={"first": True})
                queue[place] = each._replace(notification=first)
                return True
        return False

    def length(self, receiver: str) -> int:
        """How many wait."""
        return len(self._queues[receiver])

    def oldest_age(self, receiver: str, now: datetime) -> float:
        """Seconds that the head has waited; 0: none does."""
        head = self.head(receiver)
        return 0.0 if head is None else max(0.0, (now - head.notification.queued_at).total_seconds())
