"""Sends the records of dead letters again, each at most once, whatever dies on the way.

Batch by batch: what the journal calls sent is left alone; the rest is claimed, with the end of the partition
that it will go to; sent; noted. A claim without a note is of a run that died. After `LEASE_SECONDS` nothing
of it can be under way any more, so the records behind its place tell whether it had sent. Of two runs at once
the one that sees the other's claim steps back: each claims first and looks afterwards, so one sees both.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from pipeline.dead_letters.choice import kafka_origin, record_key
from pipeline.dead_letters.originals import find_resent, opened, read_originals
from pipeline.dead_letters.preparing import Outcome, Ready, prepare
from pipeline.dead_letters.store import NOTHING, Note, Standing, Store
from pipeline.emission import Outgoing
from pipeline.kafka import KafkaAdmin
from pipeline.kafka_offsets import high_watermarks
from pipeline.producer import Producer
from pipeline.settings import Settings
from schemas import DeadLetter, Origin

BATCH = 200
LEASE_SECONDS = 120.0
"""Longer than a producer tries to deliver (40 s)."""
Send = Callable[[Sequence[Outgoing]], Awaitable[Sequence[Origin]]]


async def replay(
    settings: Settings,
    store: Store,
    letters: Iterable[DeadLetter],
    run: str,
    *,
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Outcome]:
    """Send the records of letters again, in the order in which they stood in their partitions.

    Args:
        run: names this call in the journal; no two calls have the same.
        force: send also what the present code would give up again.
        dry_run: send nothing; "would be sent" stands for "sent".
        progress: told how many records are done.

    Raises:
        KafkaError: Kafka cannot be reached or refuses; what was not noted is cleared up by a later run.
        SinkError: ClickHouse cannot be reached; likewise.
    """
    ordered = sorted({record_key(each): each for each in letters}.values(), key=_place)
    async with KafkaAdmin(settings) as admin:
        widths = await admin.topics()
    outcomes: list[Outcome] = []
    async with opened(settings) as consumer, Producer(settings) as producer:
        sender = Sender(store, consumer, producer.send, run)
        for first in range(0, len(ordered), BATCH):
            batch = ordered[first : first + BATCH]
            places = [origin for each in batch if (origin := kafka_origin(each)) is not None]
            originals = await read_originals(consumer, places)
            prepared = [prepare(each, originals, widths, force=force) for each in batch]
            outcomes += [each for each in prepared if isinstance(each, Outcome)]
            ready = [each for each in prepared if isinstance(each, Ready)]
            outcomes += await (sender.look(ready) if dry_run else sender.send(ready))
            progress(first + len(batch))
    return outcomes


def _place(letter: DeadLetter) -> tuple[str, int, int]:
    origin = kafka_origin(letter)
    return ("", 0, 0) if origin is None else (origin.topic, origin.partition, origin.offset)


@dataclass(frozen=True)
class Sender:
    """Sends batches under the journal's protocol; see the module's docstring.

    ``consumer`` belongs to no group; ``lease`` is in seconds.
    """

    store: Store
    consumer: Any
    deliver: Send
    run: str
    lease: float = LEASE_SECONDS

    async def look(self, ready: Sequence[Ready]) -> list[Outcome]:
        """What `send` would do."""
        done, free = await self._sort(ready)
        return done + [_outcome(each, "would be sent") for each in free]

    async def send(self, ready: Sequence[Ready]) -> list[Outcome]:
        """Send what nobody has sent and nobody sends."""
        done, free = await self._sort(ready)
        found = await self._left_behind(free)
        done += [_outcome(each, "already sent", found[each.record]) for each in free if each.record in found]
        mine, lost = await self._claim([each for each in free if each.record not in found])
        sent = await self.deliver([each.item for each in mine])
        notes = [
            Note(each.record, at.topic, at.partition, at.offset) for each, at in zip(mine, sent, strict=True)
        ]
        await asyncio.to_thread(self.store.note, "replayed", self.run, notes)
        return done + lost + [_outcome(each, "sent", str(at)) for each, at in zip(mine, sent, strict=True)]

    async def _standing(self, ready: Sequence[Ready]) -> dict[str, Standing]:
        records = [each.record for each in ready]
        known = await asyncio.to_thread(self.store.standing, records) if records else {}
        return {record: known.get(record, NOTHING) for record in records}

    async def _sort(self, ready: Sequence[Ready]) -> tuple[list[Outcome], list[Ready]]:
        """Outcomes of the records that are sent or being sent, and the others."""
        known = await self._standing(ready)
        done: list[Outcome] = []
        free: list[Ready] = []
        for each in ready:
            standing = known[each.record]
            if standing.resent is not None:
                done.append(_outcome(each, "already sent", standing.resent))
            elif rest := self._busy(standing):
                done.append(_outcome(each, "busy", f"another run may be sending it: try in {rest:.0f} s"))
            else:
                free.append(each)
        return done, free

    def _busy(self, standing: Standing) -> float:
        """Seconds until no other run can be sending the record; 0: none is."""
        others = [self.lease - claim.age for claim in standing.claims if claim.run != self.run]
        return max(0.0, *others, 0.0)

    async def _left_behind(self, free: Sequence[Ready]) -> dict[str, str]:
        """Records that runs which died had sent: record -> where. They are noted."""
        known = await self._standing(free)
        wanted: dict[TopicPartition, dict[str, int]] = defaultdict(dict)
        for record, standing in known.items():
            for claim in standing.claims:
                place = TopicPartition(claim.topic, claim.partition)
                wanted[place][record] = min(claim.offset, wanted[place].get(record, claim.offset))
        notes = []
        for place, starts in wanted.items():
            resent = await find_resent(self.consumer, place, min(starts.values()), starts)
            notes += [Note(record, place.topic, place.partition, offset) for record, offset in resent.items()]
        await asyncio.to_thread(self.store.note, "replayed", self.run, notes)
        return {note.record: f"{note.topic}:{note.partition}:{note.offset}" for note in notes}

    async def _claim(self, free: Sequence[Ready]) -> tuple[list[Ready], list[Outcome]]:
        """What is ours to send, and outcomes of what another run has claimed or sent meanwhile."""
        places = {TopicPartition(each.item.topic, each.partition) for each in free}
        ends = await high_watermarks(self.consumer, places)
        claims = [
            Note(
                each.record,
                each.item.topic,
                each.partition,
                ends[TopicPartition(each.item.topic, each.partition)],
            )
            for each in free
        ]
        await asyncio.to_thread(self.store.note, "claimed", self.run, claims)
        lost, mine = await self._sort(free)
        ours = {each.record for each in mine}
        released = [claim for claim in claims if claim.record not in ours]
        await asyncio.to_thread(self.store.note, "released", self.run, released)
        return mine, lost


def _outcome(ready: Ready, status: Any, detail: str = "") -> Outcome:
    return Outcome(ready.letter.id, ready.letter.origin, status, detail)
