"""What docs/scale.md multiplies: bytes per record, and CPU microseconds per record of storage and detection.

The mix of ``benchmarks/enrichment.py``: nine tenths are general tweets, one tenth names an object.
CPU time is that of this process, and of the ClickHouse engine beside it; Kafka clients are not in it.

    python benchmarks/scale_inputs.py --data ../shared/data --posts 4000
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core.clusters import Clusters
from pipeline.core.detection import PartitionDetector
from pipeline.core.linking import Linker
from pipeline.embedded.stack import EmbeddedStack
from pipeline.nlp.annotator import build_annotator
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.migrations import migrate
from pipeline.sink.reading import read
from pipeline.sink.writer import Writer
from pipeline.topics import ENRICHED, MENTIONS
from schemas import EnrichedPost, Mention
from schemas.codec import encode

sys.path.insert(0, str(Path(__file__).parent))

from enrichment import WATCHLIST, enrich, posts

CHUNK = 256


class Stored(NamedTuple):
    """A record as storage's consumer gives it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes
    headers: Sequence[tuple[str, bytes]]


def main() -> None:
    """Print the inputs as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOLVA_DATA", "../shared/data")))
    parser.add_argument("--posts", type=int, default=4000)
    asked = parser.parse_args()
    raw = posts(asked.data, asked.posts)
    annotator = build_annotator(WATCHLIST, "full", "fast")
    linker, clusters = Linker(annotator.watched), Clusters()
    made = [
        record
        for start in range(0, len(raw), CHUNK)
        for record in enrich(annotator, linker, clusters, raw[start : start + CHUNK])
    ]
    enriched = [record for record in made if isinstance(record, EnrichedPost)]
    mentions = [record for record in made if isinstance(record, Mention)]
    report: dict[str, Any] = {
        "posts": len(raw),
        "mentions_per_post": len(mentions) / len(raw),
        "bytes": {"raw": size(raw), "enriched": size(enriched), "mention": size(mentions)},
        "detection_us_per_mention": detection(mentions),
    }
    with tempfile.TemporaryDirectory() as folder, EmbeddedStack(Path(folder)) as stack:
        settings = stack.info.settings(Settings())
        with connect(settings, "default") as client:
            migrate(client, settings.clickhouse_database)
        pid = stack.info.clickhouse_pid
        report["post_row"] = storage(settings, pid, ENRICHED, enriched)
        report["mention_row"] = storage(settings, pid, MENTIONS, mentions)
    print(json.dumps(report, indent=2))


def size(records: Sequence[Any]) -> int:
    """Bytes of a record with key and headers, on average, before Kafka's compression."""
    total = 0
    for record in records:
        message = encode(record)
        headers = sum(len(name) + len(value) for name, value in message.headers)
        total += len(message.key) + len(message.value) + headers
    return round(total / len(records))


def detection(mentions: Sequence[Mention]) -> float:
    """CPU microseconds to absorb a mention, decoding not included."""
    detector = PartitionDetector(0, "scale", source_idle=timedelta(minutes=10))
    return cpu_us(lambda: [detector.absorb(mention) for mention in mentions], len(mentions))


def storage(settings: Settings, server: int, topic: str, records: Sequence[Any]) -> dict[str, float]:
    """CPU microseconds of a record: from bytes to rows, in the insert here, and in the server (no merges)."""
    messages = [encode(record) for record in records]
    stored = [Stored(topic, 0, at, 0, each.value, each.headers) for at, each in enumerate(messages)]
    batch = Batch("scale", topic, 0, 0, len(stored) - 1)
    clients = Clients(lambda: connect(settings))
    writer = Writer(clients)
    entries: list[Any] = []
    decoding = cpu_us(lambda: entries.extend(read(stored, batch).entries), len(stored))
    before = server_seconds(server)
    inserting = cpu_us(
        lambda: writer.insert(writer.select(entries, batch, resumed=False).entries, batch), len(stored)
    )
    spent = (server_seconds(server) - before) * 1e6 / len(stored)
    clients.close()
    return {"decode_us": decoding, "insert_us": inserting, "clickhouse_us": round(spent, 1)}


def cpu_us(work: Callable[[], object], items: int) -> float:
    """CPU microseconds of this process per item."""
    start = time.process_time()
    work()
    return round((time.process_time() - start) * 1e6 / items, 1)


def server_seconds(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
