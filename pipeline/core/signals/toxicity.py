"""How toxic a post is: profanity (also masked, spaced, Latin), insults, slurs, threats of violence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from pipeline.core.signals.lexicon_toxic import FORMS, TOXIC
from pipeline.core.signals.phrases import Phrases

TOXIC_FROM: Final = 0.5

_WEIGHTS: Final = {
    "obscene": 0.6,
    "insult": 0.55,
    "slur": 0.8,
    "mild": 0.2,
    "violence": 0.8,
    "aimed": 0.5,
}
_REPEATED: Final = 0.3
"""What a second, third, ... finding of the same kind is worth, as a share of the first."""

_MASKS: Final = "*#@$%"
_INSIDE = re.compile(rf"[{_MASKS}](?<=[^\W\d_].)")
_MASKED = re.compile(rf"(?<!\w)[^\W\d_]+(?:[{_MASKS}]+[^\W\d_]*)+(?!\w)")
_MASK = re.compile(rf"([{_MASKS}]+)")
_SPACED = re.compile(r"(?: [^\W\d_]){3,}(?= )")
_DISGUISED: Final = Phrases({kind: TOXIC[kind] for kind in ("obscene", "insult")})


def toxicity(kinds: Sequence[str]) -> float:
    """The score of a post in which lexicon words of these kinds stand, 0 to 1.

    Kinds add up as independent reasons do, ``1 - product(1 - weight)``; a repetition weighs less. The weights
    are set by hand so that one obscene word or insult reaches `TOXIC_FROM` and mild words do not.
    """
    clean = 1.0
    for index, kind in enumerate(kinds):
        weight = _WEIGHTS[kind]
        clean *= 1 - (weight * _REPEATED if kind in kinds[:index] else weight)
    return round(1 - clean, 3)


def disguised(text: str, spoken: str) -> list[str]:
    """The kinds of toxic words that a text hides by stars or by spaces between the letters.

    Args:
        text: as the author wrote it.
        spoken: its words as `read_words` gives them, with one space before, between and after them.
    """
    kinds = []
    if _INSIDE.search(text):
        kinds += ["obscene" for token in _MASKED.findall(text.lower()) if _is_masked(token)]
    for piece in _SPACED.findall(spoken):
        kinds += [item.tag for item in _DISGUISED.find(f" {piece.replace(' ', '')} ")]
    return kinds


@lru_cache(2_000)
def _is_masked(token: str) -> bool:
    pieces = _MASK.split(token.replace("ё", "е"))
    letters = sum(len(piece) for piece in pieces[::2])
    masked = sum(len(piece) for piece in pieces[1::2])
    if letters < 2 and masked < 2:
        return False
    expression = "".join(
        rf"\w{{1,{len(piece) + 1}}}" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)
    )
    return any(re.fullmatch(expression, form) for form in _of_first_letter(token[0]))


def _of_first_letter(letter: str) -> Iterable[str]:
    return (form for form in FORMS if form[0] == letter)
