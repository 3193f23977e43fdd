"""The project's own sentences and the probe sets: well-formed, balanced, and not taken from each other."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.nlp.corpora import CORPORA, Example
from pipeline.nlp.own_examples import (
    CORPUS,
    DATA,
    DOMAINS,
    PHENOMENA,
    InvalidExample,
    OwnExample,
    examples,
    groups,
    read,
    table,
)
from pipeline.nlp.probes import PROBES as CARD_PROBES
from pipeline.nlp.splits import distinct, group, letters

PROBES = Path(__file__).parent / "probes"
SETS = (
    "contrast",
    "emoji",
    "headlines",
    "irony",
    "masked_profanity",
    "negation",
    "transliteration",
    "two_objects",
)
SHARED = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[3] / "shared" / "data"))
MOST_ALIKE = 0.4
"""Jaccard index of letter 5-grams, from which two texts count as near-duplicates."""

RUN = 24
"""So many letters in common with a text of a data set mean that a sentence was taken from it."""

ROW = {
    "text": "Банк молодец",
    "target": "Банк",
    "span": [0, 4],
    "label": "positive",
    "phenomenon": "plain",
    "domain": "banks",
    "group": "g",
}


@pytest.fixture(scope="module")
def own() -> list[OwnExample]:
    return read()


@pytest.fixture(scope="module")
def probes() -> dict[str, list[OwnExample]]:
    return {file.stem: read(file) for file in sorted(PROBES.glob("*.jsonl"))}


def grams(text: str, size: int = 5) -> set[str]:
    """Letter n-grams of a text without its links, digits, punctuation and case."""
    form = letters(text)
    return {form[at : at + size] for at in range(max(1, len(form) - size + 1))}


def closest(texts: Iterable[str], others: Iterable[str]) -> list[tuple[float, str, str]]:
    """For each text, the most alike of the others, by the Jaccard index of 5-grams; most alike first."""
    forms = {other: grams(other) for other in others}
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for other, form in forms.items():
        for gram in form:
            holders[gram].append(other)
    found = []
    for text in texts:
        form = grams(text)
        shared = Counter(other for gram in form for other in holders.get(gram, ()))
        best = max(
            ((count / (len(form) + len(forms[other]) - count), other) for other, count in shared.items()),
            default=(0.0, ""),
        )
        found.append((best[0], text, best[1]))
    return sorted(found, reverse=True)


def test_the_readme_counts_what_is_there(own: list[OwnExample]) -> None:
    assert table(own) in (DATA / "README.md").read_text(encoding="utf-8")


def test_enough_examples_of_every_phenomenon_and_domain(own: list[OwnExample]) -> None:
    assert len(own) >= 3_000
    assert len({row.text for row in own}) >= 2_500
    phenomena = Counter(row.phenomenon for row in own)
    assert set(phenomena) == set(PHENOMENA)
    assert min(phenomena.values()) >= 45
    domains = Counter(row.domain for row in own)
    assert set(domains) == set(DOMAINS)
    assert min(domains.values()) >= 40


def test_spans_hold_whole_words(own: list[OwnExample], probes: dict[str, list[OwnExample]]) -> None:
    for row in [*own, *(row for rows in probes.values() for row in rows)]:
        start, end = row.span
        assert row.text[start:end] == row.target
        assert row.target == row.target.strip()
        assert not (row.text[:start][-1:].isalnum() or row.text[end:][:1].isalnum()), row.text
        assert not re.search(r"[{}|$\[\]]|\s{2}|^\s|\s$", row.text), row.text
        assert 1 <= len(row.text) <= 200


def test_labels_are_balanced(own: list[OwnExample]) -> None:
    labels = Counter(row.label for row in own)
    assert min(labels.values()) > 0.2 * len(own)
    assert max(labels.values()) < 0.5 * len(own)
    for phenomenon in PHENOMENA:
        chosen = Counter(row.label for row in own if row.phenomenon == phenomenon)
        if phenomenon in ("ads", "jobs", "off_target"):
            assert set(chosen) == {"neutral"}
        else:
            assert chosen["negative"] and chosen["positive"], phenomenon


def test_no_row_stands_twice_and_none_contradicts_another(own: list[OwnExample]) -> None:
    counts = Counter((row.text.lower(), row.span) for row in own)
    assert [key for key, count in counts.items() if count > 1] == []
    labels: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in own:
        labels[row.text.lower(), row.target.lower()].add(row.label)
    assert [key for key, found in labels.items() if len(found) > 1] == []


def test_frames_stay_small(own: list[OwnExample]) -> None:
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for text, name in groups(own).items():
        texts[name].add(text)
    assert len(texts) > 1_200
    assert max(map(len, texts.values())) <= 4


def test_two_objects_stand_in_one_text(own: list[OwnExample], probes: dict[str, list[OwnExample]]) -> None:
    for rows in (probes["two_objects"], [row for row in own if row.phenomenon == "two_objects"]):
        spans: defaultdict[str, list[OwnExample]] = defaultdict(list)
        for row in rows:
            spans[row.text].append(row)
        assert {len(pair) for pair in spans.values()} == {2}
        opposite = sum({row.label for row in pair} == {"negative", "positive"} for pair in spans.values())
        assert opposite > 0.5 * len(spans)


def test_probe_sets(probes: dict[str, list[OwnExample]]) -> None:
    assert tuple(probes) == SETS
    for name, rows in probes.items():
        assert len(rows) >= 40
        assert {row.phenomenon for row in rows} == {name}
        assert {row.domain for row in rows} <= set(DOMAINS)
        labels = Counter(row.label for row in rows)
        assert labels["negative"] and labels["positive"]
        assert max(labels.values()) < 0.75 * len(rows), "one answer for all would score well"
        assert len({(row.text, row.span) for row in rows}) == len(rows)


def test_probes_are_not_among_the_examples(
    own: list[OwnExample], probes: dict[str, list[OwnExample]]
) -> None:
    asked = {row.text for rows in probes.values() for row in rows}
    taught = {row.text for row in own}
    assert not {row.group for rows in probes.values() for row in rows} & {row.group for row in own}
    near = [
        found for found in closest(asked, taught) if found[0] >= MOST_ALIKE and len(letters(found[1])) > 12
    ]
    assert near == []
    texts = [text for text in [*asked, *taught] if letters(text)]
    of = dict(zip(texts, group(texts), strict=True))
    assert not {of[text] for text in asked if text in of} & {of[text] for text in taught if text in of}


def test_names_of_the_probes_are_not_taught(
    own: list[OwnExample], probes: dict[str, list[OwnExample]]
) -> None:
    """A model must not pass by knowing how people speak of a name."""
    rows = [row for rows in probes.values() for row in rows]
    stems = {row.target.lower()[:-2] for row in rows if row.target[0].isupper() and row.span[0] > 0}
    assert len(stems) >= 15
    assert [row.text for row in own if any(stem in row.text.lower() for stem in stems)] == []


def test_probes_of_the_model_card_are_not_taught(own: list[OwnExample]) -> None:
    near = closest((probe.text for probe in CARD_PROBES), {row.text for row in own})
    assert [found for found in near if found[0] >= MOST_ALIKE] == []


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no labelled data sets in {SHARED}")
def test_nothing_is_taken_from_the_shared_data(
    own: list[OwnExample], probes: dict[str, list[OwnExample]]
) -> None:
    mine = {row.text for row in own} | {row.text for rows in probes.values() for row in rows}
    runs = {run: text for text in mine if len(letters(text)) >= RUN for run in grams(text, RUN)}
    short = {letters(text): text for text in mine if 12 < len(letters(text)) < RUN}
    taken = set()
    for corpus in (corpus for corpus in CORPORA.values() if corpus != CORPUS):
        for line in (SHARED / corpus.file).read_text(encoding="utf-8").splitlines():
            form = letters(json.loads(line)["text"])
            taken |= {runs[run] for run in grams(form, RUN) & runs.keys()}
            taken |= {short[form]} if form in short else set()
    assert taken == set()


def test_as_training_examples(own: list[OwnExample]) -> None:
    first = own[0]
    expected = Example("own", first.text, first.label, first.target, (first.span,), frame=first.group)
    assert first.as_example() == expected
    assert examples() == CORPUS.read(DATA) == [row.as_example() for row in own]
    assert len(distinct(examples())) > 0.9 * len(own)


@pytest.mark.parametrize(
    "change",
    [
        {"label": "sad"},
        {"span": [1, 5]},
        {"span": [0]},
        {"span": [-4, 4]},
        {"target": "банк"},
        {"text": None},
    ],
)
def test_invalid_rows_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW | change) + "\n", encoding="utf-8")
    with pytest.raises(InvalidExample, match=r"rows\.jsonl:2"):
        read(file)


def test_a_missing_field_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "Банк"}\n', encoding="utf-8")
    with pytest.raises(InvalidExample, match="span"):
        read(file)
