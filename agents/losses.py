"""The records of what is no post: deletions at the source, and dead letters of what could not be read."""

from __future__ import annotations

import json
from datetime import datetime

from agents.base import Gone, Rejected
from schemas import DeadLetter, Deletion
from schemas.codec import InvalidRecord, validate


def deletion_of(gone: Gone, timeline: str, collected_at: datetime) -> Deletion | Rejected:
    """The record of a deletion; a `Rejected` where the contract does not take it."""
    document = {
        "id": f"{gone.source}:{gone.native_id}",
        "source": gone.source,
        "native_id": gone.native_id,
        "deleted_at": gone.deleted_at,
        "collected_at": collected_at,
        "timeline": timeline,
    }
    try:
        return validate(Deletion, document)
    except InvalidRecord as error:
        payload = json.dumps(document, default=str, ensure_ascii=False).encode("utf-8", "replace")
        return Rejected(payload, gone.origin, error.reason, error.detail)


def dead_letter_of(rejected: Rejected, kind: str, failed_at: datetime) -> DeadLetter:
    """The dead letter of an agent's bad input."""
    return DeadLetter.of(
        rejected.payload,
        stage=f"agent:{kind}",
        origin=rejected.origin,
        reason=rejected.reason,
        detail=rejected.detail,
        failed_at=failed_at,
    )
