"""Dates and ratings as pages show them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agents.page.dates import moment_of
from agents.page.ratings import stars_of

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
"""Half past one at night of the 22nd in Moscow."""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("12 марта 2026 г., 14:05", "2026-03-12T11:05"),
        ("12 марта 2026 г. в 14:05", "2026-03-12T11:05"),
        ("12 мар 2026", "2026-03-11T21:00"),
        ("21 нояб. 2026", "2026-11-20T21:00"),
        ("12 мая в 14:05", "2026-05-12T11:05"),
        ("12 декабря", "2025-12-11T21:00"),
        ("29 февр. 2024", "2024-02-28T21:00"),
        ("сегодня в 00:10", "2026-11-21T21:10"),
        ("Вчера, 14:05", "2026-11-21T11:05"),
        ("вчера в 23:59", "2026-11-21T20:59"),
        ("позавчера в 10:00", "2026-11-20T07:00"),
        ("2 часа назад", "2026-11-21T20:30"),
        ("час назад", "2026-11-21T21:30"),
        ("полчаса назад", "2026-11-21T22:00"),
        ("5 мин. назад", "2026-11-21T22:25"),
        ("3 дня назад", "2026-11-18T22:30"),
        ("неделю назад", "2026-11-14T22:30"),
        ("2 месяца назад", "2026-09-21T22:30"),
        ("год назад", "2025-11-21T22:30"),
        ("только что", "2026-11-21T22:30"),
        ("03.04.2026", "2026-04-02T21:00"),
        ("03.04.26 15:10", "2026-04-03T12:10"),
        ("12 сентября 2026, 9:05 (МСК)", "2026-09-12T06:05"),
        ("12\u00a0сентября\u00a02026", "2026-09-11T21:00"),
        ("2026-03-04T10:00:00Z", "2026-03-04T10:00"),
        ("2026-03-04T10:00:00+05:00", "2026-03-04T05:00"),
        ("2026-03-04 10:00", "2026-03-04T07:00"),
        ("1772000000", "2026-02-25T06:13"),
        ("1772000000123", "2026-02-25T06:13"),
        ("Wed, 04 Mar 2026 10:00:00 GMT", "2026-03-04T10:00"),
        ("March 12, 2026", "2026-03-11T21:00"),
        ("2 hours ago", "2026-11-21T20:30"),
        ("yesterday at 10:00", "2026-11-21T07:00"),
    ],
)
def test_dates(text: str, told: str) -> None:
    moment = moment_of(text, NOW, MOSCOW)
    assert moment is not None
    assert moment.isoformat()[:16] == told


@pytest.mark.parametrize(
    "text", ["", "а", "5", "мусор", "30 февраля 2026", "99.99.9999", "x" * 500, "2026", "(" * 400_000]
)
def test_what_is_no_date(text: str) -> None:
    assert moment_of(text, NOW, MOSCOW) is None


@pytest.mark.parametrize(
    ("text", "best", "stars"),
    [
        ("4", 5, 4.0),
        ("4,5", 5, 4.5),
        ("8", 10, 4.0),
        ("4 из 5", 10, 4.0),
        ("8/10", 5, 4.0),
        ("Оценка: 3 out of 5", 5, 3.0),
        ("★★★☆☆", 5, 3.0),
        ("★★★½☆", 5, 3.5),
        ("⭐⭐", 5, 2.0),
        ("☆☆☆☆☆", 5, 0.0),
        ("stars stars--4 big2", 5, 4.0),
        ("width: 80%", 5, 4.0),
        ("width:90.5%", 5, 4.53),
        ("11", 10, None),
        ("без оценки", 5, None),
        ("", 5, None),
    ],
)
def test_ratings(text: str, best: float, stars: float | None) -> None:
    assert stars_of(text, best) == stars
