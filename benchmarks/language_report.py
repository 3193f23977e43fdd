"""The tables of docs/evaluation.md: every model and tier on held-out rows and on the probes; Markdown.

    OMP_NUM_THREADS=1 python benchmarks/language_report.py [--models full] [--tiers fast strong] [--write]

The rows are the held-out part of ``full``, without those that ``open`` was trained on or near-duplicates of
them, so every column is scored on the same rows. Data: ``MOLVA_DATA`` or ../shared/data.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from pipeline.core.mentions import Matcher
from pipeline.nlp.corpora import CORPORA
from pipeline.nlp.inflection import Inflector
from pipeline.nlp.load import load_tier
from pipeline.nlp.own_examples import read
from pipeline.nlp.parts import split
from pipeline.nlp.scoring import sentiment
from pipeline.nlp.scoring.bootstrap import by_near_duplicates
from pipeline.nlp.scoring.finding import Finder
from pipeline.nlp.scoring.rows import Labelled
from pipeline.nlp.scoring.seen import membership
from pipeline.nlp.tiers import LABELS, Question, Tier
from pipeline.watchlist_file import load_watchlist

ROOT = Path(__file__).resolve().parent.parent
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
PAGE = ROOT / "docs" / "evaluation.md"
BEGIN = "<!-- generated: python benchmarks/language_report.py --write -->"
END = "<!-- end of generated -->"
PROBES = ROOT / "tests" / "nlp" / "probes"

Tables = Mapping[str, Mapping[str, Any]]


class Line(NamedTuple):
    """A line of the table of scores: which table of which kind of text, and what was published."""

    title: str
    domain: str
    table: str
    measure: str
    published: str


LINES = (
    Line("banks, F+-", "banks", sentiment.TOWARD, "polar_f1", ".531 / .552 / .695"),
    Line("telecom, F+-", "telecom", sentiment.TOWARD, "polar_f1", ".521 / .559 / .661"),
    Line("RuSentNE, F+-", "news", sentiment.TOWARD, "polar_f1", "– / .66 / –"),
    Line("RuSentiTweet, macro F1 of five", "rusentitweet", sentiment.FIVE, "macro_f1", ".629 / – / .659"),
    Line("RuSentiTweet, macro F1 of three", "rusentitweet", sentiment.THREE, "macro_f1", ".66 / – / –"),
    Line("CEDR as polarity, macro F1", "cedr", sentiment.THREE, "macro_f1", "– / – / –"),
)
"""Published or measured elsewhere: linear SVM / best of the competition / conversational RuBERT."""


def held_out(data: Path) -> dict[str, list[Labelled]]:
    """The rows that no model was trained on, by kind of text."""
    examples = split("full", data).held_out
    seen = membership([example.text for example in examples], "open", data).seen
    rows: dict[str, list[Labelled]] = {}
    for example, known in zip(examples, seen, strict=True):
        if known:
            continue
        corpus = CORPORA[example.corpus]
        span = example.spans[0] if corpus.domain == "news" else None
        row = Labelled(example.text, example.fine or example.label, example.about, span, bool(example.fine))
        rows.setdefault(corpus.domain if example.about else corpus.name, []).append(row)
    return rows


def score(tier: Tier, rows: Mapping[str, Sequence[Labelled]], finder: Finder) -> dict[str, Tables]:
    """The reports of each kind of text."""
    found = {}
    for domain, members in rows.items():
        judged = list(sentiment.ask(tier, ((domain, row) for row in members), finder))
        found[domain] = sentiment.tables(judged, by_near_duplicates([row.text for row in members]))
    return found


def probes(tier: Tier) -> dict[str, float]:
    """The share right per probe set, and of all items."""
    right: dict[str, list[bool]] = {}
    for file in sorted(PROBES.glob("*.jsonl")):
        items = read(file)
        answers = tier.toward([Question(item.text, [item.span], item.target) for item in items]).argmax(1)
        right[file.stem] = [LABELS[int(at)] == item.label for at, item in zip(answers, items, strict=True)]
    shares = {name: float(np.mean(hits)) for name, hits in right.items()}
    return {**shares, "all": float(np.mean([hit for hits in right.values() for hit in hits]))}


def markdown(names: Sequence[str], reports: Sequence[Mapping[str, Tables]], shares: Sequence[Any]) -> str:
    """Scores with 95 % intervals, calibration, which model answered, and probes; a column per tier."""
    parts = ["### Scores", _head("", "published", *names)]
    for line in LINES:
        tables = [report.get(line.domain, {}).get(line.table) for report in reports]
        parts.append(_row(line.title, line.published, *(_cell(table, line.measure) for table in tables)))
    parts += ["", "### F1 per class (negative / neutral / positive / speech / skip)", _head("", *names)]
    for line in LINES:
        tables = [report.get(line.domain, {}).get(line.table) for report in reports]
        parts.append(_row(_of(line), *map(_per_class, tables)))
    parts += ["", "### Expected calibration error (15 bins) / Brier score", _head("", *names)]
    for line in LINES:
        tables = [report.get(line.domain, {}).get(line.table) for report in reports]
        parts.append(_row(_of(line), *map(_calibration, tables)))
    parts += ["", "### Answered by", _head("", *names)]
    for domain in reports[0]:
        first = [next(iter(report[domain].values())) for report in reports]
        parts.append(
            _row(domain, *(", ".join(f"{m} {s:.0%}" for m, s in t["models"].items()) for t in first))
        )
    parts += ["", "### Probes, share right", _head("", *names)]
    for name in shares[0]:
        parts.append(_row(name, *(_number(share[name]) for share in shares)))
    return "\n".join(parts)


def _of(line: Line) -> str:
    classes = {sentiment.FIVE: ", five classes", sentiment.THREE: ", three classes"}
    return line.title.partition(",")[0] + (
        classes.get(line.table, "") if line.domain == "rusentitweet" else ""
    )


def _cell(table: Mapping[str, Any] | None, measure: str) -> str:
    if table is None:
        return "–"
    low, high = table["intervals"][measure]
    return f"{_number(table[measure])} ({_number(low)}–{_number(high)})"


def _per_class(table: Mapping[str, Any] | None) -> str:
    return "–" if table is None else " / ".join(_number(item["f1"]) for item in table["classes"].values())


def _calibration(table: Mapping[str, Any] | None) -> str:
    return "–" if table is None else f"{_number(table['ece'])} / {_number(table['brier'])}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".removeprefix("0")


def _head(*cells: str) -> str:
    return _row(*cells) + "\n" + _row(*("---" for _ in cells))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Score what exists and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=("full", "open"), default=("full", "open"))
    tiers = ("fast", "strong", "cascade")
    parser.add_argument("--tiers", nargs="+", choices=tiers, default=tiers)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/evaluation.md")
    arguments = parser.parse_args()
    data = Path(os.environ.get("MOLVA_DATA") or ROOT.parent / "shared" / "data")
    if not data.is_dir():
        sys.exit(f"no data in {data}: set MOLVA_DATA")
    watched = load_watchlist(WATCHLIST)
    finder = Finder(Matcher(watched, Inflector().forms).find, frozenset(item.id for item in watched))
    rows = held_out(data)
    names, reports, shares = [], [], []
    for model in arguments.models:
        for which in arguments.tiers:
            try:
                tier = load_tier(model, which)
            except FileNotFoundError as error:
                print(f"{model} {which}: {error}", file=sys.stderr)
                continue
            print(f"{model} {which}: {sum(map(len, rows.values()))} rows", file=sys.stderr)
            names.append(f"`{model}` {which}")
            reports.append(score(tier, rows, finder))
            shares.append(probes(tier))
    if not names:
        sys.exit("no model to score")
    tables = markdown(names, reports, shares)
    print(tables)
    if arguments.write:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{tables}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
