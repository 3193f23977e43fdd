"""One row of input -> a raw post: what replayed files and ingested documents have in common. Pure."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from schemas import Deletion, RawPost
from schemas.codec import InvalidRecord, parse_json, validate
from schemas.post import CLOCK_SKEW

SOURCE_NAME = re.compile(r"[:\s\x00]+")
TIMESTAMP = re.compile(r"-?\d{9,19}(\.\d+)?")

AUTHOR_COLUMNS = ("id", "name", "handle", "followers", "verified", "created_at", "bio", "own")
CHANNEL_COLUMNS = ("id", "name", "handle", "kind", "followers", "own")
ENGAGEMENT_COLUMNS = ("likes", "reposts", "comments", "views")


def parse_document(line: bytes) -> Any:
    """Parse one JSON document; NUL characters are dropped and lone surrogates replaced in every string.

    Raises:
        InvalidRecord: the bytes are no JSON.
    """
    try:
        document = from_json(line)
    except ValueError:
        document = parse_json(line)  # slower, but lenient about surrogates, and it explains
    return _without_nul(document) if b"\\u0000" in line else document


def event_time(row: object) -> datetime | None:
    """The row's ``created_at`` if it is a date in ISO 8601 (without a zone: UTC) or a Unix timestamp."""
    moment = _moment(row.get("created_at")) if isinstance(row, dict) else None
    return moment if isinstance(moment, datetime) else None


def post_of(row: object, *, source: str, timeline: str, collected_at: datetime) -> RawPost:
    """Build a post from a row ``id, created_at, text`` and any further field of `RawPost`.

    Args:
        row: parsed JSON, or the cells of a table (`unflatten`).
        source: the source of rows that name none.
        timeline: the timeline of the post, whatever the row says.
        collected_at: when it was collected, whatever the row says.

    Raises:
        InvalidRecord: the row is no post; says why.
    """
    if not isinstance(row, dict):
        raise InvalidRecord("invalid", f"a post is a JSON object, this is {_kind_of(row)}")
    origin = row.get("source") or source
    values = row | {
        "source": origin,
        "timeline": timeline,
        "collected_at": collected_at,
        "created_at": _moment(row.get("created_at")),
    }
    if values["created_at"] is None:
        raise InvalidRecord("invalid", "created_at: the row has none")
    values["native_id"] = native = _native_id(row, origin)
    values["id"] = f"{origin}:{native}"
    if row.get("edited_at") is not None:
        values["edited_at"] = edited = _moment(row["edited_at"], "edited_at")
        if row.get("revision") is None and edited != values["created_at"]:
            values["revision"] = _milliseconds(edited)
    try:
        return validate(RawPost, values)
    except OverflowError as error:  # the year 1 in a zone east of Greenwich has no moment in UTC
        raise InvalidRecord("implausible_time", f"a date is out of range: {error}") from error


def deletion_of_row(row: dict[str, Any], *, source: str, timeline: str, collected_at: datetime) -> Deletion:
    """The deletion that a row ``id, deleted: true`` states; ``deleted_at`` is ``collected_at`` by default.

    Raises:
        InvalidRecord: the row names no post, or no moment.
    """
    origin = row.get("source") or source
    if row.get("id") is None and row.get("native_id") is None:
        raise InvalidRecord("invalid", "id: a deletion needs the id of the post")
    native = _native_id(row, origin)
    deleted_at = _moment(row.get("deleted_at"), "deleted_at") or collected_at
    if isinstance(deleted_at, datetime) and deleted_at > collected_at + CLOCK_SKEW:
        raise InvalidRecord("implausible_time", "deleted_at lies in the future")
    values = {
        "id": f"{origin}:{native}",
        "source": origin,
        "native_id": native,
        "deleted_at": deleted_at,
        "collected_at": collected_at,
        "timeline": timeline,
    }
    return validate(Deletion, values)


def unflatten(cells: dict[str, str]) -> dict[str, Any]:
    """Nest a table's cells: ``author_*``, ``channel_*`` and the counts; an empty cell is an absent field."""
    row: dict[str, Any] = {name: cell for name, cell in cells.items() if cell != ""}
    row.setdefault("text", "")
    author = _named(row, "author", AUTHOR_COLUMNS)
    channel = _named(row, "channel", CHANNEL_COLUMNS)
    engagement = _gather(row, "engagement_", ENGAGEMENT_COLUMNS) | _gather(row, "", ENGAGEMENT_COLUMNS)
    parts = {"author": author, "channel": channel, "engagement": engagement}
    return row | {name: part for name, part in parts.items() if part}


def source_name(text: str) -> str:
    """Turn any text into a valid source name."""
    return SOURCE_NAME.sub("_", text)[:128] or "unnamed"


def _native_id(row: dict[str, Any], source: object) -> str:
    for field in ("native_id", "id"):
        given = row.get(field)
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        if isinstance(given, str) and given:
            return given.removeprefix(f"{source}:") if field == "id" else given
        if given not in (None, ""):
            raise InvalidRecord("invalid", f"{field}: an id is a string or a whole number")
    author = row.get("author")
    who = author.get("id", "") if isinstance(author, dict) else author
    content = "\x1f".join(str(part) for part in (row.get("created_at"), who, row.get("text")))
    return "sha256-" + hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:32]


def _milliseconds(moment: object) -> object:
    """The revision of an edit."""
    return round(moment.timestamp() * 1000) if isinstance(moment, datetime) else None


def _moment(value: Any, field: str = "created_at") -> Any:
    """A date as an aware datetime in UTC; what is no date stays as it is, for the schema to explain."""
    if isinstance(value, str):
        if TIMESTAMP.fullmatch(value):
            value = float(value)
        else:
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if abs(value) >= 1e11 else value
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise InvalidRecord("implausible_time", f"{field}: {value} is no moment") from None
    if isinstance(value, datetime):
        try:
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        except OverflowError as error:
            raise InvalidRecord("implausible_time", f"{field} is out of range: {error}") from error
    return value


def _named(row: dict[str, Any], part: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The ``<part>_*`` cells; a bare ``<part>`` cell is its name, and what names it best is its id."""
    gathered = _gather(row, f"{part}_", names)
    if part in row:
        gathered.setdefault("name", row.pop(part))
    if gathered and "id" not in gathered:
        gathered["id"] = gathered.get("handle") or gathered.get("name") or ""
    return gathered


def _gather(row: dict[str, Any], prefix: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row.pop(prefix + name) for name in names if prefix + name in row}


def _without_nul(document: Any) -> Any:
    match document:
        case str():
            return document.replace("\x00", "")
        case list():
            return [_without_nul(item) for item in document]
        case dict():
            return {_without_nul(name): _without_nul(value) for name, value in document.items()}
    return document


def _kind_of(value: object) -> str:
    kinds = {list: "a list", str: "a string", int: "a number", float: "a number", bool: "a boolean"}
    return kinds.get(type(value), "null")
