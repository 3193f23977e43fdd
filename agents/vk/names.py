"""How walls of VK are named: in configurations, watchlists, addresses and ids."""

from __future__ import annotations

import re
from typing import Final

from pipeline.core.watchlist import ANY_SOURCE, Watchlist

SOURCE: Final = "vk"
SITE: Final = "https://vk.com"
_ADDRESS: Final = re.compile(r"^(?:https?://)?(?:www\.|m\.)?(?:vk\.com|vk\.ru|vkontakte\.ru)/", re.IGNORECASE)
_NAME: Final = re.compile(r"^[a-z][a-z0-9_.]{1,63}$")
_NUMBERED: Final = re.compile(r"^(club|public|event|id)(\d{1,12})$")
_NUMBER: Final = re.compile(r"^-?\d{1,12}$")


def place_name(text: str) -> str:
    """The screen name, or the number with a minus for communities: of ``@name``, ``vk.com/name``, ``club1``.

    Raises:
        ValueError: it names no wall.
    """
    name = _ADDRESS.sub("", text.strip()).removeprefix("@").lower()
    name = re.split("[/?#]", name, maxsplit=1)[0]
    if numbered := _NUMBERED.match(name):
        return numbered[2] if numbered[1] == "id" else f"-{numbered[2]}"
    if _NUMBER.match(name):
        return name
    if not _NAME.match(name):
        raise ValueError(f"{text!r} is no wall: write its name, vk.com/name, or the community's id (club123)")
    return name


def numbered(name: str) -> int | None:
    """The owner id that a `place_name` says by itself."""
    return int(name) if _NUMBER.match(name) else None


def own_places(watchlist: Watchlist | None) -> tuple[str, ...]:
    """What the watchlist lists as own accounts of VK, or by an address at vk.com."""
    found: dict[str, None] = {}
    for watched in watchlist or ():
        for source in (SOURCE, ANY_SOURCE):
            for account in watched.accounts.get(source, ()):
                if source == SOURCE or _ADDRESS.match(account):
                    found |= dict.fromkeys(_readable(account))
    return tuple(found)


def _readable(account: str) -> tuple[str, ...]:
    """A display name that somebody listed names no wall."""
    try:
        return (place_name(account),)
    except ValueError:
        return ()


def native_id(owner: int, number: int) -> str:
    """The native id of a post or comment of a wall: both are counted by one count."""
    return f"{owner}_{number}"


def full_id(owner: int, number: int) -> str:
    """``vk:-1_23``."""
    return f"{SOURCE}:{native_id(owner, number)}"
