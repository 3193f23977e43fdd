"""A message of the mailbox -> a post, or why it is none. Pure (but slow: run it in a thread)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any, Final, NamedTuple

from agents.base import Found, Rejected
from agents.email import automatic, dates, headers, marks, mime, quotes
from agents.email.folder import Letter
from agents.email.options import SOURCE, Folder, Options
from pipeline.core.accounts import Owners
from pipeline.core.watchlist import Watchlist
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate
from schemas.post import EARLIEST, MAX_TEXT_CHARS

TRUE_BEFORE: Final = timedelta(days=2)
TRUE_AFTER: Final = timedelta(hours=1)
"""A ``Date`` that is so far from the arrival is that of a wrong clock."""
EXCERPT: Final = 2000
DETAIL: Final = 300


class Reading(NamedTuple):
    """What a message is read with."""

    options: Options
    folder: Folder
    watchlist: Watchlist | None
    collected_at: datetime

    def owners(self, mail: str) -> tuple[str, ...]:
        """The watched objects to which an address, or its domain, belongs."""
        domain = mail.rpartition("@")[2]
        if self.watchlist is None or not mail:
            return ()
        return Owners(self.watchlist).of(SOURCE, (mail, domain, f"@{domain}"))


class Skipped(NamedTuple):
    """A message that nobody wrote."""

    reason: str


class _Words(NamedTuple):
    """Whose words a message gives, which, and of when."""

    sender: headers.Address | None
    subject: str
    text: str
    written_at: datetime | None
    forwarded: bool = False


def collected(letter: Letter, reading: Reading) -> Found | Rejected | Skipped:
    """What a message is to Molva."""
    origin = f"{reading.options.mailbox}/{reading.folder.folder}#{letter.uid}"
    if letter.content is None:
        return Rejected(b"", origin, "invalid", letter.problem)
    try:
        return _read(letter, letter.content, origin, reading)
    except Exception as error:  # noqa: BLE001
        # Strangers choose these bytes, and nobody has listed what the standard library raises on them:
        # charsets and comments gave UnicodeError, TypeError, ValueError, RecursionError. What escaped would
        # end the agent, which would then begin again at this very letter, for ever.
        detail = f"it cannot be read: {type(error).__name__}: {error}"[:DETAIL]
        return Rejected(b"", origin, "invalid", detail)  # its bytes have addresses


def _read(letter: Letter, content: bytes, origin: str, reading: Reading) -> Found | Rejected | Skipped:
    message = mime.parsed(content)
    reason = automatic.reason(message, letter.flags, skip_bulk=reading.folder.skip_bulk)
    if reason is not None:
        return Skipped(reason)
    document = _document(message, letter, reading)
    try:
        return Found(validate(RawPost, document), origin)
    except InvalidRecord as error:
        payload = str(document["text"])[:EXCERPT].encode("utf-8", "replace")
        return Rejected(payload, origin, error.reason, error.detail)


def _document(message: Message, letter: Letter, reading: Reading) -> Mapping[str, Any]:
    found = mime.contents(message)
    arrived = (letter.arrived or reading.collected_at).astimezone(UTC)
    words = _words(message, found, arrived)
    thread = [
        *headers.ids(headers.first(message, "References")),
        *headers.ids(headers.first(message, "In-Reply-To")),
    ]
    reply = [] if words.forwarded else list(dict.fromkeys(thread))
    parent = _parent(message, reply)
    return {
        "source": SOURCE,
        "native_id": _native_id(message, letter),
        "kind": "comment" if parent else "post",
        "channel": _channel(reading),
        "author": _author(words.sender, reading),
        "created_at": words.written_at or _sent_at(message, arrived),
        "collected_at": reading.collected_at,
        "text": _whole(words, with_subject=not parent)[:MAX_TEXT_CHARS],
        "reply_to": parent and _full_id(parent),
        "thread_root": _full_id(reply[0]) if reply else None,
        "media": [{"kind": kind, "alt": name} for kind, name in found.attachments],
        "timeline": LIVE,
        "extras": _extras(message, letter, reading, words),
    }


def _words(message: Message, found: mime.Contents, arrived: datetime) -> _Words:
    """The sender's own, or those of the original where the sender only passed it on."""
    subject = mime.subject(message)
    cut = quotes.cut(found.text, forwarded=marks.FORWARDED.match(subject) is not None)
    if found.carried is not None and quotes.says_nothing(cut.own):
        inner = _words(found.carried, mime.contents(found.carried), arrived)
        moment = inner.written_at or _plausible(headers.date(headers.first(found.carried, "Date")), arrived)
        return inner._replace(written_at=moment, forwarded=True)
    if (original := cut.original) is not None and cut.passed_on:
        zone = headers.date(headers.first(message, "Date"))
        moment = dates.written(original.head.get("date", ""), zone.tzinfo if zone else None)
        return _Words(
            _forwarded_from(original.head.get("from", "")),
            original.head.get("subject", "") or subject,
            original.text,
            _plausible(moment, arrived),
            forwarded=True,
        )
    return _Words(_sender(message), subject, cut.own, None)


def _whole(words: _Words, *, with_subject: bool) -> str:
    """Subject and text; a reply has the subject of what it replies to, unless it says nothing else."""
    subject = marks.base_subject(words.subject)
    if not with_subject and words.text:
        return words.text
    return words.text if words.text.startswith(subject) else f"{subject}\n{words.text}".strip()


def _sender(message: Message) -> headers.Address | None:
    found = headers.addresses(headers.first(message, "From"))
    return found[0] if found else None


def _forwarded_from(line: str) -> headers.Address | None:
    """``Anna <a@b>``, ``"Anna" a@b``, ``Anna [mailto:a@b]``, or a name alone."""
    found = headers.addresses(line.replace("[mailto:", "<").replace("]", ">"))
    return found[0] if found else (headers.Address(line.strip(" *\"'")[:200], "") if line.strip() else None)


def _sent_at(message: Message, arrived: datetime) -> datetime:
    told = headers.date(headers.first(message, "Date"))
    near = told is not None and arrived - TRUE_BEFORE <= told <= arrived + TRUE_AFTER
    return told.astimezone(UTC) if told is not None and near else arrived


def _plausible(moment: datetime | None, arrived: datetime) -> datetime | None:
    return moment if moment is not None and EARLIEST <= moment <= arrived + TRUE_AFTER else None


def _parent(message: Message, thread: list[str]) -> str | None:
    """The message that it answers: ``In-Reply-To``, else the last of ``References``."""
    if not thread:
        return None
    named = headers.ids(headers.first(message, "In-Reply-To"))
    return named[0] if named else thread[-1]


def _native_id(message: Message, letter: Letter) -> str:
    """A hash of the message's id, the same in every folder; of its content where it has none."""
    known = headers.ids(headers.first(message, "Message-ID"))
    if known:
        return _hashed(known[0])
    return _hashed(hashlib.sha256(letter.content or b"").hexdigest())


def _full_id(message_id: str) -> str:
    return f"{SOURCE}:{_hashed(message_id)}"


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _author(sender: headers.Address | None, reading: Reading) -> dict[str, Any] | None:
    """Who wrote; of a stranger only a keyed hash of the address, unless the options keep addresses."""
    if sender is None:
        return None
    options, own = reading.options, bool(reading.owners(sender.mail))
    shown = sender.mail if own or options.addresses == "keep" else ""
    key = options.hash_key.get_secret_value() if options.hash_key else ""
    who = sender.mail or sender.name.lower()
    known = shown or hmac.new(key.encode(), who.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
    name = sender.name if options.names == "keep" or own else ""
    return {"id": known, "name": name, "handle": shown, "own": own}


def _channel(reading: Reading) -> dict[str, Any]:
    options, folder = reading.options, reading.folder
    return {
        "id": f"{options.mailbox}/{folder.folder}",
        "name": folder.name or folder.role,
        "handle": options.mailbox,
        "kind": "mailbox",
        "own": bool(reading.owners(options.mailbox)),
    }


def _extras(message: Message, letter: Letter, reading: Reading, words: _Words) -> dict[str, Any]:
    extras: dict[str, Any] = {"role": reading.folder.role, "uid": letter.uid}
    if words.forwarded:
        extras["forwarded"] = True
    if letter.content is not None and letter.size > len(letter.content):
        extras["cut_at_bytes"] = len(letter.content)
    if reading.options.addresses == "keep":
        extras["message_id"] = next(iter(headers.ids(headers.first(message, "Message-ID"))), "")
    return extras
