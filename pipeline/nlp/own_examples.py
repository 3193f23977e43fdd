"""Reads the project's own labelled sentences, made for what the public data sets do not teach.

They live in ``pipeline/nlp/data`` under a licence of their own (see the README there), and may be trained on
and shipped. Training takes them as `Example`, like those of ``corpora.py``; none is ever held out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pipeline.nlp.example import Corpus, Example, Parsed, Verdict
from schemas.base import Label

DATA = Path(__file__).parent / "data"
FILE = "examples.jsonl"

PHENOMENA = (
    "ads",
    "contrast",
    "elongation",
    "emoji",
    "headlines",
    "irony",
    "jobs",
    "masked_profanity",
    "negation",
    "off_target",
    "plain",
    "questions",
    "reviews",
    "slang",
    "transliteration",
    "two_objects",
    "typos",
)
DOMAINS = (
    "banks",
    "delivery",
    "food",
    "games_apps",
    "general",
    "media",
    "people",
    "shops",
    "sport",
    "telecom",
    "transport",
)
_LABELS: tuple[Label, ...] = get_args(Label)


class InvalidExample(ValueError):
    """A row that cannot be an example; the message names the file and the line."""


@dataclass(frozen=True)
class OwnExample:
    """A sentence with its label toward the object at ``span`` (character offsets, end exclusive).

    ``phenomenon`` is what the sentence is there to teach, ``group`` the frame that it was made from: examples
    of one group differ in a few words, so a split keeps them together.
    """

    text: str
    target: str
    span: tuple[int, int]
    label: Label
    phenomenon: str
    domain: str
    group: str

    def as_example(self) -> Example:
        """The same as an example of the data set ``own``."""
        return Example(CORPUS.name, self.text, *self.verdict())

    def verdict(self) -> Verdict:
        """The label and all that training needs besides the text."""
        return Verdict(
            label=self.label,
            about=self.target,
            spans=(self.span,),
            frame=self.group,
            aside=self.phenomenon == "off_target",
        )


def read(path: Path = DATA / FILE) -> list[OwnExample]:
    """Read a file of labelled sentences, the project's own by default, in its order.

    Raises:
        FileNotFoundError: there is no such file.
        InvalidExample: a row lacks a field, its span does not hold its target, or its label is unknown.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(_parse(json.loads(line)))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidExample(f"{path}:{number}: {error!r}") from error
    return found


def examples(path: Path = DATA / FILE) -> list[Example]:
    """The sentences as training takes them; `groups` of the same rows keeps frames together.

    Raises:
        FileNotFoundError, InvalidExample: see `read`.
    """
    return [row.as_example() for row in read(path)]


def groups(rows: Sequence[OwnExample]) -> dict[str, str]:
    """The group of each text. Texts with two objects stand twice in ``rows``, in the same group."""
    return {row.text: row.group for row in rows}


def table(rows: Sequence[OwnExample]) -> str:
    """How many examples, texts and frames there are of each phenomenon, and the labels, as Markdown."""
    lines = [
        "| phenomenon | frames | texts | examples | negative | neutral | positive |",
        "|---|" + "--:|" * 6,
    ]
    for phenomenon in (*PHENOMENA, ""):
        chosen = [row for row in rows if phenomenon in ("", row.phenomenon)]
        labels = Counter(row.label for row in chosen)
        counts = (len({row.group for row in chosen}), len({row.text for row in chosen}), len(chosen))
        values = (*counts, *(labels[label] for label in _LABELS))
        lines.append(f"| {phenomenon or 'all'} | " + " | ".join(map(str, values)) + " |")
    return "\n".join(lines)


def _parse(row: dict[str, Any]) -> OwnExample:
    start, end = row["span"]
    if row["label"] not in _LABELS:
        raise ValueError(f"no such label: {row['label']}")
    if not 0 <= start < end or row["text"][start:end] != row["target"]:
        raise ValueError("the span does not hold the target")
    return OwnExample(
        text=row["text"],
        target=row["target"],
        span=(start, end),
        label=row["label"],
        phenomenon=row["phenomenon"],
        domain=row["domain"],
        group=row["group"],
    )


def _toward(row: dict[str, Any]) -> Parsed:
    yield _parse(row).verdict()


CORPUS = Corpus("own", FILE, "Apache-2.0 OR CC0-1.0", "own", _toward, DATA)
"""For training: it reads what `examples` reads, whatever the folder of the data sets."""


if __name__ == "__main__":
    print(table(read()))
