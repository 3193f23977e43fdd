"""A labelled text and a data set of them: what the readers of data give and training takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from schemas.base import Label

Places = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Example:
    """A labelled text. With ``about`` the label is toward the object at ``spans`` (none: not found in it)."""

    corpus: str
    text: str
    label: Label
    about: str = ""
    spans: Places = ()
    fine: str = ""
    """Of RuSentiTweet: one of its five classes (`tiers.CLASSES`), where ``label`` has but three."""
    frame: str = ""
    """Of the project's own sentences: the frame that they were made from. A split keeps frames together."""
    aside: bool = False
    """The text is polar and its object only stands by: no evidence of the sentiment of the whole text."""


class Verdict(NamedTuple):
    """One label of a row; the fields are those of `Example`."""

    label: Label
    about: str = ""
    spans: Places = ()
    fine: str = ""
    frame: str = ""
    aside: bool = False


Parsed = Iterator[Verdict]


@dataclass(frozen=True)
class Corpus:
    """A data set: how to read its rows, and under which licence it is."""

    name: str
    file: str
    licence: str
    domain: str
    parse: Callable[[dict[str, Any]], Parsed]
    folder: Path | None = None
    """Where its file is; None: wherever the data sets are."""

    def read(self, directory: Path) -> list[Example]:
        """Read every example.

        Raises:
            FileNotFoundError: the directory does not hold the data set.
        """
        with ((self.folder or directory) / self.file).open(encoding="utf-8") as lines:
            return [
                Example(self.name, row["text"], *verdict)
                for row in map(json.loads, lines)
                for verdict in self.parse(row)
            ]
