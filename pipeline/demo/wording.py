"""The words of the demo's view and report in Russian and English, and how it tells moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

Lang = Literal["ru", "en"]

WORDS: Mapping[Lang, Mapping[str, str]] = {
    "en": {
        "brand": "brand",
        "person": "person",
        "product": "product",
        "topic": "topic",
        "competitor": "competitor",
        "negative": "negative",
        "stage": "stage",
        "records": "records",
        "published": "read from the story",
        "enriched": "enriched posts",
        "mentions": "mentions",
        "stored": "posts in ClickHouse",
        "detected": "spike events",
        "event_time": "event time",
        "speed": "speed",
        "rate": "{rate} posts/s",
        "object": "object",
        "last_hour": "in the last hour",
        "all": "all",
        "spike": "spike",
        "newest": "newest posts",
        "nothing_yet": "nothing yet",
        "open_spikes": "open spikes",
        "report": "The closing report",
        "posts_done": "posts",
        "throughput": "throughput",
        "latency": "latency p50 / p99 (from collection to ClickHouse)",
        "lost": "lost",
        "duplicated": "duplicated",
        "dead_letters": "dead letters",
        "memory": "memory of all processes, at most",
        "taken": "time taken",
        "verdict": "verdict",
        "resolution": "buckets",
        "opened_at": "opened",
        "about": "what it is",
        "found": "found",
        "missed": "MISSED",
        "unexpected": "unexpected",
        "passed": "Everything that the story holds was found, and the calm hours stayed calm.",
        "failed": "The story holds more than was found, or something was found that is not there.",
        "further": "How to ask further",
    },
    "ru": {
        "brand": "бренд",
        "person": "персона",
        "product": "продукт",
        "topic": "тема",
        "competitor": "конкурент",
        "negative": "негативных",
        "stage": "этап",
        "records": "записей",
        "published": "прочитано из истории",
        "enriched": "обогащено постов",
        "mentions": "упоминаний",
        "stored": "постов в ClickHouse",
        "detected": "событий о всплесках",
        "event_time": "время событий",
        "speed": "скорость",
        "rate": "{rate} постов/с",
        "object": "объект",
        "last_hour": "за последний час",
        "all": "всего",
        "spike": "всплеск",
        "newest": "новые посты",
        "nothing_yet": "пока ничего",
        "open_spikes": "открытые всплески",
        "report": "Итог",
        "posts_done": "постов",
        "throughput": "пропускная способность",
        "latency": "задержка p50 / p99 (от сбора до ClickHouse)",
        "lost": "потеряно",
        "duplicated": "задвоено",
        "dead_letters": "не обработано (dead letters)",
        "memory": "память всех процессов, не больше",
        "taken": "заняло",
        "verdict": "вывод",
        "resolution": "шаг",
        "opened_at": "открылся",
        "about": "что это",
        "found": "найден",
        "missed": "ПРОПУЩЕН",
        "unexpected": "лишний",
        "passed": "Найдено всё, что есть в истории, а в спокойные часы было тихо.",
        "failed": "Найдено не всё, что есть в истории, или найдено то, чего в ней нет.",
        "further": "Что спросить дальше",
    },
}

ABOUT: Mapping[Lang, Mapping[str, str]] = {
    "en": {
        "outage": "the app is down, 6 March from 09:05",
        "trolls": "copy-paste by new accounts, 7 March from 15:00",
        "scandal": "the head's words about fees, 8 March from 16:00",
        "leak": "a competitor's cards leak, 9 March from 07:30",
        "ordinary": "an ordinary day: nothing should open",
        "launch": "a launch: more talk, not more anger",
        "praise": "seeded praise: nothing should open",
        "aside": "nothing happens to this competitor",
        "unexplained": "nothing in the story explains it",
    },
    "ru": {
        "outage": "лежит приложение, 6 марта с 09:05",
        "trolls": "копипаста новых аккаунтов, 7 марта с 15:00",
        "scandal": "слова главы о комиссиях, 8 марта с 16:00",
        "leak": "утечка карт конкурента, 9 марта с 07:30",
        "ordinary": "обычный день: ничего быть не должно",
        "launch": "запуск: говорят больше, злятся не больше",
        "praise": "заказные похвалы: ничего быть не должно",
        "aside": "с этим конкурентом ничего не происходит",
        "unexplained": "в истории такого нет",
    },
}
"""What the story's incidents and calm hours are called (times are UTC)."""


def moment(lang: Lang, at: datetime) -> str:
    """A moment to the minute, in UTC as in the queries.

    >>> moment("ru", datetime(2026, 3, 6, 9, 40, tzinfo=UTC))
    '06.03 09:40 UTC'
    """
    utc = at.astimezone(UTC)
    return f"{utc:%d.%m %H:%M} UTC" if lang == "ru" else f"{utc.day} {_MONTHS[utc.month - 1]} {utc:%H:%M} UTC"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
