"""What `molva up` does because its broker forgets everything when it stops; with Apache Kafka nothing of it.

The detector's state and the open incidents are followed into files, agents read again after an unclean end,
everything flows out before the stop, and the broker's memory has a limit.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka.errors import KafkaError

from pipeline.drain import HOPS, NotDrained, drain
from pipeline.embedded.state import After, NotFollowed, StateKeeper, load, restore
from pipeline.errors import MolvaError
from pipeline.kafka import KafkaAdmin
from pipeline.settings import Settings
from pipeline.topics import (
    AGENT_CURSORS,
    AGENT_PARTITIONS,
    ALERTS,
    DETECTION_STATE,
    NOTIFICATION_STATE,
    SPIKES,
)

MEMORY_LIMIT = 4 * 1024**3
"""Bytes. The broker keeps all that was produced; at this size `molva up` says so and ends."""
STANDSTILL = timedelta(seconds=30)  # a crashed worker is back sooner, with its partitions
CURSORS, STATE = "cursors", "state"
UNFINISHED = "unfinished"
"""This file stands in the data dir from the start until everything has flowed out."""
STATES = {
    "detection.json.gz": DETECTION_STATE,
    "notification.json.gz": NOTIFICATION_STATE,
    "agents.json.gz": AGENT_CURSORS,
}
"""Files in the folder ``state`` of the data dir, and the topics that they are copies of."""

Say = Callable[[str], None]


class BrokerFull(MolvaError):
    """The memory-only broker has reached its limit; everything in it still flows out."""


class MemoryOnly:
    """Between `start` (the topics exist, no worker with a state runs) and `stop` (all workers are gone)."""

    def __init__(self, data_dir: Path, say: Say) -> None:
        self._data_dir = data_dir
        self._unfinished = data_dir / UNFINISHED
        self._say = say
        self._keepers: list[StateKeeper] = []

    def start(self, settings: Settings) -> None:
        """Bring the saved states into the broker and follow them.

        Raises:
            BrokenSnapshot: a file of a state is not what was written.
        """
        forget_cursors_after_a_crash(self._data_dir, self._say)
        self._unfinished.touch()
        self._keepers = state_keepers(settings)
        for keeper in self._keepers:
            keeper.start()

    def check(self, used_bytes: int) -> None:
        """Look at the broker's memory and the keepers of state.

        Raises:
            BrokerFull: the broker's memory is at its limit.
            NotFollowed: a state is no longer saved.
        """
        if used_bytes > MEMORY_LIMIT:
            raise BrokerFull(
                f"the memory-only broker holds {used_bytes / 1024**3:.1f} GiB, its limit: start `molva up` "
                "again (ClickHouse keeps its data), or with --broker kafka for long service "
                "(docs/operations.md)"
            )
        for keeper in self._keepers:
            keeper.check()

    def finish(self, settings: Settings, wait: Callable[[float], Awaitable[None]]) -> None:
        """Let everything flow out; the agents have stopped. ``wait`` is called between looks, in seconds."""
        try:
            asyncio.run(_drained(settings, wait))
        except (NotDrained, KafkaError) as error:
            self._say(f"stopped with records in flight: {error}")
        else:
            self._unfinished.unlink()

    def stop(self) -> None:
        """Save the states as they are."""
        for keeper in self._keepers:
            try:
                keeper.stop()
            except NotFollowed as error:
                self._unfinished.touch()  # so that agents read again what the saved detectors have not seen
                self._say(str(error))


def state_keepers(settings: Settings) -> list[StateKeeper]:
    """What keeps the states of detection and notification, never ahead of ClickHouse, and of the agents.

    The agents' is ahead of it after a crash, and is forgotten then.
    """
    stored = HOPS[-1].group
    after = {DETECTION_STATE: After(stored, SPIKES), NOTIFICATION_STATE: After(stored, ALERTS)}
    return [
        StateKeeper(
            _with_partitions(settings, topic), topic, settings.data_dir / STATE / name, after.get(topic)
        )
        for name, topic in STATES.items()
    ]


def _with_partitions(settings: Settings, topic: str) -> Settings:
    """Settings whose ``partitions`` are those of a state's topic."""
    own = {NOTIFICATION_STATE: 1, AGENT_CURSORS: AGENT_PARTITIONS}
    return settings.model_copy(update={"partitions": own.get(topic, settings.partitions)})


def forget_cursors_after_a_crash(data_dir: Path, say: Say) -> None:
    """What was in the broker's memory is gone: agents read it again, storage knows what it has."""
    cursors = data_dir / CURSORS
    fleet = next(data_dir / STATE / name for name, topic in STATES.items() if topic == AGENT_CURSORS)
    if (data_dir / UNFINISHED).exists() and (cursors.exists() or fleet.exists()):
        say("the last run did not end cleanly: agents read again from the start, nothing is stored twice")
        shutil.rmtree(cursors, ignore_errors=True)
        fleet.unlink(missing_ok=True)


def move_to_kafka(settings: Settings, say: Say) -> None:
    """Take over what earlier runs without Apache Kafka have saved, once; no worker with a state runs yet.

    Raises:
        BrokenSnapshot: a file of a state is not what was written.
    """
    forget_cursors_after_a_crash(settings.data_dir, say)
    (settings.data_dir / UNFINISHED).unlink(missing_ok=True)
    for name, topic in STATES.items():
        file = settings.data_dir / STATE / name
        if file.exists():
            asyncio.run(restore(_with_partitions(settings, topic), topic, load(file)))
            file.replace(file.with_name(f"{name}.moved"))
            say(f"{file} has moved to Apache Kafka (topic {topic})")


async def _drained(settings: Settings, wait: Callable[[float], Awaitable[None]]) -> None:
    async with KafkaAdmin(settings) as admin:
        await drain(admin, lambda: datetime.now(UTC), STANDSTILL, sleep=wait)
