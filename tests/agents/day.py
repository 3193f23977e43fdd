"""A simulated day in the life of a source over its local server: nothing grows without end."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from agents.base import Collected, Source
from agents.manual_time import JumpingTime, ManualTime
from tests.agents.telegram.items import ids

HOURS = 24
SETTLED = 6
"""Hours after which a source has all that it keeps in memory, but for what it is told later."""
STEP_SECONDS = 60
TURNS = 50
"""Of the loop, before a clock that does not jump is moved on. Not a time: with that, a busy machine would get
less done in a simulated hour than an idle one."""
MIB = 1 << 20
_TESTS = str(Path(__file__).resolve().parents[1] / "*")
_UNCOUNTED = [tracemalloc.Filter(False, name) for name in (_TESTS, tracemalloc.__file__)]


async def lives_a_day(
    source: Source,
    time: ManualTime,
    every_hour: Callable[[int], object],
    *,
    connections: Callable[[], int],
    most_connections: int,
    largest_cursor: int,
    growth: int = MIB,
) -> list[str]:
    """Run ``source`` from the beginning for 24 hours of ``time``, and check what it holds meanwhile.

    Args:
        time: the clock of the source and its server; one that does not jump is moved by a minute at a time.
        every_hour: called with 1 to 23 when so many hours have passed; publishes what is to be found.
        connections: how many are open at the server now.
        most_connections: there are never more.
        largest_cursor: characters that a cursor has at most.
        growth: bytes by which the memory may grow from the 6th to the 24th hour, whatever made it; what
            the code of the tests (the server as well) has made is not counted.

    Returns:
        The ids that came, in order: ``id@`` of edits, ``-id`` of deletions.

    Raises:
        AssertionError: something grew.
    """
    day = _Day(time, every_hour, connections)
    with traced():
        await _run(day, source, time)
    assert day.hour == HOURS, f"the source ended in hour {day.hour}"
    assert day.most_connections <= most_connections, f"{day.most_connections} connections at once"
    assert day.largest_cursor <= largest_cursor, f"a cursor of {day.largest_cursor} characters"
    settled, later = max(day.tasks[:SETTLED]), max(day.tasks[SETTLED:])
    assert later <= settled + 1, f"{later} tasks, {settled} before"
    grown = day.memory[HOURS] - day.memory[SETTLED]
    assert grown <= growth, f"the memory grew by {grown} bytes"
    return day.found


class AtOnce(ThreadPoolExecutor):
    """Runs what a thread would, at once and here."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*args, **named))
        except Exception as error:  # noqa: BLE001 - a future keeps whatever was raised
            done.set_exception(error)
        return done


@contextmanager
def traced() -> Iterator[None]:
    """Memory is traced within; for a running event loop, whose threads do not run beside it any more.

    The simulated time would jump while a thread works, and CPython 3.11 crashes where one allocates without
    the interpreter's lock when the tracing ends (gh-128679), as the parser of HTML does.
    """
    asyncio.get_running_loop().set_default_executor(AtOnce())
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


async def _run(day: _Day, source: Source, time: ManualTime) -> None:
    reading = asyncio.ensure_future(day.read(source))
    try:
        if isinstance(time, JumpingTime):
            await reading
        while not reading.done() and not day.over:
            time.move(seconds=STEP_SECONDS)
            await turns()
            day.look()
    finally:
        reading.cancel()
        await asyncio.wait((reading,))
    if not reading.cancelled():
        reading.result()


async def turns() -> None:
    """Let everything go on that is ready: requests to the servers of this process, and their answers."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


class _Day:
    """What was seen of it so far."""

    def __init__(
        self, time: ManualTime, every_hour: Callable[[int], object], connections: Callable[[], int]
    ) -> None:
        self.found: list[str] = []
        self.tasks: list[int] = []
        self.memory: dict[int, int] = {}
        """Bytes by hour."""
        self.hour = 0
        self.largest_cursor = 0
        self.most_connections = 0
        self._time = time
        self._began = time.clock()
        self._every_hour = every_hour
        self._connections = connections

    @property
    def over(self) -> bool:
        return self.hour >= HOURS

    async def read(self, source: Source) -> None:
        async with aclosing(source.posts(None)) as stream:  # type: ignore[type-var]
            async for item in stream:
                self._note(item)
                self.look()
                if self.over:
                    return

    def look(self) -> None:
        """Measure, and let something happen, once for each hour that has passed."""
        self.most_connections = max(self.most_connections, self._connections())
        while not self.over and self._time.clock() - self._began >= timedelta(hours=self.hour + 1):
            self.hour += 1
            self.tasks.append(len(asyncio.all_tasks()))
            if self.hour in (SETTLED, HOURS):
                self.memory[self.hour] = held()
            if not self.over:
                self._every_hour(self.hour)

    def _note(self, item: Collected) -> None:
        self.found += ids([item])
        self.largest_cursor = max(self.largest_cursor, len(item.cursor or ""))


def held() -> int:
    """Bytes that are held and that something else than the tests has made."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(_UNCOUNTED)
    return sum(trace.size for trace in snapshot.traces)
