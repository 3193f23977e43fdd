"""The lists of a ``page`` agent: asked for as robots.txt allows, read by the selectors of the options."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final, NamedTuple
from urllib.parse import urljoin

from agents.base import Rejected
from agents.charsets import decoded, header_charset
from agents.listing import Entry, ListingSource, Page, Unreadable, Validators, ask
from agents.page import html_page, json_page
from agents.page.items import Item, LayoutChanged, Reading
from agents.page.options import PAGE, Options, ReviewList, address_of
from agents.page.robots import Robots
from agents.seen import digest
from agents.surroundings import Surroundings
from agents.web import Reply, shown
from pipeline.core.accounts import Owners

HTML: Final = ("text/html", "application/xhtml+xml")
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)


class _Found(NamedTuple):
    """What stands on a page; ``empty``: it says that there is nothing."""

    items: list[Item]
    next: str
    empty: bool


class Reviews:
    """One list of a site."""

    def __init__(self, each: ReviewList, options: Options, robots: Robots, around: Surroundings) -> None:
        self.name = address_of(each)
        self._list = each
        self._options = options
        self._robots = robots
        self._around = around

    async def pages(self, known: Validators, most: int) -> AsyncIterator[Page]:
        """See `agents.listing.source.Listing.pages`.

        Raises:
            LayoutChanged: nothing is found on the first page, or a field in none of its items.
        """
        visited: set[str] = set()
        read: set[int] = set()
        url, number = self._address(0), 0
        while url and url not in visited and number < most:
            visited.add(url)
            reply = await self._ask(url, known if number == 0 else Validators(), first=number == 0)
            if reply is None:
                return
            found = await asyncio.to_thread(_read, reply, self._options)
            if not found.items:
                self._require_emptiness(found, reply, first=number == 0)
                return
            if (items := digest(*found.items)) in read:
                return  # some sites show their first or last page where there is none
            read.add(items)
            yield Page(await self._entries(found.items, reply), reply.validators)
            number += 1
            follow = urljoin(reply.url, found.next) if found.next else ""
            url = self._address(number) if PAGE in self.name else follow.partition("#")[0]

    async def _ask(self, url: str, known: Validators, *, first: bool) -> Reply | None:
        """The page; None where it is as known, or where no page follows the one before."""
        await self._robots.let(url)
        accept = () if self._options.format == "json" else HTML
        try:
            reply = await ask(self._around.web, url, known, missing="there is no such page", accept=accept)
        except Unreadable:
            if first or PAGE not in self.name:
                raise
            return None
        if reply is not None and reply.url != url:
            await self._robots.let(reply.url)
        return reply

    async def _entries(self, items: list[Item], reply: Reply) -> list[Entry | Rejected]:
        reading = Reading(self._options, self._list, reply.url, self._around.clock())
        return await asyncio.to_thread(reading.entries, items)

    def _address(self, number: int) -> str:
        return self.name.replace(PAGE, str(self._options.first + number))

    def _require_emptiness(self, found: _Found, reply: Reply, *, first: bool) -> None:
        if not first or found.empty:
            return
        what = (
            f"`{self._options.item}` finds nothing" if self._options.item else "there is no Review in JSON-LD"
        )
        raise LayoutChanged(
            f"{shown(reply.url)}: {what}: has the page changed? If the list is empty, write `empty`"
        )


def _read(reply: Reply, options: Options) -> _Found:
    if options.format == "json":
        document = reply.json()
        items = json_page.items_of_json(document, options)
        return _Found(
            items, json_page.next_of_json(document, options), json_page.is_empty_json(document, options)
        )
    tree = html_page.parsed(_text(reply))
    following, empty = html_page.next_of(tree, options), html_page.is_empty(tree, options)
    if options.format == "json-ld":
        return _Found(json_page.items_of_ld(tree), following, empty)
    return _Found(html_page.items_of(tree, options), following, empty)


def _text(reply: Reply) -> str:
    """The page as text, in the charset of its header, else that of its ``meta``, else UTF-8."""
    named = _CHARSET.search(reply.body[:4096])
    if named is None or header_charset(reply.headers.get("Content-Type", "")):
        return reply.text
    return decoded(reply.body, named[1].decode("ascii"))


def build(options: Options, around: Surroundings) -> ListingSource:
    """The source of an entry of agents.yaml."""
    robots = Robots(around)
    owners = None if around.watchlist is None else Owners(around.watchlist)
    lists = []
    for each in options.lists:
        own = owners is not None and bool(owners.of(options.called, (address_of(each),)))
        lists.append(Reviews(each.model_copy(update={"own": each.own or own}), options, robots, around))
    return ListingSource(lists, around, interval=options.interval, sweep=options.sweep, pages=options.pages)
