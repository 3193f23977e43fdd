"""A date as a page shows it, in Russian or English, absolute or relative, in any usual form. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dateparser.date import DateDataParser

LONGEST: Final = 100
WITH_ASIDES: Final = 1000
_UNIX: Final = re.compile(r"^(\d{9,10})(?:\.\d+)?$|^(\d{12,13})$")
_DIGITS: Final = re.compile(r"^\d{0,8}$")
_NOW: Final = re.compile(r"^(?:только что|сейчас|just now|now)\b", re.IGNORECASE)
_ASIDE: Final = re.compile(r"\([^)]*\)")
"""Such as ``(изменено)``, ``(МСК)``: the zone is an option."""
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
ANY_MOMENT: Final = datetime(2100, 1, 1, tzinfo=UTC)
LANGUAGES: Final = ("ru", "en")


def moment_of(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment that ``text`` means; None where it cannot be told.

    ISO 8601, RFC 5322, Unix seconds and milliseconds, ``12 марта 2026 г., 14:05``, ``12.03.2026``, ``вчера в
    14:05``, ``2 часа назад``. Days come before months; without a year it is the last such day.

    Args:
        now: what relative dates count from.
        zone: of a date that names none.
    """
    if len(text) > WITH_ASIDES:
        return None
    text = _ASIDE.sub(" ", text).replace("\u00a0", " ").strip(" \n\t,;·•|")
    if not text or len(text) > LONGEST or _DIGITS.match(text):
        return None
    if _NOW.match(text):
        return now
    if (unix := _UNIX.match(text)) is not None:
        return datetime.fromtimestamp(int(unix[1]) if unix[1] else int(unix[2]) / 1000, UTC)
    moment = _standard(text)
    if moment is None:
        moment = _dated(text, zone) if _YEAR.search(text) else _read(text, now, zone)
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def _standard(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@lru_cache(4096)
def _dated(text: str, zone: ZoneInfo) -> datetime | None:
    """A date that names its year counts from no moment; it is read once, as reading takes milliseconds."""
    return _read(text, ANY_MOMENT, zone)


def _read(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    parser = DateDataParser(
        languages=[*LANGUAGES],
        settings={
            "RELATIVE_BASE": now.astimezone(zone).replace(tzinfo=None),
            "TIMEZONE": zone.key,
            "RETURN_AS_TIMEZONE_AWARE": True,
            "PREFER_DATES_FROM": "past",
            "DATE_ORDER": "DMY",
        },
    )
    try:
        found: datetime | None = parser.get_date_data(text).date_obj
    except (OverflowError, ValueError):
        return None
    return found
