"""What a record costs outside of the language models: decoding, encoding, sending; CPU microseconds, JSON.

    python -m benchmarks.records

Decoding and encoding: the least of 60 rounds over 500 posts. Sending: `Producer.emit` of batches of 256
enriched posts and 32 mentions (1.7 and 1.5 KB) on the embedded broker, per post; the least and the median of
80 batches. The least is what a quiet machine takes, also on a busy one.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.emission import Outgoing
from pipeline.kafka import KafkaAdmin
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.topics import ENRICHED, MENTIONS
from schemas import Author, EnrichedPost, Origin, RawPost, Sentiment
from schemas.codec import Message, decode, encode
from schemas.post import Channel
from schemas.signals import Signals

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
POSTS, ROUNDS = 500, 60
BATCH, BATCHES = 256, 80
TEXT = "В отделении на Ленина третий час не работает ни один банкомат, очередь стоит на улице"


def posts() -> list[EnrichedPost]:
    """Made-up posts of an ordinary size."""
    signals = Signals(type="complaint", p_type=0.8, fingerprint=tuple(range(4_000_000_000, 4_000_000_012)))
    return [
        EnrichedPost(
            id=f"bench:{number}",
            post=RawPost(
                id=f"bench:{number}",
                source="bench",
                native_id=str(number),
                url=f"https://social.example/wall-{number}",
                channel=Channel(id="c1", name="Сообщество", followers=31),
                author=Author(id="a1", name="Автор", handle="author", followers=7),
                created_at=NOW,
                collected_at=NOW,
                text=TEXT,
            ),
            origin=Origin(topic="molva.posts.raw", partition=0, offset=number),
            language="ru",
            sentiment=Sentiment(label="negative", negative=0.7, neutral=0.2, positive=0.1),
            model="m",
            signals=signals,
            enriched_at=NOW,
        )
        for number in range(POSTS)
    ]


def least(work: Callable[[], Sequence[object]]) -> float:
    """Of all rounds the least, in microseconds per record."""
    spent = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return round(min(spent) / POSTS * 1e6, 1)


def batch(number: int) -> list[Outgoing]:
    """What enrichment sends of 256 posts, one in eight about a watched object."""
    headers = encode(posts()[0]).headers
    out = []
    for at in range(number * BATCH, (number + 1) * BATCH):
        out.append(Outgoing(ENRICHED, Message(f"bench:bench-{at}".encode(), b"x" * 1700, headers)))
        if at % 8 == 0:
            out.append(Outgoing(MENTIONS, Message(b"teplobank", b"x" * 1500, headers)))
    return out


async def sending(settings: Settings) -> dict[str, float]:
    """Microseconds per post of `Producer.emit`."""
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()
    spent = []
    async with Producer(settings) as producer:
        for number in range(BATCHES):
            items = batch(number)
            started = time.process_time()
            await producer.emit(items)
            spent.append((time.process_time() - started) / BATCH * 1e6)
    return {"least": round(min(spent), 1), "median": round(statistics.median(spent), 1)}


def main() -> None:
    """Measure and print."""
    enriched = posts()
    raw = [encode(each.post).value for each in enriched]
    values = [encode(each).value for each in enriched]
    report: dict[str, object] = {
        "decode_raw": least(lambda: [decode(RawPost, value) for value in raw]),
        "decode_enriched": least(lambda: [decode(EnrichedPost, value) for value in values]),
        "encode_raw": least(lambda: [encode(each.post) for each in enriched]),
        "encode_enriched": least(lambda: [encode(each) for each in enriched]),
    }
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder)) as broker:
        settings = broker.settings(Settings(data_dir=Path(folder), partitions=4))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report["emit"] = runner.run(sending(settings))
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
