"""Where a post stands and what hangs on it: ids and addresses, walls, pictures, likes, stars."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from pipeline.demo.story.cast import CHANNELS, Person
from schemas import Channel
from schemas.base import Label


def identity(source: str, channel: Channel, serial: int, at: datetime) -> dict[str, Any]:
    """``id``, ``source``, ``native_id`` and ``url`` in the shape that each source gives them."""
    number = 40_000 + serial
    native = {
        "vk": f"{channel.id}_{number}",
        "telegram": f"{channel.id}/{number}",
        "reviews": f"r{number}",
        "forum": f"{channel.id}-{number}",
        "news": f"{channel.id}/{at:%Y/%m/%d}/{number}",
    }[source]
    return {
        "id": f"{source}:{native}",
        "source": source,
        "native_id": native,
        "url": f"https://{source}.example/{native}",
    }


def wall(person: Person, rng: random.Random, personal: bool = False) -> Channel:
    """The channel of a post that answers nothing: the author's own wall, or a place for many."""
    source = person.source
    if source == "news":
        return next(channel for channel in CHANNELS["news"] if channel.id == person.author.id)
    if source == "vk" and (personal or rng.random() < 0.55):
        return Channel(
            id=person.author.id, name=person.author.name, kind="wall", followers=person.author.followers
        )
    if source == "telegram" and not personal and person.role == "leader":
        return Channel(
            id=f"{person.author.handle}_channel",
            name=person.author.name,
            kind="channel",
            followers=person.author.followers,
        )
    places = CHANNELS[source]
    return rng.choice(places[1:] if source == "telegram" else places)


def media(source: str, label: Label, pictured: bool, serial: int, rng: random.Random) -> dict[str, Any]:
    """A photo or a screenshot now and then; ``pictured`` scenes have more of them."""
    if source in {"forum", "news"} or label == "neutral" or rng.random() > (0.2 if pictured else 0.05):
        return {}
    alt = "снимок экрана с ошибкой" if label == "negative" else "фото карты на столе"
    kind = "screenshot" if label == "negative" else "photo"
    return {"media": [{"kind": kind, "url": f"https://{source}.example/media/{serial}.jpg", "alt": alt}]}


def engagement(person: Person, channel: Channel, answer: bool, rng: random.Random) -> dict[str, Any]:
    """Likes and views that fit the audience of the author and the channel."""
    if person.source in {"forum", "reviews"}:
        return {"engagement": {"likes": rng.randrange(9)}} if rng.random() < 0.5 else {}
    audience = max(person.author.followers or 0, 0 if answer else (channel.followers or 0) // 10)
    views = int(audience * (0.05 + 0.4 * rng.random())) + rng.randrange(30)
    likes = int(views * 0.08 * rng.random())
    counts = {"likes": likes, "reposts": likes // 9, "comments": rng.randrange(1 + likes // 4)}
    return {"engagement": counts if answer else {**counts, "views": views}}


def stars(label: Label, scene: str, rng: random.Random) -> int:
    """The rating of a review, 1 to 5."""
    if scene == "praise":
        return 5
    return rng.choice({"negative": (1, 1, 1, 2), "neutral": (3,), "positive": (4, 5, 5)}[label])
