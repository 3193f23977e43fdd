"""``molva eval entities``: the names that Molva finds beside natasha's, and beside labelled ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.nlp.scoring.classification import ratio, rounded
from pipeline.nlp.scoring.rows import InvalidRow, Span, span_of
from schemas import Entity

TYPES = ("PER", "ORG", "LOC")
NAMED = {"PERSON": "PER", "ORGANIZATION": "ORG", "COUNTRY": "LOC"}
"""Types of RuSentNE's targets that natasha has; it has none for a profession or a nationality."""

Found = Sequence[tuple[Entity, ...]]


@dataclass(frozen=True)
class Gold:
    """A labelled name; ``type`` is the data set's, or empty."""

    span: Span
    type: str


@dataclass(frozen=True)
class NamedText:
    """A text and the labelled names in it; ``whole`` where all of its names are labelled (``entities``)."""

    text: str
    gold: tuple[Gold, ...] = ()
    whole: bool = False


def named_text(row: dict[str, Any]) -> list[NamedText]:
    """A row with ``entities``, with ``target_span``, or a plain text."""
    if "entities" in row:
        items = row["entities"]
        if not isinstance(items, list):
            raise InvalidRow('"entities" must be a list')
        return [NamedText(row["text"], tuple(_gold(item, row["text"]) for item in items), True)]
    span = span_of(row)
    gold = () if span is None else (Gold(span, str(row.get("target_type") or "")),)
    return [NamedText(row["text"], gold)]


def identity(texts: Sequence[str], molva: Found, natasha: Found, examples: int = 0) -> dict[str, Any]:
    """Posts whose names differ, and precision, recall and F1 per type with natasha as the truth.

    ``differing_spans`` counts posts with other places or types, ``differing`` also other normal forms.
    """
    spans = [{(e.start, e.end, e.type) for e in found} for found in molva]
    expected = [{(e.start, e.end, e.type) for e in found} for found in natasha]
    differing = [at for at in range(len(texts)) if molva[at] != natasha[at]]
    moved = sum(ours != theirs for ours, theirs in zip(spans, expected, strict=True))
    return {
        "posts": len(texts),
        "entities": sum(map(len, natasha)),
        "differing_spans": moved,
        "differing": len(differing),
        "differing_share": round(len(differing) / len(texts), 6),
        "types": _by_type(molva, natasha),
        "examples": [
            {
                "text": texts[at],
                "natasha": [str(item) for item in natasha[at] if item not in molva[at]],
                "molva": [str(item) for item in molva[at] if item not in natasha[at]],
            }
            for at in differing[:examples]
        ],
    }


def gold_recall(rows: Sequence[NamedText], found: Found) -> dict[str, dict[str, Any]]:
    """Recall of labelled names by their type.

    ``exact``: the same place; ``overlap``: a name lies over it; ``typed``: the same place and the type that
    natasha has for it, left out where it has none.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row, names in zip(rows, found, strict=True):
        for gold in row.gold:
            count, type_ = counts[gold.type or "untyped"], NAMED.get(gold.type, gold.type)
            same = [name for name in names if (name.start, name.end) == gold.span]
            count["names"] += 1
            count["exact"] += bool(same)
            count["overlap"] += any(n.start < gold.span[1] and gold.span[0] < n.end for n in names)
            count["typed"] += any(name.type == type_ for name in same)
    return {
        type_: {
            "names": count["names"],
            **{
                measure: round(count[measure] / count["names"], 4)
                for measure in ("exact", "overlap", "typed")
                if measure != "typed" or NAMED.get(type_, type_) in TYPES
            },
        }
        for type_, count in sorted(counts.items())
    }


def gold_scores(rows: Sequence[NamedText], found: Found) -> dict[str, dict[str, Any]]:
    """Precision, recall and F1 per type on rows with all names labelled; place and type must agree."""
    hits, molva, labelled = Counter[str](), Counter[str](), Counter[str]()
    for row, names in zip(rows, found, strict=True):
        if row.whole:
            truth = {(*gold.span, NAMED.get(gold.type, gold.type)) for gold in row.gold}
            ours = {(name.start, name.end, name.type) for name in names}
            hits.update(item[2] for item in truth & ours)
            molva.update(item[2] for item in ours)
            labelled.update(item[2] for item in truth)
    return {type_: _scores(hits[type_], molva[type_], labelled[type_]) for type_ in sorted(labelled | molva)}


def _by_type(molva: Found, natasha: Found) -> dict[str, dict[str, Any]]:
    """Per type, of whole entities: place, type and normal form."""
    scores = {}
    for type_ in TYPES:
        ours, theirs = _of_type(molva, type_), _of_type(natasha, type_)
        scores[type_] = _scores(len(ours & theirs), len(ours), len(theirs))
    return scores


def _of_type(found: Found, type_: str) -> set[tuple[int, Entity]]:
    return {(at, name) for at, names in enumerate(found) for name in names if name.type == type_}


def _scores(hits: int, answers: int, truth: int) -> dict[str, Any]:
    of = np.array([answers, truth, answers + truth])
    precision, recall, f1 = ratio(np.array([hits, hits, 2 * hits]), of)
    return {"names": truth, "precision": rounded(precision), "recall": rounded(recall), "f1": rounded(f1)}


def _gold(item: Any, text: str) -> Gold:
    match item:
        case {"span": [int(start), int(end)], "type": str(type_)}:
            pass
        case {"start": int(start), "end": int(end), "type": str(type_)}:
            pass
        case _:
            raise InvalidRow(f'an entity must have "type" and "span" or "start" and "end": {item!r}')
    if not 0 <= start < end <= len(text):
        raise InvalidRow(f"the entity {item!r} does not lie in the text")
    return Gold((start, end), type_)
