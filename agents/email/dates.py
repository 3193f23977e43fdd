"""Dates as mail programs write them for people, in forwarded messages: Russian and English. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final

from agents.email import headers

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "янв jan", "фев feb", "мар mar", "апр apr", "май мая may", "июн jun",
            "июл jul", "авг aug", "сен sep", "окт oct", "ноя nov", "дек dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?(?:\s*([AaPp])\.?[Mm]\b\.?)?")
ZONE: Final = re.compile(r"(?:GMT|UTC)?\s?([+-])(\d{2}):?(\d{2})\b")
DAY_MONTH: Final = re.compile(r"(\d{1,2})\s+([A-Za-zА-Яа-я]{3,8})\.?,?\s+(\d{4})")
MONTH_DAY: Final = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})")
NUMBERS: Final = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b")
ISO: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")


def written(text: str, zone: tzinfo | None) -> datetime | None:
    """The moment that a line such as ``Пятница, 20 ноября 2026, 12:00 +03:00`` names.

    Args:
        zone: where the text names none: that of whoever forwarded it.

    Returns:
        None where there is no date, or no time of day.
    """
    if (told := headers.date(text)) is not None and re.search(r"[+-]\d{4}|GMT", text):
        return told
    day, clock = _day(text), CLOCK.search(text)
    if day is None or clock is None:
        return None
    hour = int(clock[1])
    if clock[3]:
        hour = hour % 12 + (12 if clock[3].lower() == "p" else 0)
    offset = ZONE.search(text, clock.end())
    if offset is not None:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        zone = timezone(-span if offset[1] == "-" else span) if span < timedelta(hours=24) else zone
    try:
        return datetime(*day, hour, int(clock[2]), tzinfo=zone or timezone.utc)  # noqa: UP017
    except (ValueError, OverflowError):
        return None


def _day(text: str) -> tuple[int, int, int] | None:
    if (found := DAY_MONTH.search(text)) and (month := MONTHS.get(found[2].lower()[:3])):
        return int(found[3]), month, int(found[1])
    if (found := MONTH_DAY.search(text)) and (month := MONTHS.get(found[1].lower()[:3])):
        return int(found[3]), month, int(found[2])
    if found := NUMBERS.search(text):
        return int(found[3]), int(found[2]), int(found[1])
    if found := ISO.search(text):
        return int(found[1]), int(found[2]), int(found[3])
    return None
