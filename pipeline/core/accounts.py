"""An object's own accounts: how a text links to one, and whose account an author writes from."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from pipeline.core.watchlist import ANY_SOURCE, Watchlist

REMEMBERED: Final = 16_384
"""Authors and channels whose owners are kept; most come again and again."""

_HOSTS = {
    "vk": ("vk.com", "vk.ru", "vkontakte.ru"),
    "telegram": ("t.me", "telegram.me"),
    "twitter": ("twitter.com", "x.com"),
    "ok": ("ok.ru",),
    "youtube": ("youtube.com",),
    "instagram": ("instagram.com",),
    "facebook": ("facebook.com",),
    "dzen": ("dzen.ru",),
}
_SOURCE_OF = {host: source for source, hosts in _HOSTS.items() for host in hosts}
_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.|m\.)?((?:[\w-]+\.)+[a-zа-я]{2,})(/[^?#]*)?(?:[?#].*)?$")
_HANDLE = re.compile(r"^@?([\w.]+)$")


class Spellings(NamedTuple):
    """What one listed account stands for."""

    owners: tuple[tuple[str, str], ...]
    """(source, name) pairs that an author is looked up by."""
    handle: str
    """The handle without @ as it stands in texts; empty where there is none."""
    addresses: tuple[str, ...]
    """Addresses without scheme as they stand in texts."""


def spellings(account: str, source: str = ANY_SOURCE) -> Spellings:
    """Read one account of the watchlist: ``@handle``, a numeric id, ``vk.com/name``, a site or a name."""
    name = account.strip().lower()
    source = source.lower()
    address = _ADDRESS.match(name)
    if address is not None and ("/" in name or source not in _HOSTS):
        return _of_address(address[1], (address[2] or "").rstrip("/"), source)
    handle = _HANDLE.match(name)
    if handle is None or handle[1].isdigit():
        return Spellings(((source, name),), "", ())
    pages = tuple(f"{host}/{handle[1]}" for host in _HOSTS.get(source, ()))
    return Spellings(((source, handle[1]),), handle[1], pages)


def _of_address(host: str, page: str, source: str) -> Spellings:
    where = _SOURCE_OF.get(host, source)
    handle = page.strip("/").lstrip("@")
    if host not in _SOURCE_OF or not handle or "/" in handle:
        return Spellings(((where, host + page),), "", (host + page,))
    hosts = _HOSTS[where]
    return Spellings(
        ((where, handle), (where, host + page)), handle, tuple(f"{other}{page}" for other in hosts)
    )


class Owners:
    """Whose account an author is, by source and by handle, id or address."""

    def __init__(self, watchlist: Watchlist) -> None:
        self._ids: dict[tuple[str, str], tuple[str, ...]] = {}
        for watched in watchlist:
            for source, accounts in watched.accounts.items():
                for account in accounts:
                    for key in spellings(account, source).owners:
                        known = self._ids.get(key, ())
                        if watched.id not in known:
                            self._ids[key] = (*known, watched.id)
        self._names = {name for _, name in self._ids}
        self.of = lru_cache(REMEMBERED)(self._of)
        """``of(source, names)``: ids of the objects that own an account of one of the names in a source."""

    def _of(self, source: str, names: tuple[str, ...]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for name in filter(None, (name.strip().lower() for name in names)):
            # without a dot it is no address, so it can only be spelled as it is, or without its @
            if "." not in name and name not in self._names and name.removeprefix("@") not in self._names:
                continue
            for where in (source.lower(), ANY_SOURCE):
                for key in ((where, name), *spellings(name, where).owners):
                    found |= dict.fromkeys(self._ids.get(key, ()))
        return tuple(found)
