"""The people and channels of the story: accounts per source with a role, a history and a style of writing."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pipeline.demo.story.grammar import Style
from schemas import Author, Channel
from schemas.base import Label

Role = Literal["customer", "friend", "troll", "seeded", "employee", "leader", "media", "own"]
SOURCES = ("vk", "telegram", "reviews", "forum", "news")
START = datetime.fromisoformat("2026-03-02T00:00:00+00:00")


def _words(*lines: str) -> tuple[str, ...]:
    return tuple(" ".join(lines).split())


MEN = _words(
    "Алексей Михаил Иван Сергей Дмитрий Павел Олег Никита Егор Антон Руслан",
    "Тимур Виктор Юрий Степан Глеб Артём",
)
WOMEN = _words(
    "Анна Мария Елена Ольга Татьяна Ирина Юлия Дарья Ксения Вера Светлана Алина",
    "Полина Нина Галина Лариса Зоя",
)
SURNAMES = _words(
    "Кравцов Белоусов Гордеев Рябинин Лосев Тихомиров Ершов Дроздов Мельников Сорокин Пахомов Жданов",
    "Устинов",
    "Назаров Щукин Воробьёв Карасёв Одинцов Терентьев Власов Зимин Осипов Хохлов Куликов Бирюков Савин Ларин",
)
HANDLES = _words(
    "kot_matroskin sunny_day tihiy_omut chai_s_limonom zloy_bober marina_k lesnik77 vasilek",
    "kefirchik anton_v",
    "nochnoy_sneg dyadya_fedor ryba_mech blin_komom karandash veter_s_morya olenka pirozhok sova_ne_spit",
)
CITIES = ("Тверь", "Казань", "Тула", "Пермь", "Самара", "Вологда", "Псков", "Омск", "Рязань", "Киров")

HEADCOUNT: dict[Role, int] = {
    "customer": 620,
    "friend": 160,
    "troll": 22,
    "seeded": 28,
    "employee": 14,
    "leader": 14,
}
WHERE: dict[Role, tuple[tuple[str, int], ...]] = {
    "customer": (("vk", 40), ("telegram", 27), ("reviews", 14), ("forum", 19)),
    "friend": (("vk", 60), ("telegram", 40)),
    "troll": (("vk", 60), ("telegram", 40)),
    "seeded": (("reviews", 1),),
    "employee": (("vk", 60), ("telegram", 20), ("forum", 20)),
    "leader": (("telegram", 55), ("vk", 45)),
}


@dataclass(frozen=True)
class Person:
    """An account of one source, as the story knows it."""

    author: Author
    source: str
    role: Role
    style: Style
    temper: float = 0.5
    """0: always cross, 1: always content."""


CHANNELS: dict[str, tuple[Channel, ...]] = {
    "vk": (
        Channel(id="club101", name="Рассвет Банк", kind="community", followers=84_300, own=True),
        Channel(id="club205", name="Подслушано в Заречье", kind="community", followers=41_200),
        Channel(id="club318", name="Мой город: новости и люди", kind="community", followers=120_500),
        Channel(id="club442", name="Кешбэк-клуб", kind="community", followers=18_900),
    ),
    "telegram": (
        Channel(id="rassvet_news", name="Рассвет Банк | новости", kind="channel", followers=32_100, own=True),
        Channel(id="dengi_chat", name="Деньги, чат", kind="chat", followers=9_400),
        Channel(id="kopilka", name="Копилка", kind="channel", followers=57_800),
    ),
    "reviews": (Channel(id="otzyvy-o-bankah", name="Отзывы о банках", kind="reviews"),),
    "forum": (
        Channel(id="vklady", name="Форум вкладчиков: вклады", kind="forum"),
        Channel(id="karty", name="Форум вкладчиков: карты", kind="forum"),
    ),
    "news": (
        Channel(id="vestnik", name="Заречный вестник", kind="media", followers=210_000),
        Channel(id="finlist", name="Финансовый листок", kind="media", followers=95_000),
    ),
}


class Cast:
    """Everybody who writes in the story; the same for the same ``rng``."""

    def __init__(self, rng: random.Random) -> None:
        self._by_place: dict[tuple[Role, str], list[Person]] = {}
        number = 1000
        for role, count in HEADCOUNT.items():
            places = [source for source, weight in WHERE[role] for _ in range(weight)]
            for _ in range(count):
                number += rng.randrange(1, 90)
                self._add(_person(role, rng.choice(places), number, rng))
        for source in ("vk", "telegram", "reviews", "forum"):
            self._add(_bank(source))
        for channel in CHANNELS["news"]:
            author = Author(id=channel.id, name=channel.name, followers=channel.followers, verified=True)
            self._add(Person(author, "news", "media", Style(emoji=0.0)))

    def people(self, role: Role, source: str) -> list[Person]:
        """Who of a role writes in a source; empty where nobody does."""
        return self._by_place.get((role, source), [])

    def pick(self, role: Role, source: str, label: Label, rng: random.Random) -> Person:
        """One of them, whose temper suits what is to be said; a few write much, most write little."""
        people = self.people(role, source)
        both = [people[int(len(people) * rng.random() ** 1.7)] for _ in range(2)]
        both.sort(key=lambda person: person.temper)
        return both[0] if label == "negative" else both[1] if label == "positive" else rng.choice(both)

    def _add(self, person: Person) -> None:
        self._by_place.setdefault((person.role, person.source), []).append(person)


def _person(role: Role, source: str, number: int, rng: random.Random) -> Person:
    female = rng.random() < 0.52
    surname = rng.choice(SURNAMES)
    name = f"{rng.choice(WOMEN)} {surname}а" if female else f"{rng.choice(MEN)} {surname}"
    handle = f"{rng.choice(HANDLES)}{number % 997}" if source in {"vk", "telegram", "forum"} else ""
    author = Author(
        id=f"{source}-{number}",
        name=name if source != "telegram" or rng.random() < 0.6 else handle,
        handle=handle,
        followers=_followers(role, rng) if source in {"vk", "telegram"} else None,
        verified=role == "leader" and rng.random() < 0.7,
        created_at=_registered(role, rng),
        bio=_bio(role, rng),
    )
    if role in {"troll", "seeded", "leader"}:
        return Person(author, source, role, Style(female=female, emoji=0.1))
    style = Style(
        female=female,
        lower=rng.random() < 0.3,
        typos=rng.choice((0.0, 0.0, 0.0, 0.03, 0.06)),
        emoji=rng.choice((0.0, 0.1, 0.25, 0.5)),
        terse=rng.random() < 0.5,
    )
    return Person(author, source, role, style, temper=rng.random())


def _followers(role: Role, rng: random.Random) -> int:
    ranges: dict[Role, tuple[int, int]] = {
        "troll": (0, 12),
        "leader": (18_000, 420_000),
        "employee": (60, 700),
        "friend": (40, 900),
    }
    low, high = ranges.get(role, (20, 1600))
    return low + int((high - low) * rng.random() ** 3)


def _registered(role: Role, rng: random.Random) -> datetime:
    days = 2 + rng.randrange(9) if role in {"troll", "seeded"} else 300 + rng.randrange(4200)
    ago = timedelta(days=days, seconds=rng.randrange(86_400))
    return (START + timedelta(days=4) if role in {"troll", "seeded"} else START) - ago


def _bio(role: Role, rng: random.Random) -> str:
    if role == "employee":
        return f"Работаю в Рассвет Банке, г. {rng.choice(CITIES)}"
    if role == "leader":
        return rng.choice(("Пишу о деньгах", "Журналист", "Экономист, лектор", "Блог о правах потребителей"))
    return rng.choice(
        ("", "", "", rng.choice(CITIES), "мама двоих", "люблю горы", "рыбалка и дача", "читаю книги")
    )


def _bank(source: str) -> Person:
    author = Author(
        id=f"{source}-rassvet",
        name="Рассвет Банк",
        handle="rassvet_bank",
        followers=84_300 if source == "vk" else 32_100,
        verified=True,
        created_at=START - timedelta(days=3650),
        bio="Официальный аккаунт банка",
    )
    return Person(author, source, "own", Style(emoji=0.0))
