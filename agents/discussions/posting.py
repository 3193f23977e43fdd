"""Documents of a platform -> items: posts that keep the contract, dead letters of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agents.base import Found, Rejected
from schemas import RawPost
from schemas.codec import InvalidRecord, validate

MAX_PAYLOAD: Final = 64 * 1024
LATEST: Final = 253_402_300_800.0


def item_of(document: Mapping[str, Any], told: object, origin: str) -> Found | Rejected:
    """The post of ``document``; where it breaks the contract, a dead letter of what the platform ``told``."""
    try:
        return Found(validate(RawPost, dict(document)), origin)
    except InvalidRecord as error:
        return Rejected(payload_of(told), origin, error.reason, error.detail)


def payload_of(told: object) -> bytes:
    """What a platform said, for a dead letter."""
    return json.dumps(told, ensure_ascii=False, default=str).encode("utf-8", "replace")[:MAX_PAYLOAD]


def moment_of(seconds: object) -> datetime | None:
    """A moment of Unix seconds; None for what is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def iso_moment(text: object) -> datetime | None:
    """A moment written as ISO 8601; None for what is none, or has no zone."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def milliseconds(moment: datetime) -> int:
    """Unix milliseconds."""
    return round(moment.timestamp() * 1000)


def count_of(value: object) -> int | None:
    """A count, also one that is written as text; None where it is hidden or none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def text_of(value: object) -> str:
    """The text; empty for what is no text."""
    return value if isinstance(value, str) else ""


def part_of(whole: object, name: str) -> dict[str, Any]:
    """An object within an object; empty where there is none."""
    part = whole.get(name) if isinstance(whole, Mapping) else None
    return part if isinstance(part, dict) else {}


def parts_of(whole: object, name: str) -> list[dict[str, Any]]:
    """The objects of a list within an object."""
    parts = whole.get(name) if isinstance(whole, Mapping) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
