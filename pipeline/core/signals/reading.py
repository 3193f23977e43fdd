"""A text as the signals read it: its words, and which phrases of which lexicon stand in it."""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.core.signals.lexicon_acts import AUTHORITIES, CALLS, HEARSAY, OWN, THREATS
from pipeline.core.signals.lexicon_aspects import ASPECTS
from pipeline.core.signals.lexicon_toxic import TOXIC
from pipeline.core.signals.lexicon_types import TYPES
from pipeline.core.signals.phrases import Found, Phrases
from pipeline.core.signals.words import read_words

_GROUPS: Final = {
    "type": TYPES,
    "aspect": ASPECTS,
    "call": CALLS,
    "threat": THREATS,
    "authority": AUTHORITIES,
    "toxic": TOXIC,
    "tells": {"own": OWN, "hearsay": HEARSAY},
}
_PARTS: Final = {f"{group}:{name}": (group, name) for group, names in _GROUPS.items() for name in names}
_ALL: Final = Phrases({tag: _GROUPS[group][name] for tag, (group, name) in _PARTS.items()})


class Reading(NamedTuple):
    """A text, its words (`read_words`), and the phrases of the lexicons that stand in it, in order.

    Tags are ``<group>:<name>``; the groups are type, aspect, call, threat, authority, toxic and tells.
    """

    text: str
    words: list[str]
    spoken: str
    """The words with one space before, between and after them."""
    found: list[Found]
    names: dict[str, list[str]]
    """By group that was found: its names, in order, each as often as it was found."""


def read(text: str) -> Reading:
    """Read a text; of a long one only the beginning (`words.MAX_CHARS`)."""
    words = read_words(text)
    spoken = f" {' '.join(words)} "
    found = _ALL.find(spoken)
    names: dict[str, list[str]] = {}
    for tag, _ in found:
        group, name = _PARTS[tag]
        names.setdefault(group, []).append(name)
    return Reading(text, words, spoken, found, names)
