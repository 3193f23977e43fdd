"""How public channels of Telegram are named in configurations and watchlists; for both of its agents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator

from pipeline.core.watchlist import ANY_SOURCE, Watchlist

SOURCE: Final = "telegram"
_ADDRESS: Final = re.compile(r"^(?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/(?:s/)?", re.IGNORECASE)
_HANDLE: Final = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]{3,31}$")
_INVITES: Final = ("+", "joinchat/", "c/")


def channel_handle(text: str) -> str:
    """The handle, in lower case, of ``name``, ``@name``, ``t.me/name``, ``https://t.me/s/name`` and the like.

    Raises:
        ValueError: it names no public channel.
    """
    name = _ADDRESS.sub("", text.strip())
    if name.startswith(_INVITES):
        raise ValueError(f"{text!r} is the address of a private chat: only public channels are collected")
    name = re.split("[/?#]", name, maxsplit=1)[0].removeprefix("@")
    if not _HANDLE.match(name):
        raise ValueError(f"{text!r} is no public channel: write its name, @name or https://t.me/name")
    return name.lower()


ChannelHandle = Annotated[str, AfterValidator(channel_handle)]


def own_channels(watchlist: Watchlist | None) -> tuple[str, ...]:
    """The handles that the watchlist lists as own accounts for Telegram, or by an address at t.me."""
    found: dict[str, None] = {}
    for watched in watchlist or ():
        for source in (SOURCE, ANY_SOURCE):
            for account in watched.accounts.get(source, ()):
                if source == SOURCE or _ADDRESS.match(account):
                    found |= dict.fromkeys(_handles(account))
    return tuple(found)


def _handles(account: str) -> Iterable[str]:
    """Numeric ids and the names of bots name no channel."""
    try:
        handle = channel_handle(account)
    except ValueError:
        return ()
    return () if handle.endswith("bot") else (handle,)


def native_id(called: str, number: int) -> str:
    """The native id of a message; ``called`` is the channel's handle, or ``c/<id>`` where it has none."""
    return f"{called}/{number}"


def marked(channel: int) -> str:
    """The id of a channel as Telegram's own bots write it, so that no user has the same."""
    return f"-100{channel}"
