"""Cells and groups of columns that several tables share; pure, and clamped to what their columns hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import Author, Channel, Engagement, Origin, Sentiment

Row = dict[str, Any]
"""Column name -> value."""

UINT32_MAX = 2**32 - 1
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2299, 12, 31, 23, 59, 59, tzinfo=UTC)


def raw_origin_cells(origin: Origin) -> Row:
    """The raw record that the row was made from."""
    return {
        "origin_topic": origin.topic,
        "origin_partition": count(origin.partition),
        "origin_offset": min(origin.offset, 2**64 - 1),
    }


def sentiment_cells(sentiment: Sentiment) -> Row:
    """The label and two probabilities; the third is an ALIAS column."""
    return {
        "label": sentiment.label,
        "p_negative": sentiment.negative,
        "p_positive": sentiment.positive,
    }


def channel_cells(channel: Channel | None) -> Row:
    """Where the post stands; empty strings where the source does not tell."""
    if channel is None:
        return {"channel_id": "", "channel_name": "", "channel_followers": None, "channel_own": False}
    return {
        "channel_id": channel.id,
        "channel_name": channel.name,
        "channel_followers": count_or_none(channel.followers),
        "channel_own": channel.own,
    }


def author_cells(author: Author | None) -> Row:
    """Who wrote it; an empty ``author_id`` where the source does not tell."""
    return {
        "author_id": author.id if author else "",
        "author_name": author.name if author else "",
        "author_handle": author.handle if author else "",
        "author_followers": count_or_none(author.followers if author else None),
        "author_verified": bool(author and author.verified),
    }


def engagement_cells(engagement: Engagement) -> Row:
    """Counts of the source; NULL where it does not tell."""
    return {
        "likes": count_or_none(engagement.likes),
        "reposts": count_or_none(engagement.reposts),
        "comments": count_or_none(engagement.comments),
        "views": count_or_none(engagement.views),
    }


def count(value: int) -> int:
    """A number for a UInt32 column."""
    return value if 0 <= value <= UINT32_MAX else min(max(value, 0), UINT32_MAX)


def count_or_none(value: int | None) -> int | None:
    """A number for a Nullable(UInt32) column."""
    return None if value is None else count(value)


def moment(value: datetime) -> datetime:
    """A moment for a DateTime64 column, which holds the years 1900 to 2299."""
    return value if _EARLIEST <= value <= _LATEST else min(max(value, _EARLIEST), _LATEST)


def client_values(column: list[Any]) -> list[Any]:
    """The values of a column as clickhouse-driver takes them at once: moments in milliseconds since 1970.

    Its own conversion takes six times as long. Every DateTime64 column of the schema has three digits.
    """
    if not isinstance(column[0], datetime):
        return column
    return [None if value is None else (value - _EPOCH) // _MILLISECOND for value in column]


def moment_or_none(value: datetime | None) -> datetime | None:
    """A moment for a Nullable(DateTime64) column."""
    return None if value is None else moment(value)


def json_text(value: object) -> str:
    """Compact JSON, the same for equal documents."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
