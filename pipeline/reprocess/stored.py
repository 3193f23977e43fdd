"""Rows of ``posts`` and ``entities`` back into the records that they were made from; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core.standing import by_account
from schemas import Author, Channel, Engagement, Entity, Media, Origin, RawPost

Stored = Mapping[str, Any]
"""Column -> value of one row, as clickhouse-driver gives it."""


def raw_post(row: Stored) -> RawPost:
    """The post that a row of ``posts`` was made from; only the source's language hint was not stored.

    ``author.own`` is what the agent told, as far as that can be told apart; for the channel see `released`.
    """
    return RawPost(
        id=row["id"],
        source=row["source"],
        native_id=row["id"].removeprefix(f"{row['source']}:"),
        kind=row["kind"],
        url=row["url"],
        channel=_channel(row),
        author=_author(row),
        created_at=row["created_at"],
        collected_at=row["collected_at"],
        text=row["text"],
        reply_to=row["reply_to"] or None,
        thread_root=row["thread_root"] or None,
        repost_of=row["repost_of"] or None,
        media=tuple(
            Media(kind=kind, url=url, alt=alt)
            for kind, url, alt in zip(row["media.kind"], row["media.url"], row["media.alt"], strict=True)
        ),
        engagement=Engagement(**{name: row[name] for name in Engagement.model_fields}),
        rating=row["rating"],
        timeline=row["timeline"],
        revision=row["revision"],
        edited_at=row["edited_at"],
        extras=json.loads(row["extras"]) if row["extras"] else {},
    )


def released(post: RawPost, row: Stored, community_of: Sequence[str]) -> RawPost:
    """The post without ``channel.own`` where it was an object's community and today's watchlist has no such.

    Before that it is needed: the name of a channel counts only where it is own.
    """
    if post.channel is None or not row["community_of"] or community_of:
        return post
    return post.model_copy(update={"channel": post.channel.model_copy(update={"own": False})})


def origin(row: Stored) -> Origin:
    """The raw record that the post came in."""
    return Origin(topic=row["origin_topic"], partition=row["origin_partition"], offset=row["origin_offset"])


def entity(row: Stored) -> Entity:
    """A name as NER found it, without what it was linked to."""
    return Entity(
        text=row["text"], normal=row["normal"], type=row["type"], start=row["start"], end=row["end"]
    )


def _channel(row: Stored) -> Channel | None:
    found = Channel(
        id=row["channel_id"],
        name=row["channel_name"],
        handle=row["channel_handle"],
        kind=row["channel_kind"],
        followers=row["channel_followers"],
        own=row["channel_own"],
    )
    return None if found == Channel(id="") else found


def _author(row: Stored) -> Author | None:
    found = Author(
        id=row["author_id"],
        name=row["author_name"],
        handle=row["author_handle"],
        followers=row["author_followers"],
        verified=row["author_verified"],
        created_at=row["author_created_at"],
        bio=row["author_bio"],
        own=row["author_own"]
        and not by_account(
            row["spoken_by"], row["community_of"], as_channel=row["author_id"] == row["channel_id"]
        ),
    )
    return None if found == Author(id="") else found
