"""What the chaos suite publishes: the bundled story under fresh names, odd posts, records that are none.

The log that `publish` writes, one line per record that Kafka has confirmed, is what the ledger judges by.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from aiokafka import AIOKafkaProducer

RAW = "molva.posts.raw"
ENRICHED = "molva.posts.enriched"
MENTIONS = "molva.mentions"
BASELINES = "molva.baselines"
SPIKES = "molva.spikes"
ALERTS = "molva.alerts"
ACTIONS = "molva.alerts.actions"
DELETED = "molva.posts.deleted"
DEAD_LETTERS = "molva.dead-letters"
WATERMARK_EVERY = 250
POISON_EVERY = 97
AHEAD = 2000
"""How many records may be unconfirmed."""
TIMELINE = "replay:chaos"
NAMES = ("id", "native_id", "reply_to", "thread_root", "repost_of")

Headers = list[tuple[str, bytes]]


class Made(NamedTuple):
    """A record to be published; ``line`` is what the log will say, with the place that Kafka gave it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    line: dict[str, Any]
    partition: int | None = None


def read_story(limit: int | None = None) -> list[dict[str, Any]]:
    """The rows of the demo's story, in the order of time."""
    packed = Path(str(files("pipeline.demo") / "story.jsonl.gz"))
    with gzip.open(packed, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines][:limit]


def copy_of(story: Sequence[dict[str, Any]], name: str, partitions: int) -> Iterator[Made]:
    """The story on the timeline ``replay:chaos-<name>``, with exact watermarks."""
    timeline = f"{TIMELINE}-{name}"
    collected = datetime.now(UTC).isoformat()
    for number, row in enumerate(story):
        if number % WATERMARK_EVERY == 0:
            yield from _watermarks(timeline, row["created_at"], partitions, final=False)
        post = {**row, "timeline": timeline, "collected_at": collected}
        post |= {field: f"{row[field]}-{name}" for field in NAMES if row.get(field)}
        line = {"kind": "post", "id": post["id"], "timeline": timeline}
        yield Made(RAW, post["id"].encode(), _json(post), _headers("molva.post.v1"), line)
    yield from _watermarks(timeline, story[-1]["created_at"], partitions, final=True)


def _watermarks(timeline: str, moment: str, partitions: int, *, final: bool) -> Iterator[Made]:
    stated = {"timeline": timeline, "agent": timeline, "watermark": moment, "final": final}
    value = _json({**stated, "partitions": partitions})
    for partition in range(partitions):
        yield Made(
            RAW,
            timeline.encode(),
            value,
            _headers("molva.watermark.v1"),
            {"kind": "watermark"},
            partition,
        )


def with_poison(made: Iterator[Made], seed: int) -> Iterator[Made]:
    """Between the records, every so often, one of each kind that no stage can read, or that looks so."""
    draw = random.Random(f"poison {seed}")
    kinds = list(POISONS)
    draw.shuffle(kinds)
    for number, each in enumerate(made):
        yield each
        if number % POISON_EVERY == POISON_EVERY - 1:
            yield POISONS[kinds[number // POISON_EVERY % len(kinds)]](f"{seed}-{number}")


def _post(name: str, **fields: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    whole = {"id": f"odd:{name}", "source": "odd", "native_id": name, "created_at": now, "collected_at": now}
    return {**whole, "text": "Сегодня дождь.", "timeline": f"{TIMELINE}-odd", **fields}


def _bad(reason: str, stages: Sequence[str] = ("enrichment",), topic: str = RAW) -> Callable[..., Made]:
    def make(value: bytes | None, name: str, event: str = "molva.post.v1") -> Made:
        line = {"kind": "poison", "reason": reason, "stages": list(stages)}
        return Made(topic, name.encode(), value, _headers(event), line)

    return make


def _odd(name: str, value: bytes, headers: Headers, key: bytes | None) -> Made:
    return Made(
        RAW,
        key,
        value,
        headers,
        {"kind": "post", "id": f"odd:{name}", "timeline": f"{TIMELINE}-odd"},
    )


POISONS: dict[str, Callable[[str], Made]] = {
    "not JSON": lambda name: _bad("not_json")(b'{"id": "odd:' + name.encode(), name),
    "no value": lambda name: _bad("not_json")(None, name),
    "no UTF-8": lambda name: _bad("not_json")(b'"\xff\xfe"', name),
    "too deep": lambda name: _bad("not_json")(b"[" * 50_000, name),
    "a list": lambda name: _bad("invalid")(b"[]", name),
    "no time": lambda name: _bad("invalid")(_json(_without(_post(name), "created_at")), name),
    "no zone": lambda name: _bad("invalid")(_json(_post(name, created_at="2026-03-02T00:00:00")), name),
    "another id": lambda name: _bad("invalid")(_json(_post(name, id="odd:else")), name),
    "from the future": lambda name: _bad("implausible_time")(
        _json(_post(name, created_at="2120-01-01T00:00:00Z")), name
    ),
    "too large": lambda name: _bad("too_large")(_json(_post(name, text="я" * 100_001)), name),
    "another type": lambda name: _bad("unknown_type")(_json(_post(name)), name, "molva.spike.v1"),
    "no mention": lambda name: _bad("not_json", ("detection", "storage"), MENTIONS)(
        b"{", name, "molva.mention.v1"
    ),
    "not enriched": lambda name: _bad("invalid", ("storage",), ENRICHED)(
        b"{}", name, "molva.enriched-post.v1"
    ),
    "no baseline": lambda name: _bad("not_json", ("detection",), BASELINES)(
        b"null and void", name, "molva.baseline.v1"
    ),
    "no spike": lambda name: _bad("invalid", ("notification", "storage"), SPIKES)(
        b"{}", name, "molva.spike.v1"
    ),
    "no alert": lambda name: _bad("unknown_type", ("storage",), ALERTS)(b"{}", name, "molva.spike.v1"),
    "no action": lambda name: _bad("invalid", ("notification", "storage"), ACTIONS)(
        b'{"action": "acknowledge"}', name, "molva.alert-action.v1"
    ),
    "no deletion": lambda name: _bad("invalid", ("storage",), DELETED)(
        b'{"id": "odd:1", "source": "odd"}', name, "molva.deletion.v1"
    ),
    "no dead letter": lambda name: _bad("not_json", ("storage",), DEAD_LETTERS)(
        b"{", name, "molva.dead-letter.v1"
    ),
    "half a character": lambda name: _odd(
        name, json.dumps(_post(name, text="\ud800 дождь")).encode(), _headers("molva.post.v1"), name.encode()
    ),
    "no headers": lambda name: _odd(name, _json(_post(name)), [], name.encode()),
    "no key": lambda name: _odd(name, _json(_post(name)), _headers("molva.post.v1"), None),
    "no text": lambda name: _odd(name, _json(_post(name, text="")), _headers("molva.post.v1"), name.encode()),
}
"""Of each kind a record; the last four are posts, however odd."""


def _without(document: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != field}


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _headers(event: str) -> Headers:
    return [("ce_specversion", b"1.0"), ("ce_type", event.encode())]


class Publisher:
    """Publishes at a pace and logs what Kafka confirms; ``published`` counts posts that were sent."""

    def __init__(self, bootstrap: str, log: TextIO) -> None:
        self.published = 0
        self._log = log
        self._unconfirmed: set[asyncio.Task[None]] = set()
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
            retry_backoff_ms=500,
            request_timeout_ms=180_000,  # a broker that is away shall delay, not fail
            max_request_size=4 * 1024 * 1024,
        )

    async def publish(self, made: Iterator[Made], rate: float | None) -> None:
        """Publish all of it, ``rate`` posts a second at most, and return when Kafka has confirmed all."""
        await self._producer.start()
        began, before = time.monotonic(), self.published
        try:
            for each in made:
                if len(self._unconfirmed) >= AHEAD:
                    await asyncio.wait(self._unconfirmed, return_when=asyncio.FIRST_COMPLETED)
                if rate is not None:
                    ahead = (self.published - before) / rate - (time.monotonic() - began)
                    if ahead > 0.01:
                        await asyncio.sleep(ahead)
                await self._send(each)
            if self._unconfirmed:
                await asyncio.gather(*self._unconfirmed)
        finally:
            await self._producer.stop()

    async def _send(self, made: Made) -> None:
        confirmation = await self._producer.send(
            made.topic, made.value, key=made.key, headers=made.headers, partition=made.partition
        )
        task = asyncio.create_task(self._note(made, confirmation))
        self._unconfirmed.add(task)
        task.add_done_callback(self._unconfirmed.discard)
        self.published += made.line["kind"] == "post"

    async def _note(self, made: Made, confirmation: asyncio.Future[Any]) -> None:
        place = await confirmation
        line = {**made.line, "topic": place.topic, "partition": place.partition, "offset": place.offset}
        self._log.write(json.dumps(line) + "\n")
