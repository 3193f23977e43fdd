"""What ``molva alerts`` reads and writes in Kafka: the last event of each incident, windows, decisions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, TypeVar

from pipeline.core.silences import Silence
from pipeline.emission import outgoing
from pipeline.errors import UsageError
from pipeline.kafka_records import records_of
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.topics import ACTIONS, ALERTS
from schemas import Alert, AlertAction, Record
from schemas.codec import InvalidRecord, decode

R = TypeVar("R", bound=Record)


class Board(NamedTuple):
    """Incidents by id, and the silences that hold or will."""

    incidents: dict[str, Alert]
    silences: list[Silence]

    def chosen(self, target: str) -> Alert:
        """The incident with this id, or the only open one of this object.

        Raises:
            UsageError: there is none, or several; the message names them.
        """
        if target in self.incidents:
            return self.incidents[target]
        mine = [
            each for each in self.incidents.values() if each.status == "open" and target in each.object_ids
        ]
        if len(mine) == 1:
            return mine[0]
        if mine:
            raise UsageError(
                f"{target!r} has several: {', '.join(each.id for each in mine)}; name one by its id"
            )
        raise UsageError(
            f"there is no incident {target!r}, nor an open one of such an object: `molva alerts list`"
        )


async def read_board(settings: Settings, now: datetime) -> Board:
    """Read both topics to their present ends.

    Raises:
        KafkaError: Kafka cannot be reached, or lacks the topics.
    """
    incidents = {alert.id: alert async for alert in _records(settings, ALERTS, Alert)}
    silences: dict[str, Silence] = {}
    async for action in _records(settings, ACTIONS, AlertAction):
        if action.action == "cancel":
            silences.pop(action.target, None)
        elif action.action == "unsnooze":
            for name in [each.id for each in silences.values() if _snoozes(each, action.target)]:
                del silences[name]
        elif action.action == "maintenance" or (action.action == "snooze" and action.target not in incidents):
            silences[action.id] = Silence(action=action)
    return Board(incidents, [each for each in silences.values() if not each.over(now)])


async def publish(settings: Settings, action: AlertAction) -> None:
    """Send a decision; the notification stage carries it out within a second.

    Raises:
        KafkaError: Kafka cannot be reached, or lacks the topic.
    """
    async with Producer(settings) as producer:
        await producer.emit([outgoing(ACTIONS, action)])


def _snoozes(silence: Silence, target: str) -> bool:
    return silence.action.action == "snooze" and silence.action.target == target


async def _records(settings: Settings, topic: str, model: type[R]) -> AsyncIterator[R]:
    async for record in records_of(settings, topic):
        with suppress(InvalidRecord):  # storage and notification have made a dead letter of it
            yield decode(model, record.value)
