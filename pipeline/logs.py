"""How workers and agents log: lines of text or of JSON on standard error, records named, secrets left out.

A line about a record is logged with ``extra=about(record)``: post id, topic, partition and offset.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import SecretStr

from pipeline.kafka_record import PlacedRecord
from pipeline.settings import Settings
from schemas import Deletion, EnrichedPost, Mention, RawPost
from schemas.codec import header

FIELDS = ("post_id", "topic", "partition", "offset")
"""Of every line about a record. ``offset`` is the first one where a line is about a batch."""
MORE = ("until_offset", "stage", "reason")
HIDDEN = "***"
SHORTEST_SECRET = 4
"""Shorter values would be hidden everywhere."""
_SECRET_NAME = re.compile(r"TOKEN|PASSWORD|SECRET|API_?KEY|CREDENTIAL", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
"""``user:password`` in a URL."""
ABOUT_POSTS = tuple(f"molva.{record.TYPE}" for record in (RawPost, EnrichedPost, Mention, Deletion))
WITH_SUFFIX = tuple(f"molva.{record.TYPE}." for record in (Mention, Deletion))
TALKATIVE = ("httpx", "httpcore", "aiohttp.access")
"""Libraries that log whole URLs, which may carry tokens, or a line per request."""


def about(record: PlacedRecord) -> dict[str, object]:
    """``extra`` of a log line about a record; the post id as its headers tell it, None where they do not."""
    return {
        "post_id": post_id(record.headers),
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
    }


def post_id(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The post that a record is about: its ``ce_id``, of mentions and deletions what stands before ``#``."""
    kind, event_id = header(headers, "ce_type") or "", header(headers, "ce_id")
    if event_id is None or kind.rpartition(".")[0] not in ABOUT_POSTS:
        return None
    return event_id.rpartition("#")[0] if kind.startswith(WITH_SUFFIX) else event_id


def configure(settings: Settings, environ: Mapping[str, str], secrets: Iterable[str] = ()) -> None:
    """Set up logging of this process as the settings say; ``environ`` and ``secrets`` must not be logged."""
    redact = Redaction(secrets_of(settings, environ) | set(secrets))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((JsonLines if settings.log_format == "json" else TextLines)(redact))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> set[str]:
    """Every secret that the process has been given: of the settings, and what ``alerts.yaml`` may name."""
    own = {value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)}
    return own | {value for name, value in environ.items() if _SECRET_NAME.search(name)}


class Redaction:
    """Replaces secrets in a text, and the credentials of URLs."""

    def __init__(self, secrets: Iterable[str]) -> None:
        longest_first = sorted(
            {each for each in secrets if len(each) >= SHORTEST_SECRET}, key=len, reverse=True
        )
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        text = _CREDENTIALS.sub(HIDDEN, text)
        return text if self._secrets is None else self._secrets.sub(HIDDEN, text)


class _Lines(logging.Formatter):
    """What the two formats share: one line per event, its moment in UTC, a stack trace where there is one."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__()
        self._redact = redact

    def _moment(self, record: logging.LogRecord) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def _trace(self, record: logging.LogRecord) -> str:
        return self._redact(self.formatException(record.exc_info)) if record.exc_info else ""

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        named: Collection[str] = (*FIELDS, *MORE)
        found = {name: getattr(record, name) for name in named if hasattr(record, name)}
        return {
            name: self._redact(value) if isinstance(value, str) else value for name, value in found.items()
        }


class JsonLines(_Lines):
    """One JSON object per line: ``time``, ``level``, ``logger``, ``message``, fields, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, object] = {
            "time": self._moment(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redact(record.getMessage()),
            **self._fields(record),
        }
        if trace := self._trace(record):
            document["exception"] = trace
        return json.dumps(document, ensure_ascii=False, default=str)


class TextLines(_Lines):
    """``<time> <level> <logger>: <message> [post_id=... topic=... partition=... offset=...]``."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in self._fields(record).items())
        message = self._redact(record.getMessage())
        line = f"{self._moment(record)} {record.levelname} {record.name}: {message}"
        trace = self._trace(record)
        return line + (f" [{fields}]" if fields else "") + (f"\n{trace}" if trace else "")
