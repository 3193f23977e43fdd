"""What the reader of an instance hands on, and how it stands with each of its feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from agents.base import Collected, SourceUnavailable
from agents.discussions.answered import Watched
from agents.mastodon.feeds import Feed

QUEUED: Final = 64


class Step(NamedTuple):
    """What was read at once; ``place`` is how far ``feed`` is read with it, None: as before."""

    instance: str
    feed: str
    items: list[Collected]
    place: str | None = None
    pages: bool = True
    """It ends a reading by pages, or a trial of it."""
    watched: Mapping[str, Watched] | None = None
    """The posts under which answers are looked for, as they are with it; None: as before."""


Steps = asyncio.Queue[Step]


@dataclass
class Reading:
    """How it stands with one feed."""

    feed: Feed
    place: str | None
    due: datetime
    whole: bool = False
    """Pages have told all that was before its stream, so what the stream tells moves ``place``."""
    failures: int = 0
    trouble: SourceUnavailable | None = None
