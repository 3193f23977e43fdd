"""What the documents of a local Mastodon instance are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Document = dict[str, Any]
BARE: Document = {
    "in_reply_to_id": None,
    "in_reply_to_account_id": None,
    "sensitive": False,
    "spoiler_text": "",
    "reblog": None,
    "media_attachments": [],
    "mentions": [],
    "emojis": [],
    "card": None,
    "poll": None,
}


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
