"""One request for a page of a list, with what its errors mean for the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from agents.base import SourceUnavailable
from agents.listing.source import Unreadable
from agents.web import Forbidden, Reply, Validators, Web, shown

MISSING: Final = (httpx.codes.NOT_FOUND, httpx.codes.GONE)


async def ask(
    web: Web,
    url: str,
    known: Validators,
    *,
    missing: str,
    accept: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Reply | None:
    """Ask for a page; None where it is as ``known`` tells.

    Args:
        missing: what it means that there is no such page.

    Raises:
        Unreadable: there is no such page, or the agent may not ask for it.
        SourceUnavailable: another status than 200, or what `agents.web.Web.get` raises.
    """
    given = {**(headers or {}), **known.headers}
    try:
        reply = await web.get(url, headers=given, accept=accept)
    except Forbidden as error:
        raise Unreadable(str(error)) from error
    if reply.status == httpx.codes.NOT_MODIFIED and any(known):
        return None
    if reply.status in MISSING:
        raise Unreadable(f"{missing}: {shown(url)} gives HTTP {reply.status}")
    if reply.status != httpx.codes.OK:
        raise SourceUnavailable(f"{shown(url)}: HTTP {reply.status}")
    return reply
