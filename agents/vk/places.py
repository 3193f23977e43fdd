"""Screen names -> owner ids: whose walls are read, and which of them are the watchlist's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.vk.api import Api, Call
from agents.vk.desk import log
from agents.vk.failures import Troubled
from agents.vk.names import numbered
from agents.vk.posts import number_of

COMMUNITIES = ("group", "page", "event")


async def resolved(api: Api, names: Sequence[str]) -> dict[str, int]:
    """The owner ids of names, as far as VK knows them; what it does not know is told in the log.

    Raises:
        Troubled: VK cannot look one up now.
        SourceUnavailable, BadConfiguration: as `Api.batch`.
    """
    found = {name: number for name in names if (number := numbered(name)) is not None}
    open_names = [name for name in dict.fromkeys(names) if name not in found]
    calls = [Call("utils.resolveScreenName", {"screen_name": name}, f"vk.com/{name}") for name in open_names]
    for name, answer in zip(open_names, await api.batch(calls), strict=True):
        if isinstance(answer, Troubled):
            raise answer
        if number := _owner(answer):
            found[name] = number
        else:
            log.warning("vk.com/%s is not collected: no person or community has this name", name)
    return found


def _owner(answer: Any) -> int:
    """The owner id of an answer; 0 for applications, and for the empty list that stands for nobody."""
    if not isinstance(answer, dict):
        return 0
    number = number_of(answer, "object_id")
    if answer.get("type") == "user":
        return number
    return -number if answer.get("type") in COMMUNITIES else 0
