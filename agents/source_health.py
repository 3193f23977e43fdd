"""What a live agent knows of its sources' health: how surprising their silence is, how old their posts are.

The runner and the HTTP endpoint tell it every post, and something calls `tick`; it sets the gauges of the
sources and remembers their rhythms over a restart.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Final

from agents.base import Clock, CursorCorrupt
from agents.cursor import CursorStore
from pipeline.core import source_silence
from pipeline.core.source_silence import STEP, Silence
from pipeline.metrics import Metrics
from schemas import RawPost

log = logging.getLogger("molva.agent")

MAX_SOURCES: Final = 64
"""Sources with a rhythm of their own; whoever posts to the agent chooses their names."""
OTHERS: Final = ":others"
"""All further sources together; no source is named so."""
FORGOTTEN: Final = timedelta(days=14) // timedelta(seconds=STEP)
"""After as many silent buckets a source is gone, and no longer alerted on."""
UNWATCHED: Final = 3 * STEP
"""Seconds between two ticks after which the agent was not watching (it was stopped, or asleep)."""
MIN_AGES: Final = 11
MAX_AGES: Final = 101


@dataclass(slots=True)
class _Source:
    silence: Silence = field(default_factory=Silence)
    last: float = 0.0
    """When it was last seen to post, Unix seconds."""
    posted: set[int] = field(default_factory=set)
    """Buckets that are not closed yet and have a post."""
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_AGES))


class SourceHealth:
    """The sources of one live agent. Its state is one JSON document in a `CursorStore` of its own."""

    def __init__(self, agent: str, metrics: Metrics, store: CursorStore, *, clock: Clock) -> None:
        """Begin with what ``store`` remembers (blocking); what cannot be read is learned anew."""
        self._agent = agent
        self._metrics = metrics
        self._store = store
        self._clock = clock
        self._open: int | None = None
        self._whole = False
        self._unsaved = False
        self._fresh: set[str] = set()
        self._sources = self._restored()
        for name in self._sources:
            self._show(name)

    def seen(self, *posts: RawPost) -> None:
        """Note posts that their sources have just given, whether or not Kafka takes them."""
        now = self._clock().timestamp()
        bucket = _bucket(now)
        for post in posts:
            known = post.source in self._sources or len(self._sources) < MAX_SOURCES
            name = post.source if known else OTHERS
            source = self._sources.get(name)
            if source is None:
                source = self._sources[name] = _Source()
            source.last = now
            source.posted.add(bucket)
            if post.revision == 0:  # an edit says nothing of how old posts are when they are found
                source.ages.append((post.collected_at - post.created_at).total_seconds())
            self._fresh.add(name)

    @property
    def lag(self) -> float | None:
        """How old the newest hundred posts were when collected, seconds: the median of the slowest source."""
        ages = [median(source.ages) for source in self._sources.values() if len(source.ages) >= MIN_AGES]
        return max(ages, default=None)

    async def tick(self) -> None:
        """Show what is new; at the end of a bucket judge every source, and remember the rhythms.

        Raises:
            OSError: the state cannot be written.
        """
        current = _bucket(self._clock().timestamp())
        for name in self._fresh:
            self._show(name)
        self._fresh.clear()
        if current != self._open:
            self._judge(current)
            self._unsaved = True
        if self._unsaved:  # also where the end of a session cut the last writing off
            await self._store.save(self._agent, self._document())
            self._unsaved = False

    def _judge(self, current: int) -> None:
        for bucket, whole in self._ended(current):
            for source in self._sources.values():
                if whole or bucket in source.posted:
                    source.silence = source_silence.closed(source.silence, bucket, bucket in source.posted)
        self._open = current
        self._prune()
        for name, source in self._sources.items():
            source.posted = {bucket for bucket in source.posted if bucket >= current}
            self._show(name)

    def _ended(self, current: int) -> Iterator[tuple[int, bool]]:
        """The buckets that have ended, and whether they were watched from beginning to end."""
        begun, watched = self._open, self._whole
        self._whole = begun is not None and current - begun <= UNWATCHED
        if begun is None:
            return
        for bucket in range(begun, min(current, begun + UNWATCHED), STEP):
            yield bucket, self._whole and (watched or bucket > begun)

    def _prune(self) -> None:
        for name in [name for name, source in self._sources.items() if source.silence.empty > FORGOTTEN]:
            del self._sources[name]
            for gauge in (self._metrics.source_silence, self._metrics.source_last_post):
                gauge.remove(self._agent, name)

    def _show(self, name: str) -> None:
        source, labels = self._sources[name], (self._agent, name)
        self._metrics.source_last_post.labels(*labels).set(source.last)
        silent = 0.0 if source.posted else source_silence.surprise(source.silence)
        self._metrics.source_silence.labels(*labels).set(silent)
        if len(source.ages) >= MIN_AGES:
            self._metrics.source_post_age.labels(*labels).set(median(source.ages))

    def _document(self) -> str:
        return json.dumps(
            {
                name: [source.last, source_silence.dump(source.silence)]
                for name, source in self._sources.items()
            }
        )

    def _restored(self) -> dict[str, _Source]:
        try:
            saved = self._store.load(self._agent)
            return {
                str(name): _Source(source_silence.load(dumped), float(last))
                for name, (last, dumped) in json.loads(saved or "{}").items()
            }
        except (CursorCorrupt, ValueError, TypeError, AttributeError) as error:
            log.warning("the rhythms of the sources of %s are learned anew: %s", self._agent, error)
            return {}


def _bucket(second: float) -> int:
    return int(second) // STEP * STEP
