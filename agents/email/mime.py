"""The bytes of a message -> its text, attachments, a message that it carries whole. Pure (but slow)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from itertools import islice
from typing import Final

from agents.email.headers import decoded, first, text_of
from agents.html import plain_text

MAX_PARTS: Final = 200
MAX_CHARS: Final = 400_000
"""Of the text of a message, before quotes are cut."""
MAX_NAMES: Final = 64
PLAIN_SHARE: Final = 0.5
"""A plain text of less than that of the HTML's is no version of it ("your program shows no HTML")."""
OPENED, CLOSED = "\ue000", "\ue001"
QUOTE_TAG: Final = re.compile(r"<(/?)blockquote\b[^<>]{0,2000}>", re.IGNORECASE)
SIGNATURES: Final = (
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
)
KINDS: Final = {"image": "photo", "video": "video", "audio": "audio"}


@dataclass
class Contents:
    """What a message holds."""

    text: str = ""
    """With quotes as lines that begin with ``>``."""
    attachments: list[tuple[str, str]] = field(default_factory=list)
    """Kind and name."""
    carried: Message | None = None
    """The first message that is attached to it (``message/rfc822``)."""


def parsed(content: bytes) -> Message:
    """A message, however broken; the parser raises nothing."""
    return BytesParser(policy=compat32).parsebytes(content)


def contents(message: Message) -> Contents:
    """The text of a message, and the names of what is attached."""
    found = Contents()
    texts: list[str] = []
    for part in islice(_parts(message), MAX_PARTS):
        kind = part.get_content_type()
        if kind == "message/rfc822" and found.carried is None:
            inner = part.get_payload()
            found.carried = (
                next((each for each in inner if isinstance(each, Message)), None)
                if isinstance(inner, list)
                else None
            )
        elif kind == "multipart/alternative":
            texts.append(_alternative(part))
        elif _is_text(part):
            texts.append(_text(part))
        elif (name := _file_name(part)) and kind not in SIGNATURES and len(found.attachments) < MAX_NAMES:
            found.attachments.append((KINDS.get(part.get_content_maintype(), "document"), name))
    found.text = "\n".join(filter(None, texts))[:MAX_CHARS]
    return found


def _parts(message: Message) -> Iterator[Message]:
    """The parts of a message; alternatives stay together, and messages within it closed."""
    stack = [message]
    while stack:
        part = stack.pop()
        kind, inner = part.get_content_type(), part.get_payload()
        if kind == "message/rfc822" or kind == "multipart/alternative" or not isinstance(inner, list):
            yield part
            if kind == "multipart/alternative":
                stack += [each for each in reversed(list(_leaves(part))) if not _is_text(each)]
        else:
            stack += [each for each in reversed(inner) if isinstance(each, Message)]


def _leaves(part: Message) -> Iterator[Message]:
    return (each for each in islice(part.walk(), MAX_PARTS) if not each.is_multipart())


def _alternative(part: Message) -> str:
    """The plain version where it is worth it, else what the HTML says."""
    plain = "\n".join(
        _text(each) for each in _leaves(part) if each.get_content_type() == "text/plain" and _is_text(each)
    )
    html = "\n".join(
        _text(each) for each in _leaves(part) if each.get_content_type() == "text/html" and _is_text(each)
    )
    return plain if plain.strip() and len(plain) >= PLAIN_SHARE * len(html) else html or plain


def _is_text(part: Message) -> bool:
    return (
        part.get_content_maintype() == "text"
        and part.get_content_subtype() in ("plain", "html")
        and part.get_content_disposition() != "attachment"
        and not (_file_name(part) and part.get_content_disposition() is not None)
    )


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    text = decoded(raw, str(part.get_param("charset") or ""))[: 4 * MAX_CHARS]
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(OPENED, "").replace(CLOSED, "")
    if part.get_content_subtype() == "html":
        return quoted_html(text)
    if str(part.get_param("format") or "").lower() == "flowed":
        text = _unflowed(text, delsp=str(part.get_param("delsp") or "").lower() == "yes")
    return text.replace("\x00", "").replace("\xa0", " ")


def quoted_html(html: str) -> str:
    """The visible text of HTML, quotes (``blockquote``) with ``>`` before their lines."""
    marked = QUOTE_TAG.sub(lambda tag: f"{CLOSED}{tag[0]}" if tag[1] else f"{tag[0]}{OPENED}", html)
    depth, lines = 0, []
    for line in plain_text(marked).split("\n"):
        depth += line.count(OPENED)
        words = line.replace(OPENED, "").replace(CLOSED, "").strip()
        if words:
            lines.append(f"{'>' * min(depth, 20)} {words}" if depth > 0 else words)
        depth = max(0, depth - line.count(CLOSED))
    return "\n".join(lines)


def _unflowed(text: str, *, delsp: bool) -> str:
    """Lines that were wrapped (RFC 3676) as they were before."""
    lines: list[str] = []
    flows = False
    for line in text.split("\n"):
        quote = len(line) - len(line.lstrip(">"))
        body = line[quote:].removeprefix(" ")
        if flows and lines and _quote(lines[-1]) == quote and body != "-- ":
            lines[-1] = (lines[-1].removesuffix(" ") if delsp else lines[-1]) + body
        else:
            lines.append(f"{'>' * quote} {body}" if quote else body)
        flows = body.endswith(" ") and body != "-- "
    return "\n".join(lines)


def _quote(line: str) -> int:
    return len(line) - len(line.lstrip(">"))


def _file_name(part: Message) -> str:
    """The name of an attachment, in any of the ways in which programs write it."""
    name = part.get_filename() or ""
    raw = name.encode("utf-8", "surrogateescape")
    return text_of(decoded(raw, ""))[:200].strip() if name else ""


def subject(message: Message) -> str:
    """The subject as text."""
    return text_of(first(message, "Subject"))[:1000]
