"""The whole text of an article, where a feed or a sitemap gives only its beginning or its address.

The page is parsed in a process of its own, which is killed when it takes too long; then the summary stays.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import Final

import httpx

from agents.base import BadConfiguration, SourceUnavailable
from agents.rss.article_text import LENGTH
from agents.web import Forbidden, Web, shown
from schemas import RawPost
from schemas.post import MAX_TEXT_CHARS

MAX_PAGE: Final = 3 * 1024 * 1024
PATIENCE_SECONDS: Final = 30.0
ACCEPT: Final = ("text/html", "application/xhtml+xml")

log = logging.getLogger("molva.agent.rss")


class NoText(SourceUnavailable):
    """The page has no text that could be found, or finding it took too long."""


class Extractor:
    """Finds texts, one page at a time, in a process that begins with the first page; close it after use."""

    def __init__(self, patience: float = PATIENCE_SECONDS, command: tuple[str, ...] = ()) -> None:
        """``patience``: seconds for a page; ``command``: instead of the usual child, in tests."""
        if not command and find_spec("trafilatura") is None:
            raise BadConfiguration("`full_text` needs trafilatura: pip install 'molva[fulltext]'")
        self._command = command or (sys.executable, "-m", "agents.rss.article_text")
        self._patience = patience
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def text(self, page: str) -> str:
        """The text of an article.

        Raises:
            NoText: there is none, or it takes too long.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(self._patience):
                    found = await self._ask(page.encode("utf-8", "replace"))
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                await self._end()
                raise NoText(
                    f"the page takes too long or too much to read: {type(error).__name__}"
                ) from error
            except asyncio.CancelledError:
                await self._end()
                raise
        if not found.strip():
            raise NoText("no article is found in the page")
        return found

    async def close(self) -> None:
        """End the process."""
        await self._end()

    async def _ask(self, page: bytes) -> str:
        if self._child is None:
            pipe = asyncio.subprocess.PIPE
            null = asyncio.subprocess.DEVNULL
            self._child = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, stderr=null
            )
        to, back = self._child.stdin, self._child.stdout
        assert to is not None and back is not None, "pipes"
        to.write(LENGTH.pack(len(page)) + page)
        await to.drain()
        (size,) = LENGTH.unpack(await back.readexactly(LENGTH.size))
        return (await back.readexactly(size)).decode("utf-8", "replace")

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.communicate()


async def with_full_text(post: RawPost, web: Web, extractor: Extractor) -> RawPost:
    """The post with the text of its page, where that is longer than what it has.

    Raises:
        SourceUnavailable, Forbidden: the page is not there, may not be asked for, or has no text.
    """
    if not post.url:
        raise NoText("the entry has no address")
    reply = await web.get(post.url, accept=ACCEPT, max_bytes=MAX_PAGE, retries=1)
    if reply.status != httpx.codes.OK:
        raise NoText(f"{shown(reply.url)}: HTTP {reply.status}")
    page = await asyncio.to_thread(lambda: reply.text)
    article = (await extractor.text(page)).strip()
    title = post.text.partition("\n")[0]
    whole = article if article.startswith(title) else f"{title}\n{article}"
    return post.model_copy(update={"text": whole[:MAX_TEXT_CHARS]}) if len(whole) > len(post.text) else post


__all__ = ["Extractor", "Forbidden", "NoText", "with_full_text"]
