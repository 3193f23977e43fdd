"""The ``email`` agent's source: its folders side by side, each over a connection of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from agents.base import Collected, Progress, Refused, Rejected, SourceUnavailable
from agents.email.connection import Connection
from agents.email.cursor import Cursor, Position
from agents.email.folder import FolderReader, Letter
from agents.email.login import Login
from agents.email.options import Folder, Options
from agents.email.posts import Reading, Skipped, collected
from agents.surroundings import Surroundings
from agents.waiting import cancel
from schemas.base import LIVE

log = logging.getLogger("molva.agent.email")

LIVED: Final = timedelta(minutes=1)
"""A connection that broke sooner is not made anew at once; also the longest pause."""
FIRST_REST: Final = timedelta(seconds=1)
WAITING: Final = 4
"""Batches of messages that may wait to be taken."""


class Step(NamedTuple):
    """What a folder tells: a message that is done; without an item, perhaps that there is no more for now."""

    folder: str
    position: Position
    item: Collected | None = None
    up_to_date: bool = False


class EmailSource:
    """Yields the messages of all folders; nothing in the mailbox is changed unless the options ask for it."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace + (timedelta() if options.idle else timedelta(seconds=options.poll_seconds))
        self._options = options.model_copy(update={"mark_seen": False}) if around.dry else options
        self._around = around
        self._login = Login(options, around)
        self._short: Counter[str] = Counter()
        """By folder: connections, the last ones, that did not live for long."""

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """New mail, without end.

        Raises:
            BadConfiguration: the login is refused, or a folder does not exist.
            Refused: the server does not answer, or not for long; when to ask it again.
            CursorCorrupt: the cursor is not one of this agent.
        """
        positions = self._positions(cursor)
        behind = set(positions)
        queue: asyncio.Queue[list[Step]] = asyncio.Queue(WAITING)
        tasks = [
            asyncio.ensure_future(self._follow(folder, positions[folder.folder], queue))
            for folder in self._options.folders
        ]
        try:
            while True:
                for step in await _next(queue, tasks):
                    moved = positions[step.folder] != step.position
                    positions[step.folder] = step.position
                    saved = Cursor(folders=positions).model_dump_json() if moved or step.item else None
                    if step.item is not None:
                        yield step.item._replace(cursor=saved)
                    if step.up_to_date:
                        behind.discard(step.folder)
                        yield Progress(saved, caught_up=not behind)
        finally:
            await cancel(*tasks)

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """Mail that came in during a period, folder by folder; raises as `posts`."""
        positions = self._positions(cursor)
        for folder in self._options.folders:
            async with self._connection() as connection:
                known = positions[folder.folder]
                reader = FolderReader(folder, self._options, self._around, connection, known)
                await reader.open(self._login)
                if known.validity != reader.position.validity:
                    reader.position = Position(validity=reader.position.validity)
                async with aclosing(reader.period(since, until)) as batches:  # type: ignore[type-var]
                    async for letters in batches:
                        for step in await self._steps(folder, reader, letters):
                            positions[folder.folder] = step.position
                            saved = Cursor(folders=positions).model_dump_json()
                            yield (step.item or Progress())._replace(cursor=saved)

    def _positions(self, cursor: str | None) -> dict[str, Position]:
        known = Cursor.read(cursor).folders
        return {each.folder: known.get(each.folder, Position()) for each in self._options.folders}

    def _connection(self) -> Connection:
        return Connection(f"{self._options.host}:{self._options.effective_port}", self._options.user)

    async def _follow(self, folder: Folder, position: Position, queue: asyncio.Queue[list[Step]]) -> None:
        """Read a folder for ever; a connection that had lived for a while and broke is made anew at once.

        Raises:
            Refused: the server wants to be left alone; or it cannot be read, or broke off soon, and is asked
                again after a pause that doubles up to a minute. (The runner's own pauses begin anew whenever
                anything was collected, as it is before each of such breaks.)
            BadConfiguration: see `posts`.
        """
        while True:
            works_since: datetime | None = None
            connection = self._connection()
            reader = FolderReader(folder, self._options, self._around, connection, position)
            try:
                async with connection:
                    await reader.open(self._login)
                    while True:
                        await self._take(folder, reader, queue)
                        works_since = works_since or self._around.clock()
                        await reader.wait()
            except Refused:
                raise
            except SourceUnavailable as error:
                if works_since is None or self._around.clock() - works_since < LIVED:
                    self._short[folder.folder] += 1
                    rest = FIRST_REST * 2 ** min(self._short[folder.folder], 10)
                    raise Refused(str(error), min(rest, LIVED)) from error
                self._short[folder.folder] = 0
                position = reader.position
                self._around.metrics.agent_errors.labels(self.name, type(error).__name__).inc()
                log.info("%s: %s; connecting anew", self.name, error)

    async def _take(self, folder: Folder, reader: FolderReader, queue: asyncio.Queue[list[Step]]) -> None:
        async with aclosing(reader.news()) as batches:  # type: ignore[type-var]
            async for letters in batches:
                await queue.put(await self._steps(folder, reader, letters))
                await reader.mark_seen(letters)
        await queue.put([Step(folder.folder, reader.position, up_to_date=True)])

    async def _steps(self, folder: Folder, reader: FolderReader, letters: Sequence[Letter]) -> list[Step]:
        """What becomes of messages; what is left out is counted by its reason."""
        reading = Reading(self._options, folder, self._around.watchlist, self._around.clock())
        made = await asyncio.to_thread(lambda: [collected(letter, reading) for letter in letters])
        steps = []
        for letter, outcome in zip(letters, made, strict=True):
            step = partial(Step, folder.folder, reader.passed(letter))
            if isinstance(outcome, Skipped):
                self._around.metrics.agent_skipped.labels(self.name, outcome.reason).inc()
                steps.append(step())
                continue
            if isinstance(outcome, Rejected):
                log.info("%s: %s is no post: %s", self.name, outcome.origin, outcome.detail)
            steps.append(step(outcome))
        return steps


async def _next(queue: asyncio.Queue[list[Step]], tasks: Sequence[asyncio.Future[None]]) -> list[Step]:
    """The next steps; the error of a task that ended, once all before it is taken."""
    if not queue.empty():
        return queue.get_nowait()
    getting = asyncio.ensure_future(queue.get())
    try:
        waits: tuple[asyncio.Future[Any], ...] = (getting, *tasks)
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if getting.done():
            return getting.result()
        for task in tasks:
            if task.done():
                task.result()
    finally:
        await cancel(getting)
    raise AssertionError("unreachable: a folder is followed until it fails")
