"""The posts of the benchmark: nine tenths general tweets, one tenth about watched objects, fresh ids."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agents.base import Collected, Found, Progress
from pipeline.core.mentions import Matcher
from pipeline.errors import UsageError
from pipeline.nlp.inflection import Inflector
from pipeline.watchlist_file import load_watchlist
from schemas import Author, RawPost
from schemas.codec import InvalidRecord, parse_json
from schemas.post import Channel

GENERAL = "rusentitweet_train.jsonl"
MENTIONING = ("tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl")
SEED = 20141107
SOURCE = "bench"
STEP = timedelta(milliseconds=40)
"""Event time from post to post: 25 a second, so that 200,000 posts close 26 buckets of 5 minutes."""
WATERMARK_EVERY = 1000
AUTHORS, CHANNELS = 20_011, 307
NAP_S = 0.005
"""A paced source that is this far ahead of its time waits."""


@dataclass(frozen=True)
class Mix:
    """Texts, each kind shuffled with a seed; used again from the start where they are too few."""

    general: Sequence[str]
    mentioning: Sequence[str]

    @property
    def distinct(self) -> int:
        """How many different texts there are."""
        return len({*self.general, *self.mentioning})

    def text(self, number: int) -> str:
        """The text of a post: every tenth is about a watched object."""
        round_, place = divmod(number, 10)
        if place == 9:
            return self.mentioning[round_ % len(self.mentioning)]
        return self.general[(number - round_) % len(self.general)]

    def post(self, number: int, timeline: str, began: datetime, collected_at: datetime) -> RawPost:
        """Post ``number`` of a timeline; its event time is ``number`` steps after ``began``."""
        native = f"{timeline.replace(':', '-')}-{number}"
        who = number * 7919 % AUTHORS
        where = number * 104_729 % CHANNELS
        return RawPost(
            id=f"{SOURCE}:{native}",
            source=SOURCE,
            native_id=native,
            url=f"https://social.example/wall-{where}_{number}",
            channel=Channel(id=f"c{where}", name=f"Сообщество {where}", followers=where * 31),
            author=Author(id=f"a{who}", name=f"Автор {who}", handle=f"author{who}", followers=who % 997),
            created_at=began + number * STEP,
            collected_at=collected_at,
            text=self.text(number),
            timeline=timeline,
        )


def read_mix(data: Path, watchlist: Path) -> Mix:
    """The texts of the data sets; of the tweets of 2014 those that mention an object of the watchlist.

    Raises:
        UsageError: a file is missing or is not what it should be.
        WatchlistError: the watchlist cannot be read or has problems.
    """
    draw = random.Random(SEED)
    inflector = Inflector()
    find = Matcher(load_watchlist(watchlist), inflector.forms, inflector).find
    general = _texts(data / GENERAL)
    mentioning = [text for name in MENTIONING for text in _texts(data / name) if find(text)]
    if not general or not mentioning:
        raise UsageError(f"no posts about the objects of {watchlist} in {data}: choose another --watchlist")
    draw.shuffle(general)
    draw.shuffle(mentioning)
    return Mix(general, mentioning)


def _texts(path: Path) -> list[str]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; name the folder of the data sets with --data"
        ) from error
    return [_text(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _text(line: bytes, place: str) -> str:
    try:
        row: Any = parse_json(line)
    except InvalidRecord as error:
        raise UsageError(f"{place}: {error.detail}") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise UsageError(f'{place}: expected an object with a string "text"')
    return str(row["text"])


@dataclass
class MixSource:
    """A source for `agents.runner`: ``number`` posts as fast as they are taken, or ``rate`` a second.

    ``collected_at`` is the moment at which a post is handed to the agent's runner: publication.
    """

    mix: Mix
    number: int
    timeline: str
    rate: float | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    grace: timedelta | None = None

    @property
    def name(self) -> str:
        return f"bench:{self.timeline}"

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """The posts, with exact watermarks between them; the cursor is not used."""
        started = self.clock()
        began = started.replace(microsecond=0) - self.number * STEP
        for number in range(self.number):
            if number % WATERMARK_EVERY == 0:
                yield Progress(watermark=began + number * STEP)
            now = self.clock()
            if self.rate is not None:
                ahead = number / self.rate - (now - started).total_seconds()
                if ahead > NAP_S:
                    await asyncio.sleep(ahead)
                    now = self.clock()
            yield Found(self.mix.post(number, self.timeline, began, now), f"{self.timeline}:{number}")
        yield Progress(watermark=began + self.number * STEP, final=True)
