"""From a read text to the features of the model that decides post type and aspects.

Training (``signal_training.py``) and inference (``signals.py``) share this module: whatever changes here or
in the lexicons makes the trained weights stale (run ``python -m pipeline.nlp.signal_training``).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from pipeline.core.signals.reading import Reading

STEM: Final = 5
"""Letters of a word that are kept: a Russian word mostly without its ending."""

MAX_WORDS: Final = 80

_MONEY = re.compile(r"\d\s?(?:%|₽|р\b|руб|тыс|к\b|000)")
_LINES = re.compile(r"[-–—] ?(?<![^\s][-–—] )(?<![^\s][-–—])[А-ЯA-Z]")


def features(reading: Reading) -> list[str]:
    """The names of the features that a text has; some may come twice."""
    stems = [word[:STEM] for word in reading.words[:MAX_WORDS]]
    tags = [tag for tag, _ in reading.found]
    return [*stems, *map(" ".join, pairwise(stems)), *tags, *_form(reading.text, len(stems), tags)]


def _form(text: str, words: int, tags: list[str]) -> list[str]:
    """Features of how a text is written; their names are upper-case, words never are."""
    form = ["SHORT" if words < 5 else "LONG" if words > 25 else "MIDDLE"]
    if "?" in text:
        form.append("ENDS?" if text.rstrip().endswith("?") else "HAS?")
    if "!" in text:
        form.append("HAS!")
    if "http" in text or "www." in text:
        form.append("LINK")
    if text.startswith("@"):
        form.append("TO")
    if _MONEY.search(text):
        form.append("MONEY")
    if ")))" in text or "😂" in text or "🤣" in text or "😹" in text or "😆" in text:
        form.append("LAUGH")
    if _LINES.search(text):
        form.append("SPEECH")
    if text.count("#") >= 3:
        form.append("TAGS")
    if "tells:own" not in tags:
        form.append("NOBODY")
        if text[:1].isupper() and words > 4 and text.rstrip()[-1:].isalnum():
            form.append("HEADLINE")
    return form
