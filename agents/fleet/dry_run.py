"""One look at what an agent would collect: nothing is published, no cursor is read or moved, nothing at the
source is changed, no port is listened on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace

from agents.base import Found, Gone, Progress, Rejected, Source
from agents.fleet.premises import Outside
from agents.fleet.vitals import errors_of
from agents.options import AgentOptions

ITEMS = 20
SETTLE_SECONDS = 2.0
"""With something in hand, and the source up with the present, it is not waited for longer."""

Item = Found | Gone | Rejected


@dataclass
class Look:
    """What came of it."""

    items: list[Item] = field(default_factory=list)
    answered: bool = False
    """The source has said something, even if only that there is nothing new."""
    caught_up: bool = False
    errors: dict[str, int] = field(default_factory=dict)
    """Failures that the source bore by itself, by type."""
    told: str = ""
    """The last of what was logged about failures; where there were no warnings, of anything else."""


async def look(options: AgentOptions, outside: Outside, seconds: float, items: int = ITEMS) -> Look:
    """Collect from the beginning until there are ``items``, or for ``seconds``.

    Raises:
        BadConfiguration: what the options or the credentials lack.
        SourceUnavailable: the source does not answer.
        AgentError: another failure that waiting does not cure.
    """
    found = Look()
    with _listening(found):
        await _collect(found, options, outside, seconds, items)
    found.errors = errors_of(outside.metrics, options.agent)
    return found


async def _collect(found: Look, options: AgentOptions, outside: Outside, seconds: float, items: int) -> None:
    async with outside.web(options, "live") as web:
        source = replace(outside, dry=True).source(options, web, "live")
        reading = asyncio.ensure_future(_read(source, found, items))
        waiting = asyncio.ensure_future(_enough(found))
        try:
            await asyncio.wait((reading, waiting), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, waiting):
                task.cancel()
            await asyncio.wait((reading, waiting))
        with suppress(asyncio.CancelledError):
            reading.result()


@contextmanager
def _listening(found: Look) -> Iterator[None]:
    """Note what the agent logs; warnings are shown as well, as they are without this."""
    log, shown = logging.getLogger("molva.agent"), logging.lastResort

    class Listener(logging.Handler):
        gravest = logging.NOTSET

        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= self.gravest:
                self.gravest, found.told = record.levelno, record.getMessage()
            if shown is not None and record.levelno >= shown.level and not logging.root.handlers:
                shown.handle(record)

    listener, level = Listener(), log.level
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(listener)


async def _read(source: Source, found: Look, items: int) -> None:
    async with aclosing(source.posts(None)) as stream:  # type: ignore[type-var]
        async for item in stream:
            found.answered = True
            if isinstance(item, Progress):
                found.caught_up = found.caught_up or item.caught_up
            else:
                found.items.append(item)
            if len(found.items) >= items:
                return


async def _enough(found: Look) -> None:
    """Until something has come, the source is up with the present, and nothing more comes for a while."""
    seen = 0
    while not (found.caught_up and 0 < len(found.items) == seen):
        seen = len(found.items)
        await asyncio.sleep(SETTLE_SECONDS)
