"""How mail programs mark what is not the sender's own: forwards, quotes, signatures; Russian and English.

Pure. Written from what Outlook, Gmail, Apple Mail, Thunderbird, Yandex and Mail.ru put there. Each is for one
line of at most 1000 characters in which no two blanks stand together; `agents.email.quotes` sees to that.
"""

from __future__ import annotations

import re
from typing import Final

NOCASE: Final = re.IGNORECASE

FORWARD: Final = re.compile(
    r"^[\s>*]*[-–—_=]{0,20}\s*(?:"
    r"(?:begin )?forwarded message|fwd message|"
    r"(?:начало )?(?:пересылаемо|пересланно|перенаправленно|переадресованно)(?:е|го)"
    r" (?:сообщени[ея]|письм[оа])"
    r")\s*[-–—_=]{0,20}\s*:?\s*$",
    NOCASE,
)
FORWARD_END: Final = re.compile(
    r"^[\s>]*[-–—]{2,20}\s*(?:конец пересылаемого сообщения|end of forwarded message)", NOCASE
)
ORIGINAL: Final = re.compile(
    r"^[\s*]*[-–—_]{2,20}\s*(?:original message|исходное сообщение|оригинальное сообщение"
    r"|original appointment)"
    r"\s*[-–—_]{2,20}\s*$",
    NOCASE,
)
RULE: Final = re.compile(r"^\s*(?:_{10,}|-{20,})\s*$")

KEYS: Final = {
    "from": "from", "от": "from", "от кого": "from", "отправитель": "from",
    "date": "date", "sent": "date", "дата": "date", "отправлено": "date",
    "to": "to", "кому": "to", "получатель": "to",
    "cc": "cc", "копия": "cc",
    "subject": "subject", "тема": "subject",
    "reply-to": "reply-to", "importance": "importance", "важность": "importance",
}  # fmt: skip
HEADER_LINE: Final = re.compile(
    r"^[\s>*]*("
    + "|".join(re.escape(key) for key in sorted(KEYS, key=len, reverse=True))
    + r")\s*\*?\s*:\s*\*?\s*(.*)$",
    NOCASE,
)
HEADERS_AT_LEAST: Final = 3
"""Among them a sender: so many lines of that kind make the head of a quoted message."""

_DATE = (
    r"(?:\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d\d-\d\d|\d{1,2}\s+[a-zа-я]{3,9}\.?,?\s+\d{4}"
    r"|[a-z]{3,9}\.?\s+\d{1,2},?\s+\d{4})"
)
_CLOCK = r"\d{1,2}:\d{2}"
WROTE: Final = re.compile(
    rf"^\s*(?:on\s|в\s|[a-zа-я]{{2,11}},\s|\d).{{0,40}}?{_DATE}.{{0,250}}?"
    r"(?:wrote|writes|пишет|пиш[уе]т|написала?|написал\(а\)|написали)\s*:\s*$",
    NOCASE,
)
"""``On Fri, Nov 20, 2026 at 12:00 PM Anna <a@b> wrote:`` and the like, within one line."""
FROM_WHOM: Final = re.compile(
    rf"^\s*(?:[a-zа-я]{{2,11}},?\s+)?.{{0,12}}?{_DATE}.{{0,15}}?{_CLOCK}.{{0,200}}?(?:<[^<>\s]+@[^<>\s]+>|\bот\s.{{1,120}})\s*:\s*$",
    NOCASE,
)
"""``пт, 20 нояб. 2026 г. в 12:00, Анна <a@b>:``, ``20.11.2026, 12:00, "Анна" <a@b>:``,
``Пятница, 20 ноября 2026, 12:00 +03:00 от Анна <a@b>:``"""
ATTRIBUTION_LINES: Final = 3
"""Over so many lines a program may wrap it."""
ATTRIBUTION_START: Final = re.compile(r"^\s*(?:on\s|в\s|[a-zа-я]{2,11},\s|\d)", NOCASE)

DASHES: Final = re.compile(r"^(?:-- ?|—|--\s*)$")
SENT_WITH: Final = re.compile(
    r"^\s*(?:отправлено (?:из|с|с помощью|через)\s|sent (?:from|with|via) (?:my |the )?(?:iphone"
    r"|ipad|mail|outlook|samsung|galaxy|yahoo|yandex|proton|mobile|android|gmail|huawei|xiaomi)|get "
    r"outlook for|скачать outlook для"
    r"|загрузить outlook|с моего iphone|пришло с|--\s*отправлено)",
    NOCASE,
)
REGARDS: Final = re.compile(
    r"^\s*(?:с (?:глубоким |искренним )?уважением|с наилучшими пожеланиями|всего (?:доброго|наилучшего)|"
    r"(?:best|kind|warm)(?: |est )?regards|best wishes|regards|sincerely|yours (?:sincerely|faithfully)|"
    r"thanks and regards)"
    r"[\s,.!;—-]*",
    NOCASE,
)
DISCLAIMER: Final = re.compile(
    r"^\s*(?:confidentiality notice|disclaimer|this (?:e-?mail|message)(?: and any)?.{0,60}confidential|"
    r"(?:настоящее|это|данное)\s+(?:электронное\s+)?(?:сообщение|письмо).{0,120}конфиденциальн|"
    r"(?:предупреждение|уведомление) о конфиденциальности)",
    NOCASE,
)
POSTSCRIPT: Final = re.compile(r"^\s*(?:p\.? ?s\.?|з\.?ы\.?|ps|постскриптум)[\s.:,!)-]", NOCASE)
SIGNATURE_LINES: Final = 12
SIGNATURE_CHARS: Final = 700

REPLIED: Final = re.compile(r"^\s*(?:re|ha|на|отв|ответ|aw|sv)\s*(?:\[\d+\]|\(\d+\))?\s*:", NOCASE)
FORWARDED: Final = re.compile(
    r"^\s*(?:fwd?|пер|пересл|перес|fw|wg|tr|переслано)\s*(?:\[\d+\]|\(\d+\))?\s*:", NOCASE
)

NOTHING: Final = re.compile(
    r"(?:fyi|f\.y\.i\.|for your information|please see below|see below|forwarding|"
    r"см\.?(?:отри(?:те)?)?,? ?(?:пожалуйста,? )?ниже|ниже|для информации|к сведению|для сведения|"
    r"пересылаю|перешлите|переслано|прошу (?:рассмотреть|ответить|разобраться|взять в работу|"
    r"обработать|проверить)|"
    r"в работу|на контроль|коллеги|добрый (?:день|вечер)|доброе утро|здравствуйте|привет|hi|hello|"
    r"dear (?:all|colleagues)|all|team|пожалуйста|please|спасибо|thanks|thank you|это вам|вам|тебе|"
    r"письмо (?:от )?клиента|жалоба(?: клиента)?|"
    r"обращение(?: клиента)?|от клиента)",
    NOCASE,
)
"""What people write who only pass something on."""


def base_subject(text: str) -> str:
    """A subject without the marks of replies and forwards in front of it."""
    while found := REPLIED.match(text) or FORWARDED.match(text):
        text = text[found.end() :]
    return text.strip()
