"""Labelled rows of every kind in ``../shared/data``, as ``molva eval`` reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline.nlp.corpora import CORPORA, NAMES_2016
from pipeline.nlp.tiers import CLASSES, LABELS
from schemas.codec import InvalidRecord, parse_json

Row = TypeVar("Row")
Span = tuple[int, int]


@dataclass(frozen=True)
class Labelled:
    """A text and what a person said of it; with ``target`` the label is toward that object.

    ``fine`` is true where the label is one of the five classes of a whole text (RuSentiTweet's), false where
    it is a polarity.
    """

    text: str
    label: str
    target: str = ""
    span: Span | None = None
    fine: bool = False


@dataclass(frozen=True)
class Unreadable:
    """A line that is no labelled row; ``place`` is ``file:line``."""

    place: str
    detail: str


class InvalidRow(ValueError):
    """What is wrong with a row; `read` makes it `Unreadable`."""


def read(
    lines: Iterable[bytes], name: str, parse: Callable[[dict[str, Any]], list[Row]]
) -> Iterator[tuple[str, list[Row] | Unreadable]]:
    """Each line's place (``name:line``) and its rows, or what is wrong with it; empty lines do not count."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            row = parse_json(line)
            if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                raise InvalidRow('expected an object with a string "text"')
            yield place, parse(row)
        except InvalidRecord as error:
            yield place, Unreadable(place, error.detail)
        except InvalidRow as error:
            yield place, Unreadable(place, str(error))


def labelled(row: dict[str, Any]) -> list[Labelled]:
    """The labels of a row with ``targets``, ``target`` and ``label``, ``label``, or ``emotions``.

    Mixed emotions have no polarity: such a row has no labels.
    """
    text: str = row["text"]
    if "targets" in row:
        if not isinstance(row["targets"], dict):
            raise InvalidRow('"targets" must be an object {name: label}')
        return [Labelled(text, _label(label, LABELS), _name(name)) for name, label in row["targets"].items()]
    if "target" in row:
        return [Labelled(text, _label(row.get("label"), LABELS), _name(row["target"]), span_of(row))]
    if "label" in row:
        return [Labelled(text, _label(row["label"], CLASSES), fine=True)]
    if "emotions" in row:
        return [Labelled(text, label) for label in _polarity(row)]
    raise InvalidRow('no labels: expected "targets", "target" and "label", "label", or "emotions"')


def named(row: dict[str, Any]) -> list[tuple[str, frozenset[str]]]:
    """A row's text and the objects that it is labelled with, in ``targets`` (dict or list) or ``target``."""
    match row:
        case {"targets": dict() | list() as targets}:
            return [(row["text"], frozenset(map(_name, targets)))]
        case {"target": target}:
            return [(row["text"], frozenset([_name(target)]))]
    raise InvalidRow('no labelled objects: expected "targets" (an object or a list) or "target"')


def span_of(row: dict[str, Any]) -> Span | None:
    """``target_span``, checked; None where the row has none."""
    span = row.get("target_span")
    if span is None:
        return None
    match span:
        case [int(start), int(end)] if 0 <= start < end <= len(row["text"]):
            return start, end
    raise InvalidRow(f'"target_span" {span!r} does not lie in the text of {len(row["text"])} characters')


def _name(target: Any) -> str:
    """An object's id; the names of the 2016 files stand for those of 2014."""
    if not (isinstance(target, str) and target.strip()):
        raise InvalidRow(f"a target must be a name, not {target!r}")
    return NAMES_2016.get(target, target)


def _label(label: Any, known: tuple[str, ...]) -> str:
    if label not in known:
        raise InvalidRow(f"unknown label {label!r}: expected {', '.join(known)}")
    return str(label)


def _polarity(row: dict[str, Any]) -> list[str]:
    try:
        return [verdict.label for verdict in CORPORA["cedr"].parse(row)]
    except (KeyError, TypeError) as error:
        raise InvalidRow(
            f'"emotions" must be a list of the emotions of CEDR, not {row["emotions"]!r}'
        ) from error
