"""What a request of an agent can end with instead of a reply, and how a URL is shown in such errors."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx

from agents.base import AgentError, Refused, SourceUnavailable

BOT_TOKEN = re.compile(r"/bot\d+:[\w-]+")
"""Telegram's Bot API has the token in the path."""


class Declined(Refused):
    """A stream was not opened: the server answered with another ``status``, such as 401 or 404."""

    def __init__(self, message: str, status: int, retry_after: timedelta | None) -> None:
        super().__init__(message, retry_after)
        self.status = status


class Unanswered(SourceUnavailable):
    """No connection, no answer in time, or an answer that breaks off: asking again may help."""


class Unusable(SourceUnavailable):
    """An answer came, but it is too large, of another type, damaged, or badly compressed."""


class Forbidden(AgentError):
    """An address that this agent may not ask; the message says which rule forbids it."""


def shown(url: httpx.URL | str) -> str:
    """A URL as errors and logs show it: without user, password, query and fragment, where tokens stand."""
    try:
        known = url if isinstance(url, httpx.URL) else httpx.URL(url)
    except httpx.InvalidURL:
        return "a URL that cannot be read"
    host = f"[{known.host}]" if ":" in known.host else known.host
    port = f":{known.port}" if known.port is not None else ""
    rest = "?..." if known.query else ""
    return f"{known.scheme}://{host}{port}{BOT_TOKEN.sub('/bot***', known.path)}{rest}"
