"""Numbers, dates and fixed words of the texts for people, in Russian and English; `telling` makes sentences
of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from schemas.signals import AspectName
from schemas.spike import Dimension, Severity, Signal, SpikeStatus

Language = Literal["ru", "en"]
Forms = tuple[str, str, str]
"""A noun with 1, 2 and 5: отзыв, отзыва, отзывов; in English the last two are equal."""

NBSP: Final = "\u00a0"
_MONTHS: Final[dict[Language, str]] = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "January February March April May June July August September October November December",
}


@dataclass(frozen=True)
class Words:
    """The fixed words of one language; templates are filled by name with ``str.format``."""

    headline: dict[tuple[Signal, SpikeStatus], str]
    severity: dict[Severity, str]
    dimension: dict[Dimension, str]
    aspect: dict[AspectName, str]
    reason: dict[str, str]
    line: dict[str, str]
    """The lines of the body, by what they tell."""
    negative_mentions: Forms
    mentions: Forms
    authors: Forms
    followers: Forms
    times: Forms
    units: tuple[str, str, str]
    """Days, hours, minutes."""


RUSSIAN: Final = Words(
    headline={
        ("negativity", "opened"): "{name}: всплеск негатива, {count} ({more}) с {since}",
        ("negativity", "updated"): "{name}: всплеск негатива продолжается, {count} ({more}) с {since}",
        ("negativity", "resolved"): "{name}: всплеск негатива закончился, {count} за {lasted}",
        ("volume", "opened"): "{name}: всплеск внимания, {count} ({more}) с {since}",
        ("volume", "updated"): "{name}: всплеск внимания продолжается, {count} ({more}) с {since}",
        ("volume", "resolved"): "{name}: всплеск внимания закончился, {count} за {lasted}",
    },
    severity={"info": "к сведению", "warning": "внимание", "critical": "критично"},
    dimension={
        "": "{name}",
        "source": "{name}, источник {value}",
        "region": "{name}, регион {value}",
        "aspect": "{name}, аспект «{value}»",
    },
    aspect={
        "service": "обслуживание",
        "app": "приложение",
        "price": "цены",
        "delivery": "доставка",
        "quality": "качество",
        "staff": "сотрудники",
        "fraud": "мошенничество",
        "answers": "ответы компании",
        "other": "прочее",
    },
    reason={
        "copies": "почти одинаковые тексты от разных авторов в короткое время",
        "few_authors": "много сообщений от немногих авторов",
        "young_accounts": "необычно много недавно созданных аккаунтов",
        "burst": "одинаковые тексты почти одновременно",
    },
    line={
        "usual": "ожидалось {expected}",
        "more": "в {times} больше обычного",
        "negativity": "{name}: {count}, ожидалось {expected}{interval}. "
        "Всего {total}, ожидалось {expected_total}.",
        "volume": "{name}: {total}, ожидалось {expected_total}. "
        "Негативных из них {negatives}, ожидалось {expected}.",
        "interval": " (95\u00a0%: от {low} до {high})",
        "open": "Началось {since}, длится {lasted} (по состоянию на {until}).",
        "over": "Началось {since}, закончилось {until}, длилось {lasted}.",
        "severity": "Уровень: {severity}. Оценка {score}, наибольшая {peak}; шаг {step}.",
        "authors": "Негативно высказались: {authors}{usual}{reach}.",
        "usual_authors": ", обычно {expected} (активность в {times} выше)",
        "same_authors": ", обычно {expected}",
        "reach": "; подписчиков у них не меньше {reach}",
        "words": "Слова: {terms}.",
        "names": "Имена: {terms}.",
        "term": "{text} {posts} (обычно {expected})",
        "aspects": "О чём: {terms}.",
        "sources": "Источники: {terms}.",
        "channels": "Каналы: {terms}.",
        "duplicates": "Почти дословные повторы: {share}.",
        "coordination": "Похоже на организованную волну (это подозрение, решает человек): {reasons}.",
        "first": "Первое сообщение волны: {post}",
        "examples": "Примеры:",
        "late": "Не учтены опоздавшие: {late}.",
        "timeline": "Линия времени: {timeline}.",
    },
    negative_mentions=("негативное упоминание", "негативных упоминания", "негативных упоминаний"),
    mentions=("упоминание", "упоминания", "упоминаний"),
    authors=("автор", "автора", "авторов"),
    followers=("подписчик", "подписчика", "подписчиков"),
    times=("раз", "раза", "раз"),
    units=("дн.", "ч", "мин"),
)

ENGLISH: Final = Words(
    headline={
        ("negativity", "opened"): "{name}: spike of negativity, {count} ({more}) since {since}",
        ("negativity", "updated"): "{name}: spike of negativity goes on, {count} ({more}) since {since}",
        ("negativity", "resolved"): "{name}: spike of negativity is over, {count} in {lasted}",
        ("volume", "opened"): "{name}: surge of attention, {count} ({more}) since {since}",
        ("volume", "updated"): "{name}: surge of attention goes on, {count} ({more}) since {since}",
        ("volume", "resolved"): "{name}: surge of attention is over, {count} in {lasted}",
    },
    severity={"info": "info", "warning": "warning", "critical": "critical"},
    dimension={
        "": "{name}",
        "source": "{name}, source {value}",
        "region": "{name}, region {value}",
        "aspect": "{name}, aspect “{value}”",
    },
    aspect={
        "service": "service",
        "app": "app",
        "price": "prices",
        "delivery": "delivery",
        "quality": "quality",
        "staff": "staff",
        "fraud": "fraud",
        "answers": "the company's answers",
        "other": "other",
    },
    reason={
        "copies": "near-identical texts of several authors in a short time",
        "few_authors": "many posts by few authors",
        "young_accounts": "unusually many accounts created lately",
        "burst": "identical texts almost at once",
    },
    line={
        "usual": "{expected} expected",
        "more": "{times} the usual",
        "negativity": "{name}: {count}, {expected} expected{interval}. "
        "{total} in all, {expected_total} expected.",
        "volume": "{name}: {total}, {expected_total} expected. "
        "Negative among them: {negatives}, {expected} expected.",
        "interval": " (95%: {low} to {high})",
        "open": "Since {since}, for {lasted} (as of {until}).",
        "over": "From {since} to {until}, {lasted}.",
        "severity": "Severity: {severity}. Score {score}, highest {peak}; step {step}.",
        "authors": "Negative posts by {authors}{usual}{reach}.",
        "usual_authors": ", usually {expected} (activation {times} the usual)",
        "same_authors": ", usually {expected}",
        "reach": "; at least {reach} followers in all",
        "words": "Words: {terms}.",
        "names": "Names: {terms}.",
        "term": "{text} {posts} (usually {expected})",
        "aspects": "About: {terms}.",
        "sources": "Sources: {terms}.",
        "channels": "Channels: {terms}.",
        "duplicates": "Near-duplicates: {share}.",
        "coordination": "Looks organised (a suspicion, people decide): {reasons}.",
        "first": "First post of the wave: {post}",
        "examples": "Examples:",
        "late": "Too late to be counted: {late}.",
        "timeline": "Timeline: {timeline}.",
    },
    negative_mentions=("negative mention", "negative mentions", "negative mentions"),
    mentions=("mention", "mentions", "mentions"),
    authors=("author", "authors", "authors"),
    followers=("follower", "followers", "followers"),
    times=("time", "times", "times"),
    units=("d", "h", "min"),
)

WORDS: Final[dict[Language, Words]] = {"ru": RUSSIAN, "en": ENGLISH}


def plural(count: int, forms: Forms, language: Language) -> str:
    """The form of the noun beside ``count``, by CLDR's rules of cardinals.

    >>> [plural(n, ("отзыв", "отзыва", "отзывов"), "ru") for n in (1, 2, 5, 11, 21, 112)]
    ['отзыв', 'отзыва', 'отзывов', 'отзывов', 'отзыв', 'отзывов']
    """
    if language == "en":
        return forms[count != 1]
    ten, hundred = count % 10, count % 100
    if ten == 1 and hundred != 11:
        return forms[0]
    return forms[1] if 2 <= ten <= 4 and not 12 <= hundred <= 14 else forms[2]


def counted(count: int, forms: Forms, language: Language) -> str:
    """The number and its noun: ``12 345 отзывов``."""
    return f"{number(count, language)} {plural(count, forms, language)}"


def number(value: float, language: Language) -> str:
    """Whole from ten on, else with one digit after the point; a long one in groups of three.

    >>> [number(value, "ru") for value in (0.04, 7, 7.25, 9.96, 1234.4)], number(12_345, "en")
    (['0', '7', '7,2', '10', '1234'], '12,345')
    """
    rounded = float(round(value, 1) if abs(value) < 9.95 else round(value))
    text = f"{rounded:,.0f}" if rounded.is_integer() else f"{rounded:.1f}"
    if language == "en":
        return text
    grouped = text.replace(",", "" if abs(rounded) < 10_000 else NBSP)
    return grouped.replace(".", ",")


def percent(share: float, language: Language) -> str:
    """``share`` of 1, in whole percent."""
    return f"{share:.0%}" if language == "en" else f"{share * 100:.0f}{NBSP}%"


def times(ratio: float, language: Language) -> str:
    """How many times: ``2 раза``, ``4,9 раза``, ``12 раз``."""
    rounded = round(ratio, 1) if ratio < 9.95 else round(ratio)
    forms = WORDS[language].times
    whole = float(rounded).is_integer()
    noun = plural(int(rounded), forms, language) if whole else forms[1]
    return f"{number(rounded, language)} {noun}"


def date(moment: datetime, zone: ZoneInfo, language: Language, year: bool = True) -> str:
    """Day and minute on the clocks of ``zone``: ``29 июля 2014, 00:05 MSK``."""
    local = moment.astimezone(zone)
    day = f"{local.day} {_MONTHS[language].split()[local.month - 1]}"
    return f"{day} {local.year}, {local:%H:%M %Z}" if year else f"{day} {local:%H:%M %Z}"


def duration(span: timedelta, language: Language) -> str:
    """The two largest units: ``3 дн. 4 ч``, ``2 ч 15 мин``, ``10 мин``."""
    minutes = int(span.total_seconds()) // 60
    amounts = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    parts = [f"{n} {unit}" for n, unit in zip(amounts, WORDS[language].units, strict=True)]
    largest = next((i for i, amount in enumerate(amounts) if amount), 2)
    shown = range(largest, min(largest + 2, 3))
    return " ".join(parts[i] for i in shown if amounts[i] or i == largest)
