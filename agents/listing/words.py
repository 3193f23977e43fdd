"""Small readings that sources of reviews share: plain text as it is meant, own accounts of the watchlist."""

from __future__ import annotations

import html
from collections.abc import Callable

from agents.html import plain_text
from pipeline.core.watchlist import ANY_SOURCE, Watchlist


def tidy(text: object) -> str:
    """Plain text without what nobody sees; its ``<`` and ``&`` mean themselves. Empty for what is no text."""
    return plain_text(html.escape(text, quote=False)) if isinstance(text, str) else ""


def own_accounts(watchlist: Watchlist | None, source: str, named: Callable[[str], str]) -> tuple[str, ...]:
    """What the watchlist lists as own accounts of ``source``, also by address, as ``named`` reads them.

    ``named`` raises ValueError for what is no account of the source.
    """
    found: dict[str, None] = {}
    for watched in watchlist or ():
        for where in (source, ANY_SOURCE):
            for account in watched.accounts.get(where, ()):
                if where == ANY_SOURCE and "/" not in account:
                    continue
                try:
                    found[named(account)] = None
                except ValueError:
                    continue
    return tuple(found)
