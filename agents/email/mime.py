"""The bytes of a message -> its text, attachments, a message that it carries whole. Pure (but slow)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from itertools import islice
from typing import Final

from agents.email.headers import MAX_HEADER, decoded, first, text_of
from agents.html import plain_text

MAX_PARTS: Final = 200
HOLDER: Final = re.compile(rb"(?:^|[\r\n])content-type:\s*(?:multipart|message)/", re.IGNORECASE)
MAX_LOOKS: Final = 10_000_000
"""The parser looks at every line once for each of the parts that it is in."""
MAX_PARAMETERS: Final = 2000
"""Characters of a ``Content-`` header; the time that its parameters take grows with the square of them."""
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


class TooNested(ValueError):
    """The message has more lines in more parts than anybody sends; it would take too long."""


class _Bounded(Compat32):
    """The parser's usual policy, with headers cut to a length for which nothing takes long."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[: MAX_PARAMETERS if name[:8].lower() == "content-" else MAX_HEADER]


POLICY: Final = _Bounded()


def parsed(content: bytes) -> Message:
    """A message, however broken.

    Raises:
        TooNested: it would take more than `MAX_LOOKS`.
    """
    holders, lines = sum(1 for _ in HOLDER.finditer(content)), content.count(b"\n") + content.count(b"\r")
    if holders * lines > MAX_LOOKS:
        raise TooNested(f"{lines} lines in {holders} parts that hold parts")
    return BytesParser(policy=POLICY).parsebytes(content)


def contents(message: Message) -> Contents:
    """The text of a message, and the names of what is attached."""
    found = Contents()
    texts: list[str] = []
    for part in islice(_parts(message), MAX_PARTS):
        kind = part.get_content_type()
        if kind == "message/rfc822" and found.carried is None:
            found.carried = next(iter(_inner(part)), None)
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
        kind = part.get_content_type()
        if kind in ("message/rfc822", "multipart/alternative") or not part.is_multipart():
            yield part
            if kind == "multipart/alternative":
                stack += [each for each in reversed(list(_leaves(part))) if not _is_text(each)]
        else:
            stack += reversed(_inner(part))


def _inner(part: Message) -> list[Message]:
    """What a part holds. Of any other the payload is not asked for undecoded: its charset may be anything."""
    held = part.get_payload() if part.is_multipart() else []
    return [each for each in held if isinstance(each, Message)] if isinstance(held, list) else []


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
    pieces: list[str] = []
    flows, depth = False, 0
    for line in text.split("\n"):
        quote = len(line) - len(line.lstrip(">"))
        body = line[quote:].removeprefix(" ")
        if flows and depth == quote and body != "-- ":
            pieces[-1] = pieces[-1].removesuffix(" ") if delsp else pieces[-1]
        else:
            pieces.append(("\n" if pieces else "") + (f"{'>' * quote} " if quote else ""))
        pieces.append(body)
        flows, depth = body.endswith(" ") and body != "-- ", quote
    return "".join(pieces)


def _file_name(part: Message) -> str:
    """The name of an attachment, in any of the ways in which programs write it."""
    given = part.get_param("filename", None, "content-disposition") or part.get_param("name") or ""
    if isinstance(given, tuple):  # RFC 2231; `Message.get_filename` would take any codec for its charset
        return decoded(given[2].encode("raw-unicode-escape"), given[0] or "")[:200].strip()
    return text_of(decoded(given.encode("utf-8", "surrogateescape"), ""))[:200].strip()


def subject(message: Message) -> str:
    """The subject as text."""
    return text_of(first(message, "Subject"))[:1000]
