"""The boundary between agents and the runner: what a source yields, and what can go wrong with it.

A source is an async iterator of items from a cursor; ``agents/runner.py`` publishes them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from pipeline import errors
from schemas import RawPost, Reason

Clock = Callable[[], datetime]
"""The present moment, with a zone."""
Sleep = Callable[[float], Awaitable[None]]
"""Wait that many seconds."""

DEFAULT_GRACE = timedelta(minutes=5)


class Found(NamedTuple):
    """A post. ``origin`` names where it stood, for its dead letter if it turns out too large."""

    post: RawPost
    origin: str
    cursor: str | None = None


class Gone(NamedTuple):
    """A post that was deleted at its source; ``source`` and ``native_id`` are those of the post."""

    source: str
    native_id: str
    deleted_at: datetime
    """When the source says that it was deleted, or else when it was found to be gone."""
    origin: str
    cursor: str | None = None


class Rejected(NamedTuple):
    """Input that is no valid post; it becomes a dead letter."""

    payload: bytes
    origin: str
    """``<file>:<line>``, ``<feed>#<entry>`` and the like."""
    reason: Reason
    detail: str
    cursor: str | None = None


class Progress(NamedTuple):
    """A statement about all items before it.

    ``watermark`` promises that every later post is dated at or after it; ``final``, that there are none.
    A live source states no watermarks; it says when it has ``caught_up`` with the present.
    """

    cursor: str | None = None
    watermark: datetime | None = None
    final: bool = False
    caught_up: bool = True
    confirmed: Callable[[], None] | None = None
    """Called once Kafka has confirmed everything before it: a push source then tells who pushed."""
    trouble: str = ""
    """Why nothing is found at present, where the source tries again by itself: none of its places answers."""


Collected = Found | Gone | Rejected | Progress
"""``cursor`` of each: where to go on once everything up to this item is published; None: as before."""


class Source(Protocol):
    """Where an agent collects: posts, and after each where to go on; `Unavailable` to be tried again."""

    @property
    def name(self) -> str:
        """The agent's name, ``<kind>`` or ``<kind>:<what>``: names its cursor and its watermarks."""
        ...

    @property
    def timeline(self) -> str:
        """The timeline of its posts."""
        ...

    @property
    def grace(self) -> timedelta | None:
        """How late a live post may be found; None where the source states its own watermarks."""
        ...

    def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """Items from ``cursor`` on (None: from the beginning), in order, until the source ends.

        Raises:
            Unavailable: not now; the runner waits and starts again from its last cursor.
            AgentError: never; a person must look.
        """
        ...


class AgentError(errors.MolvaError):
    """The root of what agents raise.

    AgentError
    ├── Unavailable         try again later
    │   ├── SourceUnavailable
    │   │   └── Refused     it says when to ask again
    │   └── PublishFailed
    ├── RecordTooLarge      the broker would refuse this record
    ├── BrokenInput         the input cannot be read any further
    ├── CursorCorrupt       the stored cursor cannot be read
    └── BadConfiguration    a setting or a file of settings is wrong
    """


class Unavailable(AgentError, errors.Unavailable):
    """An outside system does not answer; trying again later may help."""


class SourceUnavailable(Unavailable):
    """The source does not answer."""


class Refused(SourceUnavailable):
    """The source answered with an error; ``retry_after`` is when it wants to be asked again, if it says."""

    def __init__(self, message: str, retry_after: timedelta | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PublishFailed(Unavailable):
    """Kafka did not confirm a record."""


class RecordTooLarge(AgentError):
    """A record above the size that the broker takes; ``value`` is its encoded value."""

    def __init__(self, value: bytes, limit: int) -> None:
        super().__init__(f"the record takes {len(value)} bytes, the limit is {limit}")
        self.value = value


class BrokenInput(AgentError, errors.UsageError):
    """The input ends or breaks where it must not; what came before it is published."""


class CursorCorrupt(AgentError):
    """A cursor file is not what the store wrote."""


class BadConfiguration(AgentError, errors.UsageError):
    """A setting, or a file of settings, is wrong."""


class History(Protocol):
    """What a source offers that can also collect a period of the past."""

    def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """Items dated from ``since`` to before ``until``, in any order, from ``cursor`` on; then it ends.

        A `Progress` may promise a watermark where the order allows it. Raises what `Source.posts` does.
        """
        ...


def agent_kind(name: str) -> str:
    """The part of an agent's name that metrics and dead letters carry: ``replay`` of ``replay:a.csv``."""
    return name.partition(":")[0]
