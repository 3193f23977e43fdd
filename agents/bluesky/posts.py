"""Records with their authors -> posts. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from agents.base import Found, Rejected
from agents.bluesky import records
from agents.bluesky.options import SOURCE
from agents.bluesky.records import Record, string
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate
from schemas.post import EARLIEST

MAX_MEDIA: Final = 64
MAX_LINKS: Final = 30
MAX_PAYLOAD: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of an author; all but ``did`` may be unknown."""

    did: str
    handle: str = ""
    name: str = ""
    followers: int | None = None
    created_at: str | None = None
    bio: str = ""
    verified: bool = False
    bot: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What a watchlist may call it."""
        handle = self.handle
        return (self.did, handle, f"@{handle}", f"bsky.app/profile/{handle}", f"bsky.app/profile/{self.did}")


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it was told: by the stream, or by the AppView with ``engagement``.

    ``told`` is when the network had it; ``edited`` when it was changed, None for the first version.
    """

    did: str
    collection: str
    key: str
    cid: str
    record: Record
    told: datetime
    edited: datetime | None = None
    engagement: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return records.uri_of(self.did, self.collection, self.key)


def post_of(written: Written, author: Profile, *, own: bool, now: datetime) -> Found | Rejected:
    """The post of a record."""
    origin = f"{SOURCE}:{written.uri}"
    try:
        return Found(validate(RawPost, _document(written, author, own, now)), origin)
    except InvalidRecord as error:
        payload = json.dumps(written.record, ensure_ascii=False).encode("utf-8", "replace")[:MAX_PAYLOAD]
        return Rejected(payload, origin, error.reason, error.detail)


def _document(written: Written, author: Profile, own: bool, now: datetime) -> dict[str, Any]:
    record, edited = written.record, written.edited
    parent = records.answered(record, "parent")
    shared = (
        string(records.part(record, "subject").get("uri")) if written.collection == records.REPOST else ""
    )
    return {
        "source": SOURCE,
        "native_id": written.uri,
        "kind": "repost" if shared else "comment" if parent else "post",
        "url": address(shared or written.uri),
        "channel": _channel(author, own),
        "author": {
            "id": author.did,
            "name": author.name or author.handle,
            "handle": author.handle,
            "followers": author.followers,
            "verified": author.verified,
            "created_at": author.created_at,
            "bio": author.bio,
            "own": own,
        },
        "created_at": _moment(written),
        "collected_at": now,
        "text": records.full_text(record),
        "language": next((each[:16] for each in records.strings(record, "langs")), None),
        "reply_to": _full(parent),
        "thread_root": _full(records.answered(record, "root")),
        "repost_of": _full(shared),
        "media": list(records.media(record, written.did))[:MAX_MEDIA],
        "engagement": dict(written.engagement),
        "timeline": LIVE,
        "revision": 0 if edited is None else int(edited.timestamp() * 1000),
        "edited_at": edited,
        "extras": _extras(written, author),
    }


def address(uri: str) -> str:
    """Where people read a post; by its account's DID, as handles change hands."""
    did, _, rest = uri.removeprefix("at://").partition("/")
    return f"https://bsky.app/profile/{did}/post/{rest.rpartition('/')[2]}"


def _moment(written: Written) -> datetime:
    """When it was written; devices whose clock is wrong, or lies, are not believed about the future."""
    claimed = records.created_at(written.record)
    return written.told if claimed is None or claimed < EARLIEST else min(claimed, written.told)


def _channel(author: Profile, own: bool) -> dict[str, Any]:
    """A post stands on its author's page."""
    return {
        "id": author.did,
        "name": author.name or author.handle,
        "handle": author.handle,
        "kind": "account",
        "followers": author.followers,
        "own": own,
    }


def _extras(written: Written, author: Profile) -> dict[str, Any]:
    record, claimed = written.record, records.created_at(written.record)
    languages = records.strings(record, "langs")
    extras = {
        "cid": written.cid,
        "quote_of": _full(records.quoted(record)),
        "links": [each[:2000] for each in records.links(record)][: MAX_LINKS // 6],
        "tags": [each[:100] for each in records.strings(record, "tags")][:MAX_LINKS],
        "labels": records.labels(record),
        "languages": languages[:10] if len(languages) > 1 else [],
        "claimed_at": claimed.isoformat() if claimed is not None and claimed > written.told else "",
        "bot": author.bot,
    }
    return {key: value for key, value in extras.items() if value}


def _full(uri: str) -> str | None:
    return f"{SOURCE}:{uri}" if uri else None
