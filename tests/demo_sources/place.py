"""A local place where posts are published for `tests.demo_sources`: how, and what its agent is told."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
import httpx

NAMED = "Тепло Банк"
"""Stands in every text: some sources are searched for what the watchlist names."""
EDITED = "исправлено"
Text = str
POLL_S = 0.2
FEW, MANY = 2, 60
"""More than a page of most sources."""


@dataclass
class Place:
    """One source; ``kind`` is the agent's.

    Attributes:
        publish: publishes a text and gives what ``edit`` and ``delete`` are called with; may be a coroutine.
        entry: the options of agents.yaml; None where no agent of the fleet reads it.
        hosts: ``host:port`` of the local server.
        secrets: what ``env:NAME`` refers to.
        more: how many posts are published while the fleet is killed; many where the source has pages.
        listened: whether somebody listens; only then a pushing source has where to publish.
    """

    kind: str
    publish: Callable[[Text], Any]
    entry: Mapping[str, Any] | None = None
    hosts: Sequence[str] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    edit: Callable[[Any, Text], Any] | None = None
    delete: Callable[[Any], Any] | None = None
    listened: Callable[[], bool] | None = None
    more: int = FEW
    told_once: bool = False
    """Edits and deletions reach only who listens at that moment."""
    published: dict[str, Any] = field(default_factory=dict)
    """By marker."""
    edited: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def say(self, count: int) -> None:
        """Publish ``count`` new posts."""
        for _ in range(count):
            marker = f"demo-{self.kind}-{next(self._numbers)}."
            self.published[marker] = await _taken(partial(self.publish, text_of(marker)))

    async def forsaken(self) -> None:
        """Wait until nobody listens any more."""
        while self.listened is not None and self.listened():  # noqa: ASYNC110 (a server's state)
            await asyncio.sleep(POLL_S)

    async def heard(self) -> None:
        """Wait until somebody listens."""
        while self.listened is not None and not self.listened():  # noqa: ASYNC110 (a server's state)
            await asyncio.sleep(POLL_S)

    async def change(self) -> None:
        """Edit the first post and delete the second one, where the source tells of it."""
        first, second, *_ = self.published
        if self.edit is not None:
            await _taken(partial(self.edit, self.published[first], f"{text_of(first)} {EDITED}"))
            self.edited.add(first)
        if self.delete is not None:
            await _taken(partial(self.delete, self.published[second]))
            self.deleted.add(second)


def text_of(marker: str) -> Text:
    return f"{NAMED}: приложение не открывается 😀 {marker}"


def host_of(url: str) -> str:
    """``host:port`` of a local server's address."""
    return url.partition("://")[2].partition("/")[0]


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


async def _taken(attempt: Callable[[], Any]) -> Any:
    """What an attempt gives; it is repeated while an agent that is pushed to cannot be reached."""
    while True:
        try:
            answer = attempt()
            return await answer if inspect.isawaitable(answer) else answer
        except (ConnectionError, aiohttp.ClientConnectionError, httpx.TransportError):
            await asyncio.sleep(POLL_S)
