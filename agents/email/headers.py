"""The headers of a message as text: encoded words, raw 8-bit letters, wrong charsets, addresses. Pure."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final, NamedTuple

from agents.charsets import charset_of

MAX_HEADER: Final = 20_000
WORD: Final = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]*)?\?([bBqQ])\?([^\s]{0,4000}?|[^?]{0,4000}?)\?=")
BETWEEN: Final = re.compile(r"(\?=)\s+(=\?)")
ADDRESS: Final = re.compile(r"[^\s<>\"'(),:;@\[\]]{1,64}@[^\s<>\"'(),:;@\[\]]{1,253}")
MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,900})>")
BLANKS: Final = re.compile(r"\s+")
VAGUE: Final = ("ascii", "latin_1", "cp1252")
"""What programs claim that do not know better."""
CYRILLIC_SHARE: Final = 0.6
"""Where so many of all letters lie above ASCII, it is no Western text with a few accents."""


class Address(NamedTuple):
    """A sender or receiver; ``mail`` is in lower case."""

    name: str
    mail: str


def decoded(content: bytes, charset: str) -> str:
    """Bytes as text in the charset that they claim, or else in the one that they most likely have."""
    known = charset_of(charset)
    if known is not None and known not in VAGUE:
        try:
            return content.decode(known)
        except UnicodeError:
            pass
    return guessed(content)


def guessed(content: bytes) -> str:
    """UTF-8 where it is that; else KOI8-R or windows-1251, by which letters are small; or windows-1252."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(content) - 3:  # cut off within a letter
            return content.decode("utf-8", "ignore")
    high = sum(1 for byte in content if byte >= 0xC0)
    letters = sum(1 for byte in content if chr(byte).isalpha() and byte < 0x80)
    if not high or (high < CYRILLIC_SHARE * (high + letters) and not _is_russian(content)):
        return content.decode("cp1252", "replace")
    upper = sum(1 for byte in content if byte >= 0xE0)
    return content.decode("koi8-r" if high - upper > upper else "cp1251", "replace")


def _is_russian(content: bytes) -> bool:
    """Whether letters above ASCII stand side by side, as they do not in Western words."""
    runs = re.findall(rb"[\xc0-\xff]{3,}", content)
    return len(runs) >= 2


def unfolded(message: Message, name: str) -> list[str]:
    """All headers of a name, on one line each, raw 8-bit letters decoded, encoded words not yet."""
    found = []
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            raw = str(value)[:MAX_HEADER].encode("utf-8", "surrogateescape")
            found.append(BLANKS.sub(" ", decoded(raw, "")).strip())
    return found


def first(message: Message, name: str) -> str:
    """The first header of a name, unfolded; empty where there is none."""
    return next(iter(unfolded(message, name)), "")


def text_of(raw: str) -> str:
    """Encoded words (RFC 2047) as text; broken ones as far as they can be read. Parts of one letter that
    stand in two words are put together first."""
    pieces: list[tuple[str, bytes]] = []
    position, joined = 0, BETWEEN.sub(r"\1\2", raw)
    for word in WORD.finditer(joined):
        if word.start() > position:
            pieces.append(("utf-8", joined[position : word.start()].encode("utf-8", "replace")))
        charset, content = word[1].lower(), _content(word[2].lower(), word[3])
        if pieces and pieces[-1][0] == charset and word.start() == position:
            content = pieces.pop()[1] + content
        pieces.append((charset, content))
        position = word.end()
    pieces.append(("utf-8", joined[position:].encode("utf-8", "replace")))
    return BLANKS.sub(" ", "".join(decoded(content, charset) for charset, content in pieces)).strip()


def _content(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding == "q":
        return quopri.decodestring(raw.replace(b"_", b" "), header=True)
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except (binascii.Error, ValueError):
        return raw


def addresses(raw: str) -> list[Address]:
    """The addresses of a header (`unfolded`), names decoded; of a header that breaks the rules what looks
    like one."""
    found = [
        Address(_name(name), mail.lower())
        for name, mail in getaddresses([raw])
        if ADDRESS.fullmatch(mail.strip())
    ]
    if found:
        return found
    mail = ADDRESS.search(text_of(raw))
    return [] if mail is None else [Address(_name(text_of(raw)[: mail.start()]), mail[0].lower())]


def _name(raw: str) -> str:
    """A display name; one that is an address is none."""
    name = text_of(raw).strip(" \"'<>()\t")
    return "" if "@" in name else name[:200]


def ids(raw: str) -> list[str]:
    """The message ids of ``Message-ID``, ``In-Reply-To``, ``References``, in order."""
    return MESSAGE_ID.findall(raw)


def date(raw: str) -> datetime | None:
    """A ``Date`` header; without a zone it is UTC."""
    try:
        moment = parsedate_to_datetime(raw)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(moment.tzinfo or UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
