"""Mail that nobody wrote: bounces, receipts, automatic replies, spam, drafts. Pure."""

from __future__ import annotations

import re
from collections.abc import Set
from email.message import Message
from typing import Final

from agents.email.headers import first
from agents.email.mime import subject

DAEMONS: Final = re.compile(r"(?:^|<)(?:mailer-daemon|postmaster|mail-daemon)@", re.IGNORECASE)
REPLY_SUBJECT: Final = re.compile(
    r"^\s*(?:автоматический ответ|автоответ(?:чик)?|auto(?:matic)?[ -]?reply|out of (?:the )?office|"
    r"нет на работе|вне офиса)\b",
    re.IGNORECASE,
)
REPLY_HEADERS: Final = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Yandex-Autoreply")
FLAGS: Final = {"\\draft": "draft", "\\deleted": "deleted", "$junk": "spam", "junk": "spam"}


def reason(message: Message, flags: Set[str], *, skip_bulk: bool = False) -> str | None:
    """Why a message is left out, as its metric says; None: it is one that somebody wrote.

    Forms of web sites send with ``Auto-Submitted: auto-generated``: that alone is no reason.
    """
    for flag in flags & FLAGS.keys():
        return FLAGS[flag]
    kind, report = message.get_content_type(), str(message.get_param("report-type") or "").lower()
    if kind == "multipart/report" and report == "disposition-notification":
        return "receipt"
    if (kind == "multipart/report" and report == "delivery-status") or first(message, "X-Failed-Recipients"):
        return "bounce"
    if DAEMONS.search(first(message, "From")):
        return "bounce"
    if _is_reply(message):
        return "auto-reply"
    if first(message, "X-Spam-Flag").lower() == "yes":
        return "spam"
    if skip_bulk and _is_bulk(message):
        return "bulk"
    return None


def _is_reply(message: Message) -> bool:
    submitted = first(message, "Auto-Submitted").lower()
    return (
        submitted.startswith("auto-replied")
        or any(first(message, name).lower() not in ("", "no", "false") for name in REPLY_HEADERS)
        or first(message, "Precedence").lower() in ("auto_reply", "auto-reply")
        or REPLY_SUBJECT.match(subject(message)) is not None
    )


def _is_bulk(message: Message) -> bool:
    return bool(first(message, "List-Unsubscribe")) or first(message, "Precedence").lower() in (
        "bulk",
        "junk",
    )
