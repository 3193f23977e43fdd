"""One entry of an ingest body and who sent it -> the record to publish. Pure."""

from __future__ import annotations

from datetime import datetime

from agents.http.callers import Rights
from agents.http.entries import Entry, unwrapped
from agents.publisher import Ready, encode_within_limit
from agents.rows import deletion_of_row, post_of
from schemas import Deletion, RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord

DEFAULT_SOURCE = "http"
"""Of rows that name no source, where their caller has not just one."""
DELETED = "deleted"


class Forbidden(ValueError):
    """The caller may not post this record; it is refused and not kept, or others could publish it later."""


def ready_of(entry: Entry, caller: Rights, collected_at: datetime) -> Ready:
    """The post or the deletion of an entry, encoded.

    Raises:
        InvalidRecord: it is none; says why.
        Forbidden: it is none that the caller may post.
        RecordTooLarge: the broker would refuse it.
    """
    if isinstance(entry.document, InvalidRecord):
        raise entry.document
    row = unwrapped(entry.document)
    source = caller.only_source or DEFAULT_SOURCE
    record: RawPost | Deletion
    if isinstance(row, dict) and row.get(DELETED) is True:
        record = deletion_of_row(row, source=source, timeline=LIVE, collected_at=collected_at)
    else:
        record = post_of(row, source=source, timeline=LIVE, collected_at=collected_at)
    _require_right(record, caller)
    return Ready(record, encode_within_limit(record))


def _require_right(record: RawPost | Deletion, caller: Rights) -> None:
    if not caller.owns(record.source):
        raise Forbidden(f"{caller.name} may not post for the source {record.source}")
    if isinstance(record, Deletion):
        if not caller.may_delete:
            raise Forbidden(f"{caller.name} may not delete posts")
    elif record.kind not in caller.kinds:
        raise Forbidden(f"{caller.name} may not post a {record.kind}")


def id_of(entry: Entry) -> str | None:
    """What a rejected entry calls itself."""
    row = None if isinstance(entry.document, InvalidRecord) else unwrapped(entry.document)
    given = row.get("id") if isinstance(row, dict) else None
    return given[:512] if isinstance(given, str) else None
