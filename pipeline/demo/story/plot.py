"""What happens in the story, hour by hour: scenes with their rates, moods, sources and who speaks in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.demo.story import phrases_bank as bank
from pipeline.demo.story import phrases_chatter as chatter
from pipeline.demo.story import phrases_common as common
from pipeline.demo.story import phrases_parts as parts
from pipeline.demo.story import phrases_person as person
from pipeline.demo.story import phrases_products as products
from pipeline.demo.story import phrases_rivals as rivals
from pipeline.demo.story import phrases_waves as waves
from pipeline.demo.story.cast import START, Role
from schemas.base import Label

END = START + timedelta(days=8)
WEEKDAY = (
    *(0.45, 0.28, 0.18, 0.14, 0.15, 0.25, 0.5, 0.85, 1.05, 1.15, 1.2, 1.25),
    *(1.35, 1.3, 1.2, 1.2, 1.25, 1.35, 1.45, 1.6, 1.75, 1.8, 1.4, 0.9),
)
"""Activity by Moscow hour relative to the mean, Monday to Friday."""
WEEKEND = (
    *(0.6, 0.4, 0.25, 0.16, 0.14, 0.16, 0.25, 0.4, 0.65, 0.85, 1.0, 1.05),
    *(1.05, 1.05, 1.0, 1.0, 1.0, 1.1, 1.2, 1.3, 1.4, 1.4, 1.2, 0.9),
)
HOLIDAYS = frozenset({"2026-03-07", "2026-03-08", "2026-03-09"})
"""Saturday, Sunday, and the Monday off after 8 March."""
MOSCOW = timedelta(hours=3)
EVERYWHERE = (("vk", 44), ("telegram", 34), ("forum", 22))
SOCIAL = (("vk", 58), ("telegram", 42))
PEOPLE: tuple[tuple[Role, int], ...] = (("customer", 88), ("friend", 7), ("employee", 2), ("leader", 3))

Points = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Mood:
    """One way to speak in a scene: phrases of one polarity and how often they are chosen."""

    weight: float
    label: Label
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """A stream of posts: ``daily`` per hour, following the rhythm, or ``points`` (UTC, posts per hour).

    Between points the rate is linear, outside of them it is zero. ``answers`` names the scene whose posts
    this one replies to; ``dressed`` allows openers, closers, emoji and hashtags.
    """

    name: str
    moods: tuple[Mood, ...]
    daily: float = 0.0
    points: Points = ()
    sources: tuple[tuple[str, int], ...] = EVERYWHERE
    roles: tuple[tuple[Role, int], ...] = PEOPLE
    answers: str = ""
    dressed: bool = True
    own_channel: bool = False
    calls: str = ""
    """A handle that half of the posts call by name."""
    _times: tuple[tuple[datetime, float], ...] = field(init=False)

    def __post_init__(self) -> None:
        times = tuple((datetime.fromisoformat(f"2026-03-{at}:00+00:00"), rate) for at, rate in self.points)
        object.__setattr__(self, "_times", times)

    def rate(self, at: datetime, level: float) -> float:
        """Posts per hour at a moment of this `activity`."""
        return self.daily * level + self._incident(at) if self._times else self.daily * level

    def _incident(self, at: datetime) -> float:
        for (t0, r0), (t1, r1) in zip(self._times, self._times[1:], strict=False):
            if t0 <= at < t1:
                return r0 + (r1 - r0) * ((at - t0) / (t1 - t0))
        return 0.0


def activity(at: datetime) -> float:
    """How much is written at a moment relative to the mean of a weekday (dimensionless)."""
    local = at + MOSCOW
    after = local + timedelta(hours=1)
    part = local.minute / 60
    return _level(local) * (1 - part) + _level(after) * part


def _level(local: datetime) -> float:
    return (WEEKEND if f"{local:%Y-%m-%d}" in HOLIDAYS else WEEKDAY)[local.hour]


def _moods(
    negative: tuple[float, tuple[str, ...]],
    neutral: tuple[float, tuple[str, ...]],
    positive: tuple[float, tuple[str, ...]],
) -> tuple[Mood, ...]:
    return (
        Mood(negative[0], "negative", negative[1]),
        Mood(neutral[0], "neutral", neutral[1]),
        Mood(positive[0], "positive", positive[1]),
    )


_RIVAL = (
    *_moods((24, rivals.NEG), (28, rivals.NEU), (16, rivals.POS)),
    *_moods((12, parts.RIVAL_NEG), (12, parts.RIVAL_NEU), (8, parts.RIVAL_POS)),
)
EVERY_DAY: tuple[Scene, ...] = (
    Scene(
        "bank",
        (
            *_moods((22, bank.NEG), (20, bank.NEU), (11, bank.POS)),
            *_moods((22, parts.BANK_NEG), (14, parts.BANK_NEU), (11, parts.BANK_POS)),
        ),
        daily=8.5,
    ),
    Scene(
        "app",
        _moods((42, products.APP_NEG), (30, products.APP_NEU), (28, products.APP_POS)),
        daily=2.4,
    ),
    Scene(
        "card", _moods((8, products.CARD_NEG), (74, products.CARD_NEU), (18, products.CARD_POS)), daily=1.3
    ),
    Scene("ceo", _moods((20, person.NEG), (62, person.NEU), (18, person.POS)), daily=1.0),
    Scene(
        "fees", _moods((55, products.FEES_NEG), (33, products.FEES_NEU), (12, products.FEES_POS)), daily=2.0
    ),
    Scene("sevkap", _RIVAL, daily=2.3),
    Scene("polus", _RIVAL, daily=1.8),
    Scene("compare", _moods((50, rivals.COMPARE_NEG), (0, ()), (50, rivals.COMPARE)), daily=0.25),
    Scene(
        "reviews",
        _moods((50, waves.REVIEW_NEG), (15, waves.REVIEW_NEU), (35, waves.REVIEW_POS)),
        daily=0.8,
        sources=(("reviews", 1),),
        roles=(("customer", 1),),
        dressed=False,
    ),
    Scene(
        "foreign",
        _moods(
            (45, common.ENGLISH_NEG + common.UKRAINIAN_NEG),
            (35, common.ENGLISH_NEU + common.UKRAINIAN_NEU),
            (20, common.ENGLISH_POS + common.UKRAINIAN_POS),
        ),
        daily=0.25,
        dressed=False,
    ),
    Scene("chatter", (Mood(1, "neutral", chatter.CHATTER),), daily=2.2, dressed=False),
    Scene("answers", (Mood(1, "neutral", common.ANSWERS),), daily=1.2, answers="*", dressed=False),
)
