"""robots.txt (RFC 9309) of the sites that a ``page`` agent reads: what it may ask, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
from protego import Protego

from agents.base import Refused, SourceUnavailable
from agents.listing import Unreadable
from agents.surroundings import Surroundings
from agents.web import Forbidden, shown

AGENT: Final = "Molva"
"""What a group of robots.txt calls this agent (``User-agent: Molva``), the product of its User-Agent."""
KEPT: Final = timedelta(days=1)
MAX_RULES: Final = 512 * 1024
"""Bytes that are read of it; RFC 9309 asks for 500 KiB."""
MAX_BYTES: Final = 5 * 1024 * 1024
LONGEST_DELAY: Final = timedelta(days=1)
CLIENT_ERROR, SERVER_ERROR = 400, 500


@dataclass
class _Rules:
    """Those of a site; ``asked`` is when a page of it was last asked for."""

    rules: Protego
    read_at: datetime
    asked: datetime | None = None


class Robots:
    """The rules of each site, read anew every day."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._sites: dict[str, _Rules] = {}

    async def let(self, url: str) -> None:
        """Wait as long as the site asks for between two pages, where it lets the agent read this one.

        Raises:
            Unreadable: the site's robots.txt forbids it.
            SourceUnavailable: there is no telling: while it cannot be read, nothing is.
        """
        site = await self._site(url)
        if not site.rules.can_fetch(url, AGENT):
            raise Unreadable(f"{shown(url)}: the robots.txt of the site forbids {AGENT} to read it")
        delay = min(timedelta(seconds=site.rules.crawl_delay(AGENT) or 0.0), LONGEST_DELAY)
        if site.asked is not None and (wait := site.asked + delay - self._around.clock()) > timedelta():
            await self._around.sleep(wait.total_seconds())
        site.asked = self._around.clock()

    async def _site(self, url: str) -> _Rules:
        parts = httpx.URL(url)
        origin = str(parts.copy_with(raw_path=b"/", fragment=None, userinfo=b""))
        known, now = self._sites.get(origin), self._around.clock()
        if known is not None and now - known.read_at < KEPT:
            return known
        site = _Rules(await self._read(f"{origin}robots.txt"), now, known.asked if known else None)
        self._sites[origin] = site
        return site

    async def _read(self, url: str) -> Protego:
        """The rules; none where the site has no robots.txt (HTTP 4xx)."""
        try:
            reply = await self._around.web.get(url, max_bytes=MAX_BYTES)
        except Forbidden as error:
            raise Unreadable(f"{url} is elsewhere, so its rules are not known: {error}") from error
        except Refused as error:
            raise Refused(
                f"{error}: the site is left alone until it is readable", error.retry_after
            ) from error
        except SourceUnavailable as error:
            raise SourceUnavailable(f"{error}: the site is left alone until it is readable") from error
        if CLIENT_ERROR <= reply.status < SERVER_ERROR:
            return Protego.parse("")
        if reply.status != httpx.codes.OK:
            raise SourceUnavailable(
                f"{url}: HTTP {reply.status}: the site is left alone until it is readable"
            )
        return Protego.parse(reply.body[:MAX_RULES].decode("utf-8", "replace"))
