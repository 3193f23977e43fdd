"""The tasks of a source in turn: each when it is due, with failures of its own, a cursor after each step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta

from agents.base import BadConfiguration, Collected, Progress, Refused, SourceUnavailable
from agents.listing import Unreadable
from agents.pace import Pace, put_off, trouble_of
from agents.surroundings import Surroundings


class NotYet(Refused):
    """The source's own plan has no room for this now: no failure, only a wait (``retry_after``)."""

    def __init__(self, message: str, wait: timedelta) -> None:
        super().__init__(message, wait)
        self.wait = wait


class Task(ABC):
    """A thing to read again and again.

    ``urgency``: of tasks that are due, those with the lowest go first. ``required``: the source works only
    with at least one of these readable. ``unfinished``: `steps` ended early, so that others that are due have
    their turn; it is called again once nothing more urgent is due.
    """

    urgency = 0
    required = True
    unfinished = False

    def __init__(self, name: str, pace: Pace) -> None:
        self.name = name
        self.pace = pace

    @abstractmethod
    def steps(self) -> AsyncIterator[Sequence[Collected]]:
        """Read; after each step the cursor may be saved.

        Raises:
            Unreadable: a person must mend something.
            SourceUnavailable: not now.
        """


class Rounds:
    """Runs tasks for ever; ``saved`` writes the cursor as it is now."""

    def __init__(self, tasks: Sequence[Task], around: Surroundings, saved: Callable[[], str]) -> None:
        self._tasks = tuple(tasks)
        self._around = around
        self._saved = saved
        self._last = ""
        self._unread = {task.name for task in tasks}

    async def items(self) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`.

        Raises:
            BadConfiguration: a person must mend something before anything can be read.
        """
        while True:
            task = self._next()
            if (wait := (task.pace.due - self._around.clock()).total_seconds()) > 0:
                await self._around.sleep(wait)
            found, going_on = 0, False
            try:
                async with aclosing(task.steps()) as steps:  # type: ignore[type-var]
                    async for items in steps:
                        for item in items:
                            yield item
                        found += len(items)
                        yield self._progress()
                task.pace.visited(found)
                going_on = task.unfinished
                if going_on:
                    task.pace.pushed()
            except NotYet as pause:
                task.pace.postpone(pause.wait)
            except SourceUnavailable as error:
                put_off(task.pace, error, self._around)
            if not going_on:
                self._unread.discard(task.name)
            if not self._unread:
                self._require_some()
            yield self._progress(trouble_of(self._required()))

    def _next(self) -> Task:
        """What is most urgent of what is due; else what is due first."""
        now = self._around.clock()
        due = [task for task in self._tasks if task.pace.due <= now]
        if due:
            return min(due, key=lambda each: (each.urgency, each.pace.due))
        return min(self._tasks, key=lambda each: each.pace.due)

    def _progress(self, trouble: str = "") -> Progress:
        now = self._saved()
        changed = None if now == self._last else now
        self._last = now
        return Progress(changed, caught_up=not self._unread, trouble=trouble)

    def _required(self) -> list[SourceUnavailable | None]:
        return [task.pace.trouble for task in self._tasks if task.required]

    def _require_some(self) -> None:
        why = self._required()
        if why and all(isinstance(error, Unreadable) for error in why):
            raise BadConfiguration("; ".join(dict.fromkeys(map(str, why))))
