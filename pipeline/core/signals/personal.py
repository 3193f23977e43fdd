"""Personal data in a text: where phones, bank cards, e-mail addresses, documents and accounts stand.

What has a check digit must pass it, what has none needs its usual form or a word that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from schemas.signals import PersonalKind, PersonalSpan

MASK: Final = "*"

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}(?![\w@])")
_ROLE = re.compile(
    r"(?:info|support|help|pomogite|mail|social|sales|office|contact|pr|press|hr|job|admin|feedback)[\w.-]*@",
    re.I,
)
_NUMBER = re.compile(r"(?<![\w.,/=#-])\+?\(?\d(?:[ \-\u2011\u2013().]{0,2}\d){8,24}(?![\w/])")
_DIGITS = re.compile(r"\d(?:[ \-\u2011\u2013().№,]{0,3}\d){8}|\d{4},? (?:номер|ном\.)")
_SEPARATED = re.compile(r"[ \-\u2011\u2013().]")
_PHONE_FORM = re.compile(r"\(?\d{3,5}\)?[ \-\u2011\u2013.]?\d{1,3}(?:[ \-\u2011\u2013.]\d{2,3}){1,3}")
_PHONE_SAID = re.compile(
    r"(?:тел|моб|звон|номер|whats|ватс|вацап|viber|вайбер|phone|позвон|набер|смс|☎|📞|📱)", re.I
)
_NOT_A_PHONE = re.compile(
    r"заказ|договор|обращени|заявк|трек|чек|полис|инн\b|сч[её]т|артикул|код\b|order", re.I
)
_SNILS_SAID = re.compile(r"снилс|страхов\w+ (?:номер|свидет)", re.I)
_PASSPORT_SAID = re.compile(r"паспорт|серия|серии|passport", re.I)
_PASSPORT_FORM = re.compile(
    r"(?<![\w-])\d{2}[ ]?\d{2}[ ,]{0,2}(?:(?:номер|ном\.|n|№)[: ]{0,2})?\d{6}(?![\w-])", re.I
)
_CARD_FORM = re.compile(r"\d{4}([ \-])\d{4}\1\d{4}\1\d{4}(?:\1\d{2,3})?|\d{16}|\d{18,19}")
_CARD_SAID = re.compile(r"карт|card|visa|виза|мир\b|master", re.I)
_ACCOUNT_STARTS: Final = ("405", "406", "407", "408", "423", "426", "455", "421", "422")
_TOLL_FREE: Final = frozenset(("800", "804", "900"))
_BEFORE: Final = 40
"""So many characters before a number may say what it is."""


def personal_data(text: str) -> list[PersonalSpan]:
    """The personal data of a text in order of appearance; spans do not overlap."""
    found: list[PersonalSpan] = []
    if "@" in text:
        found += (_span("email", found) for found in _EMAIL.finditer(text) if not _ROLE.match(found.group()))
    if _DIGITS.search(text):
        found += _numbers(text, found)
    return sorted(found, key=lambda span: span.start)


def mask(text: str, spans: Iterable[PersonalSpan]) -> str:
    """The text with every letter and digit of the spans replaced by a star; its length does not change."""
    chars = list(text)
    for span in spans:
        for index in range(span.start, span.end):
            if chars[index].isalnum():
                chars[index] = MASK
    return "".join(chars)


def _span(kind: PersonalKind, match: re.Match[str]) -> PersonalSpan:
    return PersonalSpan(kind=kind, start=match.start(), end=match.end())


def _numbers(text: str, taken: list[PersonalSpan]) -> Iterator[PersonalSpan]:
    passports = [
        _span("passport", match)
        for match in _PASSPORT_FORM.finditer(text)
        if _PASSPORT_SAID.search(text, max(0, match.start() - _BEFORE), match.start())
    ]
    yield from passports
    taken = [*taken, *passports]
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        if any(span.start < end and start < span.end for span in taken):
            continue
        before = text[max(0, start - _BEFORE) : start]
        kind = _kind(match.group(), before)
        if kind is not None:
            yield PersonalSpan(kind=kind, start=start, end=end)


def _kind(written: str, before: str) -> PersonalKind | None:
    digits = _SEPARATED.sub("", written).lstrip("+")
    if len(digits) == 20 and digits.startswith(_ACCOUNT_STARTS):
        return "account"
    if _is_card(written, digits, before):
        return "card"
    if len(digits) == 11 and _is_snils(digits) and (_SNILS_SAID.search(before) or _snils_form(written)):
        return "snils"
    return "phone" if _is_phone(written, digits, before) else None


def _is_card(written: str, digits: str, before: str) -> bool:
    if digits[0] not in "23456" or not _CARD_FORM.fullmatch(written) or not luhn(digits):
        return False
    return len(digits) == 16 or bool(_CARD_SAID.search(before))


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1; numbers of one digit only do not count."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) << (index & 1)
        total += value - 9 * (value > 9)
    return total % 10 == 0 and len(set(digits)) > 1


def _snils_form(written: str) -> bool:
    return re.fullmatch(r"\d{3}-\d{3}-\d{3}[ -]\d{2}", written) is not None


def _is_snils(digits: str) -> bool:
    """The check of the Pension Fund: the sum of the nine digits by weights 9 to 1, modulo 101 (100 is 00)."""
    total = sum(int(char) * weight for char, weight in zip(digits, range(9, 0, -1), strict=False))
    return total % 101 % 100 == int(digits[9:]) and len(set(digits[:9])) > 1


def _is_phone(written: str, digits: str, before: str) -> bool:
    """A number of Russia or Kazakhstan of a subscriber: not toll-free, and written as phones are."""
    international = written.startswith("+")
    if international and not digits.startswith("7"):
        return 10 <= len(digits) <= 13 and not digits.startswith("0")
    if len(digits) == 11 and digits[0] in "78" and digits[1] in "34679":
        code = digits[1:4]
        if code in _TOLL_FREE:
            return False
        return international or digits[1] == "9" or digits[0] == "8" or bool(_PHONE_SAID.search(before))
    if _NOT_A_PHONE.search(before):
        return False
    if len(digits) == 10 and digits[0] in "3489" and digits[:3] not in _TOLL_FREE:
        return bool(_PHONE_FORM.fullmatch(written) or digits[0] == "9") and bool(_PHONE_SAID.search(before))
    return False
