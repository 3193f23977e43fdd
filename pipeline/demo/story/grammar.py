"""Turns a hand-written phrase into the words of one author: names in the right case, choices, gender, style.

The notation: ``[a|b]`` one of the options; ``<сделал|сделала>`` by the author's gender; ``{bank.gen}`` a name
in a case (nom where none stands), with ``:+``, ``:-`` or ``:=`` where the polarity toward this object is
not that of the phrase; ``{sum}`` and the like a number or word of `VALUES`; ``{%wrong}`` one of `PARTS`.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from pipeline.demo.story.names import CONTEXT, FEES, NAMES, TAGS
from pipeline.demo.story.phrases_parts import PARTS
from schemas.base import Label

CHOICE = re.compile(r"\[([^\[\]]*)\]")
PART = re.compile(r"\{%(\w+)\}")
GENDER = re.compile(r"<([^<>|]*)\|([^<>|]*)>")
SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?(?::([+=-]))?\}")
INITIAL = re.compile(r"^.|[.!?] [а-яё]")
WORD = re.compile(r"[а-яё]{6,}")
SIGNS: dict[str, Label] = {"+": "positive", "=": "neutral", "-": "negative"}

VALUES: dict[str, tuple[str, ...]] = {
    "sum": (
        "300",
        "450",
        "790",
        "990",
        "1200",
        "1500",
        "2 400",
        "3000",
        "5000",
        "12 тысяч",
        "18 500",
        "40 тысяч",
    ),
    "mins": ("20", "25", "30", "40", "45", "50"),
    "hours": ("два", "три", "четыре", "2", "3", "5"),
    "days": ("третий", "четвёртый", "пятый", "второй"),
    "weeks": ("две недели", "три недели", "неделю", "полторы недели", "месяц"),
    "pct": ("1,5", "2", "3", "3,9", "5"),
    "rate": ("14", "15", "15,5", "16", "17"),
    "city": ("Твери", "Казани", "Туле", "Перми", "Самаре", "Вологде", "Пскове", "Омске", "Рязани", "Кирове"),
    "street": ("Садовой", "Ленина", "Заречной", "Мира", "Советской", "Полевой", "Гагарина"),
    "shop": ("в магазине", "в аптеке", "на заправке", "в кафе", "на рынке", "в такси", "на кассе"),
    "who": ("мама", "подруга", "сестра", "бабушка", "коллега", "соседка", "тёща"),
    "year": ("2019", "2020", "2021", "2022", "2023"),
}


@dataclass(frozen=True)
class Style:
    """How an author writes: gender of the verbs, shares (0 to 1) of lower case, typos and emoji."""

    female: bool = False
    lower: bool = False
    typos: float = 0.0
    emoji: float = 0.2
    terse: bool = False


@dataclass
class Draft:
    """A text under way, and the polarity toward each object that it names."""

    text: str
    truth: dict[str, Label] = field(default_factory=dict)


def realise(phrase: str, label: Label, style: Style, rng: random.Random, frozen: dict[str, str]) -> Draft:
    """Resolve one phrase; ``frozen`` pins the phrase book of a slot (``rival`` -> ``sev``)."""
    while PART.search(phrase):
        phrase = PART.sub(lambda found: rng.choice(PARTS[found[1]]), phrase, count=1)
    while CHOICE.search(phrase):
        phrase = CHOICE.sub(lambda found: rng.choice(found[1].split("|")), phrase, count=1)
    phrase = GENDER.sub(lambda found: found[2] if style.female else found[1], phrase)
    context = any(stem in phrase.lower() for stem in CONTEXT)
    draft = Draft("")

    def fill(found: re.Match[str]) -> str:
        slot = frozen.get(found[1], found[1])
        if slot in VALUES:
            return rng.choice(VALUES[slot])
        name = NAMES[slot]
        draft.truth[name.object_id] = SIGNS[found[3]] if found[3] else label
        return rng.choice(name.forms(found[2] or "nom", context))

    pieces: list[str] = []
    last = 0
    for found in SLOT.finditer(phrase):
        pieces += [_misspell(phrase[last : found.start()], style, rng), fill(found)]
        last = found.end()
    pieces.append(_misspell(phrase[last:], style, rng))
    draft.text = "".join(pieces)
    if "комисси" in draft.text.lower():
        draft.truth[FEES] = label
    return draft


def join(parts: list[Draft], style: Style, tail: str = "") -> Draft:
    """One post from its sentences; the first sentence that names an object decides the polarity toward it."""
    sentences = [_sentence(part.text, style) for part in parts if part.text]
    truth: dict[str, Label] = {}
    for part in parts:
        truth = {**part.truth, **truth}
    text = " ".join(sentences)
    if style.terse:
        text = text.rstrip(".")
    return Draft(f"{text} {tail}".strip() if tail else text, truth)


def tag(draft: Draft, rng: random.Random) -> str:
    """A hashtag or handle of one of the objects that the draft names, or an empty string."""
    named = [object_id for object_id in draft.truth if object_id in TAGS]
    return rng.choice(TAGS[rng.choice(named)]) if named else ""


def _sentence(text: str, style: Style) -> str:
    text = text.strip()
    if style.lower:
        return text.lower() if text[-1] in "!?.…)(" else f"{text.lower()}{'' if style.terse else '.'}"
    start = INITIAL.sub(lambda found: found[0].upper(), text)
    return start if start[-1] in "!?.…)(»:" or not start[-1].isalnum() else f"{start}."


def _misspell(text: str, style: Style, rng: random.Random) -> str:
    """Swap, drop or double a letter in some long words; names and words of banking are never touched."""

    def spoil(found: re.Match[str]) -> str:
        word = found[0]
        if word.startswith(CONTEXT) or rng.random() >= style.typos:
            return word
        at = rng.randrange(2, len(word) - 2)
        return rng.choice(
            (
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
            )
        )

    return WORD.sub(spoil, text) if style.typos else text
