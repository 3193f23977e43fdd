"""Mentions with everything that an explanation reads, for the tests of tally, background and explanation."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from pipeline.core.background import Background
from pipeline.core.tally import Tally
from schemas import Author, Mention
from schemas.post import Channel
from schemas.signals import Aspect, MentionSignals
from tests.core.detection_log import START, mention

TEXTS = (
    "Приложение не открывается с самого утра",
    "Очередь в отделении на час, окно одно",
    "Поддержка молчит третий день подряд",
    "Списали комиссию без предупреждения",
    "Курьер опоздал и нагрубил",
)


def said(number: int, text: str, minute: float = 0, account: str = "", **fields: Any) -> Mention:
    """A negative mention ``vk:<number>`` by its own account, unless ``account`` names one."""
    author = Author(id=account or f"a{number}", handle=account, followers=fields.pop("followers", None))
    cluster, kind = fields.pop("cluster", ""), fields.pop("type", "")
    aspects = tuple(Aspect(name=name, p=0.8) for name in fields.pop("aspects", ()))
    age = fields.pop("age_days", None)
    if age is not None:
        created = START + timedelta(minutes=minute) - timedelta(days=age)
        author = author.model_copy(update={"created_at": created})
    signals = MentionSignals(cluster=cluster, aspects=aspects, type=kind)
    values = {"author": author, "signals": signals, "excerpt": text} | fields
    return mention(minute, number, post=f"vk:{number}", **values)


def tally(mentions: Iterable[Mention]) -> Tally:
    """A tally of these mentions."""
    filled = Tally()
    for one in mentions:
        filled.add(one)
    return filled


def learned(days: int = 7, texts: Sequence[str] = TEXTS, per_hour: int = 1) -> Background:
    """An ordinary week: ``per_hour`` posts in each hour, a text after the other."""
    background = Background()
    for hour in range(24 * days):
        numbers = range(1_000_000 + hour * per_hour, 1_000_000 + (hour + 1) * per_hour)
        background.learn(tally(said(number, texts[number % len(texts)]) for number in numbers))
    return background


def through_json(values: list[Any]) -> list[Any]:
    """What a changelog gives back."""
    restored: list[Any] = json.loads(json.dumps(values, ensure_ascii=False))
    return restored


def random_mentions(seed: int, count: int) -> list[Mention]:
    """Waves, repeated authors, channels, names; some neutral ones among them."""
    chance, made = random.Random(seed), []
    for number in range(count):
        channel, wave = chance.randrange(4), chance.randrange(4)
        one = said(
            number,
            chance.choice(TEXTS),
            chance.randrange(60),
            account=f"u{chance.randrange(10)}",
            followers=chance.choice((None, 5, 500)),
            cluster=f"vk:{wave}" if wave else "",
            aspects=("app",) if channel else ("price", "staff"),
            channel=Channel(id=f"c{channel}", name=f"Группа {channel}") if channel else None,
            names=("Самара", "Роскомнадзор")[:channel],
            label=chance.choice(("neutral", "negative", "negative")),
            source=chance.choice(("vk", "twitter")),
        )
        made.append(one)
    return made
