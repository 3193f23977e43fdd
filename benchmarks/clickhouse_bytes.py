"""Bytes on disk per post and per mention, and rows per second of the sink, in a ClickHouse of its own.

    python benchmarks/clickhouse_bytes.py [FILE.jsonl] [--posts N]

FILE holds lines of ``id, created_at, text, targets {object: label}`` (default: tweets_banks_2014.jsonl of
$MOLVA_DATA or ../shared/data; without it, or with --posts, text is generated). Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import topics
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.migrations import migrate
from pipeline.sink.rows import entry
from pipeline.sink.writer import Writer
from schemas import Author, EnrichedPost, Entity, Mention, Origin, RawPost, Record, Sentiment, Span
from schemas.base import Label

ROOT = Path(__file__).resolve().parents[1]
BATCH = 10_000
MONTH = timedelta(days=20)
WORDS = """
банк карта кредит вклад приложение перевод очередь отделение оператор поддержка связь тариф интернет ставка
деньги счёт снова опять сегодня вчера почему когда никто ничего быстро медленно спасибо ужас отлично плохо
хорошо работает висит упал списали вернули обещали ждём звонил писал ответили молчат сотрудник клиент договор
""".split()  # noqa: SIM905


class Text(NamedTuple):
    """One post to store: its own id, time, text, and the label toward each object."""

    id: str
    created_at: datetime
    text: str
    targets: dict[str, Label]


def main() -> None:
    """Fill, compact, measure, print."""
    arguments = _arguments()
    texts = list(_texts(arguments.file, arguments.posts))
    with tempfile.TemporaryDirectory() as directory, EmbeddedClickHouse(Path(directory)) as server:
        options = server.client_options()
        settings = Settings(
            clickhouse_host=options["host"],
            clickhouse_port=options["port"],
            clickhouse_user=options["user"],
            clickhouse_password=options["password"],
        )
        client = connect(settings, "default")
        migrate(client, settings.clickhouse_database)
        clients = Clients(lambda: connect(settings))
        rates = {
            "posts": _store(
                Writer(clients), topics.ENRICHED, [_post(n, text) for n, text in enumerate(texts)]
            ),
            "mentions": _store(Writer(clients), topics.MENTIONS, list(_mentions(texts))),
        }
        print(json.dumps(_measure(client, settings.clickhouse_database, rates), indent=1))
        clients.close()
        client.disconnect()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("MOLVA_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("file", nargs="?", type=Path, default=data / "tweets_banks_2014.jsonl")
    parser.add_argument("--posts", type=int, default=0, help="generate this many posts instead")
    return parser.parse_args()


def _texts(file: Path, posts: int) -> Iterator[Text]:
    if not posts and file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield Text(row["id"], datetime.fromisoformat(row["created_at"]), row["text"], row["targets"])
        return
    chance = random.Random(7)
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(posts or 100_000):
        words = [
            WORDS[min(int(chance.expovariate(0.08)), len(WORDS) - 1)] for _ in range(chance.randint(8, 30))
        ]
        text = " ".join(words) + f" {chance.randint(1, 99_999)}"
        label: Label = chance.choice(("negative", "neutral", "neutral", "positive"))
        yield Text(
            str(10**18 + number * 4_194_304 + chance.randint(0, 4095)),
            start + MONTH * (number / (posts or 100_000)),
            text,
            {f"bank{chance.randint(1, 8)}": label},
        )


def _sentiment(label: Label, seed: int) -> Sentiment:
    chance = random.Random(seed)
    sure, rest = 0.5 + chance.random() / 2, chance.random()
    others = [name for name in ("negative", "neutral", "positive") if name != label]
    shares = {label: sure, others[0]: (1 - sure) * rest, others[1]: (1 - sure) * (1 - rest)}
    return Sentiment(label=label, **{name: round(share, 4) for name, share in shares.items()})


def _raw(number: int, text: Text) -> RawPost:
    author = number * 7919 % 3000
    return RawPost(
        id=f"twitter:{text.id}",
        source="twitter",
        native_id=text.id,
        url=f"https://example.org/{author}/status/{text.id}",
        author=Author(
            id=str(10**6 + author * 137), name=f"Автор {author}", handle=f"author_{author}", followers=author
        ),
        created_at=text.created_at,
        collected_at=text.created_at + timedelta(seconds=5),
        text=text.text,
        timeline="live",
    )


def _post(number: int, text: Text) -> EnrichedPost:
    raw = _raw(number, text)
    words = [word for word in text.text.split() if word[:1].isupper()][:2]
    label: Label = next(iter(text.targets.values()), "neutral")
    return EnrichedPost(
        id=raw.id,
        post=raw,
        origin=Origin(topic=topics.RAW, partition=number % 4, offset=number // 4),
        language="ru",
        sentiment=_sentiment(label, number),
        entities=tuple(
            Entity(text=word, normal=word.lower(), type="ORG", start=0, end=len(word)) for word in words
        ),
        objects=tuple(text.targets),
        model="open-1",
        enriched_at=raw.collected_at + timedelta(milliseconds=300),
    )


def _mentions(texts: Iterable[Text]) -> Iterator[Mention]:
    for number, text in enumerate(texts):
        raw = _raw(number, text)
        for object_id, label in text.targets.items():
            yield Mention(
                id=f"{raw.id}#{object_id}",
                post_id=raw.id,
                object_id=object_id,
                object_kind="brand",
                origin=Origin(topic=topics.RAW, partition=number % 4, offset=number // 4),
                created_at=raw.created_at,
                collected_at=raw.collected_at,
                source=raw.source,
                kind=raw.kind,
                url=raw.url,
                author=raw.author,
                language="ru",
                excerpt=raw.text[:280],
                spans=(Span(start=0, end=4, text=raw.text[:4], alias=object_id, rule="alias"),),
                sentiment=_sentiment(label, number),
                model="open-1",
                enriched_at=raw.collected_at + timedelta(milliseconds=300),
            )


def _store(writer: Writer, topic: str, records: list[Record] | list[EnrichedPost] | list[Mention]) -> float:
    """Look up and insert in batches; rows per second (decoding and row building not included)."""
    seconds = 0.0
    for lo in range(0, len(records), BATCH):
        part = records[lo : lo + BATCH]
        batch = Batch("benchmark", topic, 0, lo, lo + len(part) - 1)
        entries = [entry(record, batch, lo + number) for number, record in enumerate(part)]
        start = time.perf_counter()
        writer.insert(writer.select(entries, batch, resumed=False).entries, batch)
        seconds += time.perf_counter() - start
    return round(len(records) / seconds)


def _measure(client: Any, database: str, rates: dict[str, float]) -> dict[str, Any]:
    tables = [
        name
        for (name,) in client.execute(
            "SELECT name FROM system.tables WHERE database = %(d)s AND engine LIKE '%%MergeTree'",
            {"d": database},
        )
    ]
    for name in tables:
        client.execute(f"OPTIMIZE TABLE {database}.{name} FINAL")
    sizes = client.execute(
        """SELECT table, sum(rows), sum(bytes_on_disk), sum(secondary_indices_compressed_bytes),
            sum(data_uncompressed_bytes)
        FROM system.parts WHERE database = %(d)s AND active GROUP BY table""",
        {"d": database},
    )
    by_table = {
        table: {
            "rows": rows,
            "bytes": size,
            "bytes_per_row": round(size / rows, 1),
            "of_it_skip_indexes": round(index / rows, 1),
            "uncompressed_per_row": round(raw / rows, 1),
        }
        for table, rows, size, index, raw in sizes
        if rows
    }
    columns = client.execute(
        """SELECT table, name, data_compressed_bytes FROM system.columns
        WHERE database = %(d)s AND table IN ('posts', 'mentions') ORDER BY data_compressed_bytes DESC""",
        {"d": database},
    )
    posts, mentions = by_table["posts"]["rows"], by_table["mentions"]["rows"]
    of_posts = sum(by_table[name]["bytes"] for name in ("posts", "post_ids", "entities") if name in by_table)
    of_mentions = sum(by_table[name]["bytes"] for name in by_table if name.startswith("mention"))
    return {
        "bytes_per_post": round(of_posts / posts, 1),
        "bytes_per_mention": round(of_mentions / mentions, 1),
        "rows_per_second": rates,
        "tables": by_table,
        "largest_columns": {
            f"{table}.{name}": round(size / by_table[table]["rows"], 2) for table, name, size in columns[:16]
        },
    }


if __name__ == "__main__":
    main()
