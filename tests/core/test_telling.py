"""Spikes in words, letter by letter: every status, both signals, a slice, both languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.telling import body, headline, shortened
from pipeline.core.wording import Language, duration, number, percent, plural, times
from schemas import Spike, TopPost, TopSource
from schemas.spike import (
    Coordination,
    Explanation,
    TopAspect,
    TopChannel,
    TopTerm,
)

MOSCOW = ZoneInfo("Europe/Moscow")
START = datetime(2026, 3, 1, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def post(number: int, text: str, author: str, followers: int | None = None) -> TopPost:
    return TopPost(
        post_id=f"vk:{number}",
        url=f"https://vk.example/{number}",
        excerpt=text,
        author=author,
        followers=followers,
        p_negative=0.9,
        created_at=START + timedelta(minutes=number),
        source="vk",
    )


WHY = Explanation(
    expected_low=2,
    expected_high=13,
    expected_authors=6.2,
    activation=5.0,
    reach=12_345,
    representative=(post(2, "Не открывается с утра,\nподдержка молчит", "ivan", 21),),
    first_post=post(0, "У кого-нибудь открывается?", "anna"),
    words=(TopTerm(text="не открывается", posts=23, expected=1.42, z=5.1),),
    names=(TopTerm(text="Роскомнадзор", posts=5, expected=0.2, z=3.0),),
    duplicate_share=0.43,
    channels=(
        TopChannel(channel="vk:1", name="Жалобы", negatives=12),
        TopChannel(channel="vk:2", negatives=1),
    ),
    aspects=(TopAspect(aspect="app", negatives=25), TopAspect(aspect="answers", negatives=7)),
    coordination=Coordination(suspected=True, reasons=("copies", "burst", "new_sign")),
)
SPIKE = Spike(
    id="acme/1h/2026-03-01T19:00:00Z",
    revision=1,
    status="opened",
    object_id="acme",
    object_kind="brand",
    resolution="1h",
    severity="critical",
    opened_at=START + 2 * HOUR,
    started_at=START,
    updated_at=START + 2 * HOUR,
    score=14.2,
    peak_score=14.2,
    negatives=31,
    expected_negatives=6.34,
    total=80,
    expected_total=61.3,
    authors=31,
    top_posts=(
        post(2, "Не открывается с утра, поддержка молчит", "ivan"),
        post(3, "Верните деньги!", "olga", 10_001),
    ),
    top_sources=(TopSource(source="vk", negatives=20), TopSource(source="telegram", negatives=11)),
    late=2,
    explanation=WHY,
)
BARE = SPIKE.model_copy(
    update={"explanation": Explanation(), "top_posts": (), "top_sources": (), "late": 0, "authors": 0}
)

RUSSIAN = """\
Акме: 31 негативное упоминание, ожидалось 6,3 (95\u00a0%: от 2 до 13). Всего 80, ожидалось 61.
Началось 1 марта 2026, 21:00 MSK, длится 2 ч (по состоянию на 1 марта 2026, 23:00 MSK).
Уровень: критично. Оценка 14, наибольшая 14; шаг 1 ч.
Негативно высказались: 31 автор, обычно 6,2 (активность в 5 раз выше); \
подписчиков у них не меньше 12\u00a0345.
Слова: не открывается 23 (обычно 1,4).
Имена: Роскомнадзор 5 (обычно 0,2).
О чём: приложение 25, ответы компании 7.
Источники: vk 20, telegram 11.
Каналы: Жалобы 12, vk:2 1.
Почти дословные повторы: 43\u00a0%.
Похоже на организованную волну (это подозрение, решает человек): почти одинаковые тексты от разных авторов \
в короткое время; одинаковые тексты почти одновременно; new_sign.
Первое сообщение волны: 1 марта 2026, 21:00 MSK, anna, vk: «У кого-нибудь открывается?» https://vk.example/0
Примеры:
1. 1 марта 2026, 21:02 MSK, ivan, vk, 21 подписчик: «Не открывается с утра, поддержка молчит» \
https://vk.example/2
2. 1 марта 2026, 21:03 MSK, olga, vk, 10\u00a0001 подписчик: «Верните деньги!» https://vk.example/3
Не учтены опоздавшие: 2."""

ENGLISH = """\
Acme: 31 negative mentions, 6.3 expected (95%: 2 to 13). 80 in all, 61 expected.
Since 1 March 2026, 21:00 MSK, for 2 h (as of 1 March 2026, 23:00 MSK).
Severity: critical. Score 14, highest 14; step 1 h.
Negative posts by 31 authors, usually 6.2 (activation 5 times the usual); at least 12,345 followers in all.
Words: не открывается 23 (usually 1.4).
Names: Роскомнадзор 5 (usually 0.2).
About: app 25, the company's answers 7.
Sources: vk 20, telegram 11.
Channels: Жалобы 12, vk:2 1.
Near-duplicates: 43%.
Looks organised (a suspicion, people decide): near-identical texts of several authors in a short time; \
identical texts almost at once; new_sign.
First post of the wave: 1 March 2026, 21:00 MSK, anna, vk: “У кого-нибудь открывается?” https://vk.example/0
Examples:
1. 1 March 2026, 21:02 MSK, ivan, vk, 21 followers: “Не открывается с утра, поддержка молчит” \
https://vk.example/2
2. 1 March 2026, 21:03 MSK, olga, vk, 10,001 followers: “Верните деньги!” https://vk.example/3
Too late to be counted: 2."""


def test_the_whole_explanation() -> None:
    assert body(SPIKE, "Акме", "ru", MOSCOW) == RUSSIAN
    assert body(SPIKE, "Acme", "en", MOSCOW) == ENGLISH


@pytest.mark.parametrize(
    ("changes", "language", "line"),
    [
        ({}, "ru", "Акме: всплеск негатива, 31 негативное упоминание (в 4,9 раза больше обычного)"),
        ({}, "en", "Акме: spike of negativity, 31 negative mentions (4.9 times the usual)"),
        (
            {"status": "updated", "negatives": 62, "dimension": "aspect", "value": "app"},
            "ru",
            "Акме, аспект «приложение»: всплеск негатива продолжается, 62 негативных упоминания (в 9,8 раза",
        ),
        (
            {"dimension": "region", "value": "Самара", "expected_negatives": 0.1},
            "ru",
            "Акме, регион Самара: всплеск негатива, 31 негативное упоминание (ожидалось 0,1)",
        ),
        (
            {"dimension": "source", "value": "vk", "expected_negatives": 0.1},
            "en",
            "Акме, source vk: spike of negativity, 31 negative mentions (0.1 expected)",
        ),
        (
            {"signal": "volume", "total": 361, "expected_total": 180.0},
            "ru",
            "Акме: всплеск внимания, 361 упоминание (в 2 раза больше обычного) с 1 марта 21:00 MSK",
        ),
        (
            {"status": "resolved", "resolved_at": START + 27 * HOUR},
            "ru",
            "Акме: всплеск негатива закончился, 31 негативное упоминание за 1 дн. 3 ч",
        ),
        (
            {"status": "resolved", "resolved_at": START + 27 * HOUR, "signal": "volume"},
            "en",
            "Акме: surge of attention is over, 80 mentions in 1 d 3 h",
        ),
    ],
)
def test_headlines(changes: dict[str, object], language: Language, line: str) -> None:
    told = headline(SPIKE.model_copy(update=changes), "Акме", language, MOSCOW)
    assert told.startswith(line)
    assert "\n" not in told


def test_what_is_unknown_is_not_told() -> None:
    assert body(BARE, "Акме", "ru", MOSCOW).splitlines() == [
        "Акме: 31 негативное упоминание, ожидалось 6,3. Всего 80, ожидалось 61.",
        "Началось 1 марта 2026, 21:00 MSK, длится 2 ч (по состоянию на 1 марта 2026, 23:00 MSK).",
        "Уровень: критично. Оценка 14, наибольшая 14; шаг 1 ч.",
    ]


def test_a_resolved_surge_on_a_replay() -> None:
    changes = {
        **{"status": "resolved", "signal": "volume", "resolved_at": START + 3 * HOUR, "resolution": "5m"},
        **{"timeline": "replay:may.jsonl", "severity": "info"},
    }
    told = body(BARE.model_copy(update=changes), "Acme", "en", ZoneInfo("Asia/Vladivostok"))
    assert told.splitlines() == [
        "Acme: 80 mentions, 61 expected. Negative among them: 31, 6.3 expected.",
        "From 2 March 2026, 04:00 +10 to 2 March 2026, 07:00 +10, 3 h.",
        "Severity: info. Score 14, highest 14; step 5 min.",
        "Timeline: replay:may.jsonl.",
    ]


def test_no_text_is_shown_twice() -> None:
    copies = tuple(post(number, "У КОГО-нибудь  открывается?", "oleg") for number in (7, 8))
    told = body(SPIKE.model_copy(update={"top_posts": copies}), "Акме", "ru", MOSCOW)
    assert told.casefold().count("у кого-нибудь открывается") == 1


def test_braces_in_names_are_only_letters() -> None:
    assert "{count}" in headline(SPIKE, "{count}", "en", MOSCOW)


def test_numbers_and_plurals() -> None:
    forms = ("отзыв", "отзыва", "отзывов")
    assert [plural(n, forms, "ru") for n in (0, 1, 2, 5, 11, 12, 21, 22, 111, 1001)] == [
        *(
            "отзывов",
            "отзыв",
            "отзыва",
            "отзывов",
            "отзывов",
            "отзывов",
            "отзыв",
            "отзыва",
            "отзывов",
            "отзыв",
        ),
    ]
    assert [number(value, "ru") for value in (0, 0.04, 7.25, 9.96, 1234.4, 12_345)] == [
        *("0", "0", "7,2", "10", "1234", "12\u00a0345"),
    ]
    assert number(12_345.6, "en") == "12,346"
    assert (percent(0.456, "ru"), percent(0.456, "en")) == ("46\u00a0%", "46%")
    assert [times(ratio, "ru") for ratio in (2, 4.86, 9.97, 21.2, 22)] == [
        *("2 раза", "4,9 раза", "10 раз", "21 раз", "22 раза"),
    ]
    spans = [timedelta(minutes=m) for m in (0, 5, 60, 135, 1_440, 1_500, 1_445)]
    assert [duration(span, "ru") for span in spans] == [
        *("0 мин", "5 мин", "1 ч", "2 ч 15 мин", "1 дн.", "1 дн. 1 ч", "1 дн."),
    ]


@given(st.text(max_size=400), st.integers(2, 200))
def test_shortened_texts_fit_on_a_line(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert len(short) <= limit and short.splitlines() in ([], [short])
