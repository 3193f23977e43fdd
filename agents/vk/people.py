"""Who is who in an answer of VK: its ``profiles`` and ``groups`` as authors and channels of posts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from agents.vk.names import SITE

OwnIds = Callable[[int, str], bool]
"""Whether a number (negative: a community) with a screen name is an own account of the watchlist."""
_KINDS: Final = {"group": "group", "page": "page", "event": "event"}


class People:
    """Profiles and communities by owner id: people have positive ones, communities negative ones."""

    def __init__(self, answer: Mapping[str, Any], own: OwnIds) -> None:
        self._own = own
        self._known: dict[int, Mapping[str, Any]] = {}
        for sign, name in ((1, "profiles"), (-1, "groups")):
            for each in _objects(answer.get(name)):
                if isinstance(each.get("id"), int):
                    self._known[sign * abs(each["id"])] = each

    def author(self, number: int) -> dict[str, Any] | None:
        """The author with an id; who was deleted has no name, and 0 is nobody."""
        if number == 0:
            return None
        who = self._known.get(number, {})
        return {
            "id": str(number),
            "name": self.name(number),
            "handle": _handle(who),
            "followers": _count(who, "followers_count" if number > 0 else "members_count"),
            "verified": bool(who.get("verified")),
            "own": self._own(number, _handle(who)),
        }

    def channel(self, owner: int) -> dict[str, Any]:
        """The wall of an owner."""
        who = self._known.get(owner, {})
        kind = "profile" if owner > 0 else _KINDS.get(str(who.get("type")), "group")
        return {
            "id": str(owner),
            "name": self.name(owner),
            "handle": _handle(who),
            "kind": kind,
            "followers": _count(who, "followers_count" if owner > 0 else "members_count"),
            "own": self._own(owner, _handle(who)),
        }

    def name(self, number: int) -> str:
        """What an owner is called; empty where VK does not tell, or the profile was deleted."""
        who = self._known.get(number, {})
        if number < 0:
            return str(who.get("name") or "")
        if who.get("deactivated") == "deleted":
            return ""
        return " ".join(str(who[part]) for part in ("first_name", "last_name") if who.get(part))


def page_of(number: int) -> str:
    """The address of an owner."""
    return f"{SITE}/id{number}" if number > 0 else f"{SITE}/club{-number}"


def _handle(who: Mapping[str, Any]) -> str:
    """The screen name; one that only repeats the id is none."""
    name = str(who.get("screen_name") or "")
    number = who.get("id")
    return "" if name in (f"id{number}", f"club{number}", f"public{number}", f"event{number}") else name


def _count(who: Mapping[str, Any], field: str) -> int | None:
    count = who.get(field)
    return count if isinstance(count, int) and count >= 0 else None


def _objects(values: Any) -> Iterable[Mapping[str, Any]]:
    return (each for each in values or () if isinstance(each, dict)) if isinstance(values, list) else ()
