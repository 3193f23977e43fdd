"""Writes the story: walks the scenes in event time and puts each post on its wall, thread or feed."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.demo.story import phrases_common as common
from pipeline.demo.story.cast import CHANNELS, START, Cast, Person, Role
from pipeline.demo.story.grammar import Draft, Style, join, realise, tag
from pipeline.demo.story.incidents import INCIDENTS, LAUNCH, OUTAGE
from pipeline.demo.story.names import BANK
from pipeline.demo.story.placing import engagement, identity, media, stars, wall
from pipeline.demo.story.plot import END, EVERY_DAY, Mood, Scene, activity
from schemas import Channel
from schemas.base import Label

SEED = 20260302
TICK = timedelta(seconds=10)
MEMORY = timedelta(hours=4)
THREADED = frozenset({"vk", "telegram", "forum"})
OPENERS: dict[Label, tuple[str, ...]] = {
    "negative": common.OPEN_NEG,
    "neutral": common.OPEN_NEU,
    "positive": common.OPEN_POS,
}
CLOSERS: dict[Label, tuple[str, ...]] = {
    "negative": common.CLOSE_NEG,
    "neutral": common.CLOSE_NEU,
    "positive": common.CLOSE_POS,
}
EMOJI: dict[Label, tuple[str, ...]] = {
    "negative": common.EMOJI_NEG,
    "neutral": common.EMOJI_NEU,
    "positive": common.EMOJI_POS,
}


@dataclass(frozen=True)
class Truth:
    """What the author of the story knows about a post: its scene, and the polarity per object it names."""

    scene: str
    polarity: dict[str, Label]
    own: bool = False
    """True where the bank itself speaks."""


@dataclass(frozen=True)
class Written:
    """A post in its place: the row as ``molva replay`` reads it, and the truth that the row does not tell."""

    at: datetime
    person: Person
    channel: Channel
    row: dict[str, Any]
    truth: Truth
    text: str


class Writer:
    """Produces the posts in order of event time; everything random comes from the one seed."""

    def __init__(self, seed: int = SEED) -> None:
        self._rng = random.Random(seed)
        self._cast = Cast(self._rng)
        self._serial = 0
        self._recent: dict[tuple[str, str], deque[Written]] = {}
        self._reposts: list[tuple[datetime, int, Written]] = []

    def posts(self) -> Iterator[Written]:
        """All posts of the week."""
        for at, scene in self._moments():
            yield from self._reposts_until(at)
            written = self._write(at, scene)
            if written is not None:
                self._remember(scene.name, written)
                yield written
        yield from self._reposts_until(END)

    def _moments(self) -> Iterator[tuple[datetime, Scene]]:
        """When somebody speaks in which scene: a Poisson process in ticks of ten seconds."""
        scenes = (*EVERY_DAY, *INCIDENTS)
        minute = START
        while minute < END:
            level = activity(minute)
            chances = [(scene, scene.rate(minute, level) / 360) for scene in scenes]
            chances = [pair for pair in chances if pair[1] > 0]
            for tick in range(6):
                speaking = [scene for scene, chance in chances if self._rng.random() < chance]
                seconds = sorted(self._rng.randrange(10) for _ in speaking)
                for second, scene in zip(seconds, speaking, strict=True):
                    yield minute + tick * TICK + timedelta(seconds=second), scene
            minute += timedelta(minutes=1)

    def _write(self, at: datetime, scene: Scene) -> Written | None:
        source = _weighted(scene.sources, self._rng)
        parent = self._parent(at, scene, source)
        if scene.answers and parent is None:
            return None
        mood = self._rng.choices(scene.moods, [mood.weight for mood in scene.moods])[0]
        person = self._person(scene, mood, source)
        draft = self._text(scene, mood, person.style)
        truth = Truth(scene.name, draft.truth, own=person.role == "own")
        if parent is not None:
            channel = parent.channel
        elif scene.own_channel:
            channel = CHANNELS[source][0]
        else:
            channel = wall(person, self._rng)
        return self._placed(at, person, channel, draft.text, truth, parent, mood.label)

    def _placed(
        self,
        at: datetime,
        person: Person,
        channel: Channel,
        text: str,
        truth: Truth,
        parent: Written | None,
        label: Label,
    ) -> Written:
        self._serial += 1
        source, rng = person.source, self._rng
        row = identity(source, channel, self._serial, at)
        row["kind"] = "review" if source == "reviews" else "comment" if parent else "post"
        row["created_at"] = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        row["text"] = text
        row["author"] = person.author.model_dump(mode="json", exclude_defaults=True)
        row["channel"] = channel.model_dump(mode="json", exclude_defaults=True)
        if parent is not None:
            row["reply_to"] = parent.row["id"]
            row["thread_root"] = parent.row.get("thread_root", parent.row["id"])
        row |= media(source, label, truth.scene in {LAUNCH, OUTAGE}, self._serial, rng)
        row |= engagement(person, channel, parent is not None, rng)
        if source == "reviews":
            row["rating"] = stars(label, truth.scene, rng)
        return Written(at, person, channel, row, truth, text)

    def _person(self, scene: Scene, mood: Mood, source: str) -> Person:
        while True:
            role: Role = _weighted(scene.roles, self._rng)
            if self._cast.people(role, source):
                return self._cast.pick(role, source, mood.label, self._rng)

    def _text(self, scene: Scene, mood: Mood, style: Style) -> Draft:
        rng = self._rng
        rival = scene.name[:3] if scene.name in {"sevkap", "polus"} else rng.choice(("sev", "pol"))
        frozen = {"rival": rival}
        phrase = rng.choice(mood.phrases)
        parts = [phrase]
        if scene.dressed and (mood.label != "neutral" or phrase.endswith("?")):
            eager = 0.15 if style.terse else 0.4
            if rng.random() < eager:
                parts.insert(0, rng.choice(OPENERS[mood.label]))
            if rng.random() < eager:
                parts.append(rng.choice(CLOSERS[mood.label]))
        drafts = [realise(part, mood.label, style, rng, frozen) for part in parts]
        tail = ""
        if scene.dressed and rng.random() < style.emoji:
            tail = rng.choice(EMOJI[mood.label])
        if scene.calls and rng.random() < 0.5:
            tail = f"{tail} {scene.calls}".strip()
            drafts.append(Draft("", {BANK: mood.label}))
        elif scene.dressed and rng.random() < 0.12:
            named = next((draft for draft in drafts if draft.truth), drafts[0])
            tail = f"{tail} {tag(named, rng)}".strip()
        draft = join(drafts, style, tail)
        return draft if scene.name != "chatter" else Draft(draft.text)

    def _parent(self, at: datetime, scene: Scene, source: str) -> Written | None:
        """The post that is answered: of the scene ``answers``, or now and then one of the same scene."""
        if source not in THREADED or scene.own_channel:
            return None
        if not scene.answers and self._rng.random() < 0.5:
            return None
        wanted = self._recent.get((source, scene.answers or scene.name), ())
        fresh = [written for written in wanted if at - written.at < MEMORY]
        return self._rng.choice(fresh) if fresh else None

    def _remember(self, name: str, written: Written) -> None:
        source = written.person.source
        if source not in THREADED:
            return
        for key in (name, "*"):
            self._recent.setdefault((source, key), deque(maxlen=12)).append(written)
        if (
            source != "forum"
            and not written.truth.own
            and written.person.author.handle
            and self._rng.random() < 0.045
        ):
            later = written.at + timedelta(seconds=60 + self._rng.randrange(3000))
            heapq.heappush(self._reposts, (later, self._serial, written))

    def _reposts_until(self, end: datetime) -> Iterator[Written]:
        while self._reposts and self._reposts[0][0] < end:
            at, _, original = heapq.heappop(self._reposts)
            yield self._repost(at, original)

    def _repost(self, at: datetime, original: Written) -> Written:
        person = self._cast.pick("customer", original.person.source, "neutral", self._rng)
        text = f"RT @{original.person.author.handle}: {original.text}"
        channel = wall(person, self._rng, personal=True)
        written = self._placed(at, person, channel, text, original.truth, None, "neutral")
        row = {**written.row, "kind": "repost", "repost_of": original.row["id"]}
        row.pop("media", None)
        return Written(at, person, channel, row, original.truth, text)


def _weighted(options: tuple[tuple[Any, int], ...], rng: random.Random) -> Any:
    return rng.choices([name for name, _ in options], [weight for _, weight in options])[0]
