"""The posts of `benchmarks.ingest`: as a caller sends them, and as the ingest sends them to Kafka."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from agents.rows import post_of
from schemas.codec import Message, encode

TEXTS = (
    "Сбербанк опять лежит, третий час не могу оплатить, поддержка молчит и переводит на бота",
    "Сегодня хорошая погода, гуляли в парке с детьми, потом пили чай и смотрели старое кино",
    "МТС списал деньги за услугу, которую я не подключал, второй раз за месяц, ухожу к другому",
    "Посмотрел вчера матч, второй тайм был намного лучше первого, судья только всё испортил",
)


def rows(count: int) -> list[dict[str, Any]]:
    """Posts as a caller has them."""
    now = datetime.now(UTC).isoformat()
    return [
        {
            "id": f"{number}",
            "source": "bench",
            "created_at": now,
            "text": f"{TEXTS[number % len(TEXTS)]}, {number}",
            "url": f"https://example.org/posts/{number}",
            "author": {"id": str(number % 5000), "name": "Иван Петров", "followers": number % 900},
            "channel": {"id": "city", "name": "Город"},
            "engagement": {"likes": number % 7},
        }
        for number in range(count)
    ]


def bodies(posts: Sequence[dict[str, Any]], batch: int) -> list[bytes]:
    """The posts as NDJSON."""
    lines = [json.dumps(each, ensure_ascii=False).encode() for each in posts]
    return [b"\n".join(lines[begin : begin + batch]) for begin in range(0, len(lines), batch)]


def messages(posts: Sequence[dict[str, Any]]) -> list[Message]:
    """What the ingest sends to Kafka for them."""
    now = datetime.now(UTC)
    return [encode(post_of(each, source="http", timeline="live", collected_at=now)) for each in posts]
