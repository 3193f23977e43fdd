"""A stage's state across restarts of the memory-only broker: a snapshot of its changelog topic.

`StateKeeper` follows the changelog while the stack runs and keeps the last value of each key in a file; at
the next start `restore` publishes it to the fresh broker before any worker starts. The file never loses a
key: the state starts as what was loaded, so that a failure while the changelog is still read from its
beginning saves no half of it.

A detector's state knows which spikes it has told, the journal of notification which events of incidents.
If the broker dies before storage has written them, they must be told again, so a snapshot becomes the file
only once storage has committed past the records that it implies.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import os
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from pipeline.embedded.errors import EmbeddedError
from pipeline.kafka import STATE_CONFIG, KafkaAdmin, TopicSpec, client_options
from pipeline.settings import Settings

SAVE_SECONDS = 15.0
POLL_MS = 500
END_SECONDS = 30.0
"""How long reading to the end may take at the stop."""
MAX_VALUE_BYTES = 4 * 1024 * 1024
"""As large as Faust's own producer may write them (`pipeline.app`)."""

log = logging.getLogger("molva.state")

State = dict[tuple[int, bytes], bytes]
"""(partition, key) -> value."""


class BrokenSnapshot(RuntimeError):
    """The snapshot file cannot be read; the message says what to do."""


class NotFollowed(EmbeddedError):
    """The changelog is no longer followed; the file holds the state as it was last read or saved."""


class After(NamedTuple):
    """What must have happened before a snapshot counts: ``group`` has committed all of ``topic`` so far."""

    group: str
    topic: str


class Snapshot(NamedTuple):
    """A state, and the ends of the `After` topic when it had been read."""

    state: State
    ends: Mapping[TopicPartition, int]


class StateKeeper:
    """Follows one changelog topic from a thread of its own, from `start` to `stop`.

    ``after`` None: every snapshot counts at once.
    """

    def __init__(self, settings: Settings, topic: str, file: Path, after: After | None = None) -> None:
        self._settings = settings
        self._topic = topic
        self._file = file
        self._after = after
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state-keeper", daemon=True)
        self._state: State = {}
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Bring the saved state into the broker, then begin to follow it.

        Raises:
            BrokenSnapshot: the file is not what was written.
        """
        self._state = load(self._file)
        asyncio.run(restore(self._settings, self._topic, self._state))
        self._thread.start()

    def check(self) -> None:
        """See whether the changelog is still followed.

        Raises:
            NotFollowed: it is not, and why.
        """
        if self._failure is not None:
            raise NotFollowed(
                f"{self._topic} is no longer followed into {self._file}: {self._failure!r}"
            ) from self._failure

    def stop(self) -> None:
        """Read to the end, save, and end; call it after the workers have stopped.

        Raises:
            NotFollowed: following or saving failed; what was saved before stands.
        """
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.check()

    def _run(self) -> None:
        try:
            asyncio.run(self._follow())
        except BaseException as error:  # noqa: BLE001 — raised by check() and stop(), in the caller's thread
            self._failure = error

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(**client_options(self._settings), enable_auto_commit=False)
        try:
            async with KafkaAdmin(self._settings) as admin:
                await consumer.start()
                places = [TopicPartition(self._topic, number) for number in range(self._settings.partitions)]
                consumer.assign(places)
                await consumer.seek_to_beginning(*places)
                waiting = await self._until_stopped(consumer, admin)
                async with asyncio.timeout(END_SECONDS):
                    await self._to_the_end(consumer, places, admin)
                    last = await self._snapshot(admin)
                    for snapshot in filter(None, (waiting, last)):
                        if await self._counts(snapshot, admin):
                            save(self._file, snapshot.state)
        except BaseException:
            if self._after is None:
                save(self._file, self._state)  # what was read is newer than what the file holds
            raise
        finally:
            await consumer.stop()

    async def _until_stopped(self, consumer: Any, admin: KafkaAdmin) -> Snapshot | None:
        """Save now and then; what is returned waits for storage."""
        loop = asyncio.get_running_loop()
        taken_at, dirty = loop.time(), False
        waiting: Snapshot | None = None
        while not self._stop.is_set():
            dirty = absorb(self._state, await consumer.getmany(timeout_ms=POLL_MS)) or dirty
            if dirty and waiting is None and loop.time() - taken_at >= SAVE_SECONDS:
                waiting, dirty, taken_at = await self._snapshot(admin), False, loop.time()
            if waiting is not None and await self._counts(waiting, admin):
                try:
                    await asyncio.to_thread(save, self._file, waiting.state)
                except OSError as error:  # e.g. a full disk; what was saved before stands
                    log.warning("cannot save a state to %s, will try again: %s", self._file, error)
                    dirty = True
                waiting = None
        return waiting

    async def _snapshot(self, admin: KafkaAdmin) -> Snapshot:
        """The state as it is. The ends cover what it implies: that is confirmed before the state is sent."""
        ends = {} if self._after is None else await admin.end_offsets([self._after.topic])
        return Snapshot(dict(self._state), ends)

    async def _counts(self, snapshot: Snapshot, admin: KafkaAdmin) -> bool:
        if self._after is None:
            return True
        committed = await admin.committed_offsets(self._after.group, list(snapshot.ends))
        return all((committed[place] or 0) >= end for place, end in snapshot.ends.items())

    async def _to_the_end(self, consumer: Any, places: list[TopicPartition], admin: KafkaAdmin) -> None:
        ends = await admin.end_offsets([self._topic])
        while any([await consumer.position(place) < ends[place] for place in places]):
            absorb(self._state, await consumer.getmany(timeout_ms=POLL_MS))


def absorb(state: State, records: dict[TopicPartition, list[Any]]) -> bool:
    """Take records of the changelog into the state; a null value deletes. True if there were any."""
    for place, batch in records.items():
        for record in batch:
            if record.value is None:
                state.pop((place.partition, record.key), None)
            else:
                state[place.partition, record.key] = record.value
    return bool(records)


async def restore(settings: Settings, topic: str, state: State) -> None:
    """Create the changelog topic if it is missing and publish the state to its partitions."""
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics([TopicSpec(topic, settings.partitions, STATE_CONFIG)])
    producer = AIOKafkaProducer(**client_options(settings), acks="all", max_request_size=MAX_VALUE_BYTES)
    await producer.start()
    try:
        sent = [
            await producer.send(topic, key=key, value=value, partition=partition)
            for (partition, key), value in state.items()
            if partition < settings.partitions
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def save(file: Path, state: State) -> None:
    """Write the state atomically.

    Raises:
        OSError: it cannot be written; the file stays as it was.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [[partition, _text(key), _text(value)] for (partition, key), value in sorted(state.items())]
    draft = file.with_name(file.name + ".new")
    with draft.open("wb") as out:
        out.write(gzip.compress(json.dumps(rows).encode(), compresslevel=3))
        out.flush()
        os.fsync(out.fileno())  # or a power cut could leave the new name with nothing in it
    draft.replace(file)


def load(file: Path) -> State:
    """Read what `save` wrote; empty where there is no file.

    Raises:
        BrokenSnapshot: it is not what was written.
    """
    if not file.exists():
        return {}
    try:
        rows = json.loads(gzip.decompress(file.read_bytes()))
        return {(partition, base64.b64decode(key)): base64.b64decode(value) for partition, key, value in rows}
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        raise BrokenSnapshot(
            f"{file} cannot be read ({error}): remove it to start with nothing learned or remembered"
        ) from error


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
