"""Record -> rows of ClickHouse: pure functions, so that the same record always gives the same rows.

No None in a String column (clickhouse-driver cannot encode it), aware datetimes, numbers within their
columns. ``stored_at`` is left to ClickHouse's default.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pipeline.sink.alert_rows import alert_action_row, alert_row
from pipeline.sink.batch import Batch
from pipeline.sink.cells import (
    Row,
    author_cells,
    channel_cells,
    client_values,
    count,
    engagement_cells,
    json_text,
    moment,
    moment_or_none,
    raw_origin_cells,
    sentiment_cells,
)
from pipeline.sink.signal_cells import mention_signal_cells, post_signal_cells
from pipeline.sink.spike_cells import explanation_cells, top_post_cells
from pipeline.sink.tables import ACTIONS, ALERTS, DEAD_LETTERS, DELETIONS, MENTIONS, POSTS, SPIKES, Table
from schemas import Alert, AlertAction, DeadLetter, Deletion, EnrichedPost, Mention, Record, Spike


class Entry(NamedTuple):
    """What a record becomes: a row of its table, keyed by ``key``, and rows that share its fate."""

    offset: int
    table: Table
    key: str
    row: Row
    entities: tuple[Row, ...]
    since: datetime
    """When the fact was collected: where end-to-end latency starts."""
    revision: int = 0
    """Which version of ``key`` it is: 0 as first published."""
    counted: bool = True
    """False: a row of the table's revisions alone."""


def entry(record: Record, batch: Batch, offset: int) -> Entry:
    """The rows of ``record``, which storage read at ``offset`` of ``batch``.

    Raises:
        TypeError: a record that has no table.
    """
    origin = batch.provenance(offset)
    match record:
        case EnrichedPost():
            found = tuple({**row, **origin} for row in entity_rows(record))
            since = record.post.collected_at
            row = {**post_row(record), **origin}
            return Entry(offset, POSTS, record.id, row, found, since, record.post.revision)
        case Mention():
            key = f"{record.post_id}#{record.object_id}"
            row = {**mention_row(record), **origin}
            return Entry(offset, MENTIONS, key, row, (), record.collected_at, record.revision)
        case Spike():
            row = {**spike_row(record), **origin}
            return Entry(offset, SPIKES, record.event_id, row, (), record.updated_at)
        case Alert():
            row = {**alert_row(record), **origin}
            return Entry(offset, ALERTS, record.event_id, row, (), record.at)
        case AlertAction():
            row = {**alert_action_row(record), **origin}
            return Entry(offset, ACTIONS, record.id, row, (), record.at)
        case Deletion():
            row = {**deletion_row(record), **origin}
            return Entry(offset, DELETIONS, record.id, row, (), record.collected_at)
        case DeadLetter():
            row = {**dead_letter_row(record), **origin}
            return Entry(offset, DEAD_LETTERS, record.id, row, (), record.failed_at)
    raise TypeError(f"no table for {type(record).__name__}")


def columns(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Names and values by column, as ``Client.execute(..., columnar=True)`` takes them."""
    names = list(rows[0])
    return names, [client_values([row[name] for row in rows]) for name in names]


def post_row(record: EnrichedPost) -> Row:
    """The row of ``posts``."""
    post = record.post
    return {
        "id": record.id,
        "timeline": post.timeline,
        "source": post.source,
        "kind": post.kind,
        "revision": post.revision,
        "edited_at": moment_or_none(post.edited_at),
        "url": post.url,
        "created_at": moment(post.created_at),
        "collected_at": moment(post.collected_at),
        "enriched_at": moment(record.enriched_at),
        "text": post.text,
        "language": record.language,
        **sentiment_cells(record.sentiment),
        "model": record.model,
        **post_signal_cells(record.signals),
        "objects": list(record.objects),
        "spoken_by": list(record.spoken_by),
        "community_of": list(record.community_of),
        **channel_cells(post.channel),
        "channel_handle": post.channel.handle if post.channel else "",
        "channel_kind": post.channel.kind if post.channel else "",
        **author_cells(post.author),
        "author_own": bool(post.author and post.author.own),
        "author_created_at": moment_or_none(post.author.created_at if post.author else None),
        "author_bio": post.author.bio if post.author else "",
        "reply_to": post.reply_to or "",
        "thread_root": post.thread_root or "",
        "repost_of": post.repost_of or "",
        "media.kind": [item.kind for item in post.media],
        "media.url": [item.url for item in post.media],
        "media.alt": [item.alt for item in post.media],
        **engagement_cells(post.engagement),
        "rating": post.rating,
        "extras": json_text(post.extras) if post.extras else "",
        **raw_origin_cells(record.origin),
    }


def entity_rows(record: EnrichedPost) -> list[Row]:
    """The rows of ``entities``: one per place where NER found a name."""
    author = record.post.author
    return [
        {
            "post_id": record.id,
            "timeline": record.post.timeline,
            "source": record.post.source,
            "created_at": moment(record.post.created_at),
            "type": found.type,
            "normal": found.normal,
            "name": found.name or found.normal,
            "object_id": found.object_id or "",
            "text": found.text,
            "start": count(found.start),
            "end": count(found.end),
            "label": record.sentiment.label,
            "objects": list(record.objects),
            "author_id": author.id if author else "",
        }
        for found in record.entities
    ]


def mention_row(record: Mention) -> Row:
    """The row of ``mentions``."""
    return {
        "object_id": record.object_id,
        "object_kind": record.object_kind,
        "timeline": record.timeline,
        "post_id": record.post_id,
        "created_at": moment(record.created_at),
        "collected_at": moment(record.collected_at),
        "enriched_at": moment(record.enriched_at),
        "source": record.source,
        "kind": record.kind,
        "revision": record.revision,
        "url": record.url,
        **channel_cells(record.channel),
        **author_cells(record.author),
        "language": record.language,
        "excerpt": record.excerpt,
        "reply_to": record.reply_to or "",
        **engagement_cells(record.engagement),
        "spans.start": [count(span.start) for span in record.spans],
        "spans.end": [count(span.end) for span in record.spans],
        "spans.text": [span.text for span in record.spans],
        "spans.alias": [span.alias for span in record.spans],
        "spans.rule": [span.rule for span in record.spans],
        **sentiment_cells(record.sentiment),
        "own": record.own,
        "model": record.model,
        **mention_signal_cells(record.signals),
        "names": list(record.names),
        "region": record.region,
        **raw_origin_cells(record.origin),
    }


def spike_row(record: Spike) -> Row:
    """The row of ``spikes``: one event of a spike's life."""
    return {
        "id": record.id,
        "revision": count(record.revision),
        "status": record.status,
        "object_id": record.object_id,
        "object_kind": record.object_kind,
        "timeline": record.timeline,
        "resolution": record.resolution,
        "signal": record.signal,
        "dimension": record.dimension,
        "value": record.value,
        "severity": record.severity,
        "opened_at": moment(record.opened_at),
        "started_at": moment(record.started_at),
        "updated_at": moment(record.updated_at),
        "resolved_at": moment_or_none(record.resolved_at),
        "score": record.score,
        "peak_score": record.peak_score,
        "negatives": count(record.negatives),
        "expected_negatives": record.expected_negatives,
        "total": count(record.total),
        "expected_total": record.expected_total,
        "authors": count(record.authors),
        **top_post_cells("top_posts", record.top_posts),
        "top_sources.source": [top.source for top in record.top_sources],
        "top_sources.negatives": [count(top.negatives) for top in record.top_sources],
        "late": count(record.late),
        **explanation_cells(record.explanation),
    }


def deletion_row(record: Deletion) -> Row:
    """The row of ``deletions``."""
    return {
        "id": record.id,
        "source": record.source,
        "native_id": record.native_id,
        "deleted_at": moment(record.deleted_at),
        "collected_at": moment(record.collected_at),
        "timeline": record.timeline,
    }


def dead_letter_row(record: DeadLetter) -> Row:
    """The row of ``dead_letters``."""
    return {
        "id": record.id,
        "stage": record.stage,
        "origin": record.origin,
        "reason": record.reason,
        "detail": record.detail,
        "payload": record.payload,
        "payload_size": max(0, record.payload_size),
        "payload_sha256": record.payload_sha256,
        "failed_at": moment(record.failed_at),
    }
