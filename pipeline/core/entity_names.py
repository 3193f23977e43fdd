"""Names of organisations and places as they are compared: no quotes, legal forms or abbreviations.

``linking`` uses these rules for what no watchlist object explains.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_QUOTES: Final = re.compile(r"[«»„“”‟\"'`‹›]+")
_LEGAL: Final = (
    "публичное акционерное общество|открытое акционерное общество|закрытое акционерное общество|"
    "акционерное общество|общество с ограниченной ответственностью|"
    "пао|оао|зао|нао|ао|ооо|одо|ип|фгуп|фгбу|фгку|гуп|муп|ано|нко|тсж|"
    "ltd|llc|inc|corp|plc|gmbh|ag|s\\.a|co"
)
_LEGAL_BEFORE: Final = re.compile(rf"^(?:(?:{_LEGAL})\b\.?[\s,]+)+", re.IGNORECASE)
_LEGAL_AFTER: Final = re.compile(rf"(?:[\s,]+(?:{_LEGAL})\b\.?)+$", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"\s*\([^)]*\)?\s*$")
_SPACES: Final = re.compile(r"[\s\u00a0]+")
_VOWELS: Final = re.compile("[аеёиоуыэюяaeiouy]", re.IGNORECASE)
_TOWN: Final = re.compile(r"^(?:(?:г|гор)\.\s*|город\s+)(?=\w)", re.IGNORECASE)
_SMALL: Final = frozenset({"на", "де", "ла", "и"})
"""Written small within a place's name."""

LONGEST_ACRONYM: Final = 5
LONGEST_PLACE_ACRONYM: Final = 4

_PLACES: Final = {
    "Москва": "мск|msk|moscow|нерезиновая|дс",
    "Санкт-Петербург": "спб|питер|петербург|с.-петербург|с-петербург|санкт петербург|с.петербург|spb",
    "Екатеринбург": "екб|ёбург|ебург|екат",
    "Новосибирск": "нск|нсиб|нсб",
    "Нижний Новгород": "н.новгород|н. новгород|н.н.|ннов|нижний",
    "Ростов-на-Дону": "рнд|ростов на дону|ростов-на дону",
    "Челябинск": "челяба|чел",
    "Красноярск": "крск",
    "Краснодар": "крд",
    "Калининград": "кёниг|кениг",
    "Россия": "рф|российская федерация|р.ф.|раша|russia",
    "США": "соединенные штаты|соединенные штаты америки|соединенных штаты|штаты|сша|usa|u.s.|us",
    "Китай": "кнр|китайская народная республика|поднебесная",
    "Северная Корея": "кндр",
    "Германия": "фрг",
    "Великобритания": "соединенное королевство|uk",
    "Беларусь": "белоруссия|республика беларусь",
    "Объединённые Арабские Эмираты": "оаэ|эмираты|объединенные арабские эмираты",
    "Евросоюз": "ес|европейский союз|eu",
    "Московская область": "подмосковье|моск. область|московская обл.|мособласть",
    "Ленинградская область": "ленобласть|ленинградская обл.",
}
_CANONICAL: Final = {alias: name for name, aliases in _PLACES.items() for alias in aliases.split("|")}


@lru_cache(8_192)
def organisation_name(normal: str) -> str:
    """The name of an organisation from its normal form: no quotes, no legal form, one way of capitals.

    >>> organisation_name('ООО "РОМАШКА"'), organisation_name("мтс")
    ('Ромашка', 'МТС')
    """
    bare = _bare(normal)
    core = _LEGAL_AFTER.sub("", _LEGAL_BEFORE.sub("", bare)).strip(" ,")
    words = (core or bare or normal).split(" ")
    return " ".join(_cased(word, at == 0) for at, word in enumerate(words))


@lru_cache(8_192)
def place_name(normal: str) -> str:
    """The name of a place from its normal form: common abbreviations written out, one way of capitals.

    >>> place_name("Питер"), place_name("МОСКВА"), place_name("г. Тверь")
    ('Санкт-Петербург', 'Москва', 'Тверь')
    """
    bare = _TOWN.sub("", _bare(normal)) or normal
    known = _CANONICAL.get(bare.casefold()) or _CANONICAL.get(bare.casefold().replace("ё", "е"))
    if known:
        return known
    return " ".join(_place_word(word, at == 0) for at, word in enumerate(bare.split(" ")))


def without_legal_form(text: str) -> str:
    """What is left of an organisation's name as written, without quotes and the legal form before it."""
    return _LEGAL_BEFORE.sub("", _bare(text))


def _bare(text: str) -> str:
    """No quotes, no brackets at the end, single spaces."""
    unquoted = _SPACES.sub(" ", _QUOTES.sub(" ", text)).strip(" ,")
    return _BRACKETS.sub("", unquoted) or unquoted


def _cased(word: str, first: bool) -> str:
    """Acronyms in capitals, shouted words and lower-case beginnings with one capital, all else as it is."""
    vowels = len(_VOWELS.findall(word))
    letters = sum(char.isalpha() for char in word)
    plain = word.replace("-", "").isalpha()
    if plain and not vowels and 2 <= letters <= LONGEST_ACRONYM and (word.islower() or word.istitle()):
        return word.upper()
    if plain and word.isupper() and letters > LONGEST_ACRONYM and vowels > 1:
        parts = word.split("-")
        return "-".join(part if len(part) <= LONGEST_ACRONYM else part.capitalize() for part in parts)
    return word[:1].upper() + word[1:] if first and word.islower() else word


def _place_word(word: str, first: bool) -> str:
    letters = sum(char.isalpha() for char in word)
    if not word.isupper() or letters <= LONGEST_PLACE_ACRONYM:
        return word[:1].upper() + word[1:] if first and word.islower() else word
    parts = word.split("-")
    return "-".join(part.lower() if part.casefold() in _SMALL else part.capitalize() for part in parts)
