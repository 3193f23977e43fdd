"""The reports of ``molva eval`` as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

SCALARS = {"macro_f1": "macro F1", "polar_f1": "F+-", "micro_polar_f1": "micro F+-", "accuracy": "accuracy"}
KINDS = {
    "toward_object": "toward the object",
    "five_classes": "whole texts, five classes",
    "three_classes": "whole texts, three classes",
}

Report = Mapping[str, Any]


def sentiment_parts(report: Report) -> Iterator[RenderableType]:
    """The whole report of `molva eval sentiment`, but for the mistakes."""
    yield f"{report['name']} ({report['model']}, {report['tier']}), {report['rows']:,} rows"
    for name, tables in report["files"].items():
        yield from sentiment_tables(escape(name), tables)
    yield from sentiment_tables("all", report["tables"])
    if report["objects_found"]:
        counts = ", ".join(f"{how} {count:,}" for how, count in report["objects_found"].items())
        yield f"objects found: {counts}"
    yield _contamination(report)


def _contamination(report: Report) -> str:
    training = report["training"]
    if not training["checked"]:
        return (
            f"[bold red]not checked[/] whether the model was trained on these rows: {escape(training['why'])}"
        )
    if report["held_out_only"]:
        return f"held out: training saw the near-duplicates of {training['rows_seen']:,} other rows, left out"
    if training["rows_seen"]:
        return (
            f"[bold red]CONTAMINATED[/]: the model was trained on {training['rows_seen']:,} of "
            f"{training['rows']:,} rows or near-duplicates of them; --held-out leaves them out"
        )
    return "the model was trained on none of these rows"


def sentiment_tables(name: str, tables: Mapping[str, Report]) -> Iterator[RenderableType]:
    """Scores, confusion table and reliability of every kind of label in a report."""
    for kind, report in tables.items():
        yield _classes(f"{name}: {KINDS[kind]}, {report['rows']:,} rows", report)
        yield (
            "   ".join(
                f"{title} [b]{number(report[key])}[/b] {pair(report['intervals'][key])}"
                for key, title in SCALARS.items()
            )
            + f"   ECE {number(report['ece'])}   Brier {number(report['brier'])}"
        )
        if len(report["models"]) > 1:
            shares = ", ".join(f"{model} {share:.1%}" for model, share in report["models"].items())
            yield f"answered by: {shares}"
        yield _confusion(report["confusion"])
        yield _reliability(report["reliability"])


def mentions_tables(report: Report) -> Iterator[RenderableType]:
    """Recall and precision in all and per object, and what each rule contributes."""
    columns = ("object", "hit", "missed", "false", "recall", "precision", "F1", "95 %")
    objects = _table(f"mentions in {report['posts']:,} posts", columns)
    for name, rates in {**report["objects"], "all": report["all"]}.items():
        counts = (f"{rates[kind]:,}" for kind in ("hit", "missed", "false"))
        shown = (number(rates[measure]) for measure in ("recall", "precision", "f1"))
        objects.add_row(name, *counts, *shown, pair(rates["intervals"]["f1"]))
    yield objects
    rules = _table("by rule", ("rule", "hit", "alone", "false", "precision"))
    for name, counts in report["rules"].items():
        shown = (f"{counts[kind]:,}" for kind in ("hit", "alone", "false"))
        rules.add_row(name, *shown, number(counts["precision"]))
    yield rules
    for key, meaning in (
        ("unjudged", "found, but no row of the file is labelled with them (not judged)"),
        ("not_watched", "labelled, but not on the watchlist (not counted)"),
    ):
        if report[key]:
            yield f"{meaning}: " + ", ".join(f"{name} {count:,}" for name, count in report[key].items())


def entities_tables(report: Report) -> Iterator[RenderableType]:
    """How far Molva and natasha agree, and the recall of labelled names."""
    same = report["identity"]
    yield (
        f"{same['posts']:,} posts, {same['entities']:,} names; differing: {same['differing_spans']} posts by "
        f"places or types, {same['differing']} with normal forms ([b]{same['differing_share']:.3%}[/b])"
    )
    yield _rates_by_type("names as natasha finds them (place, type, normal form)", same["types"])
    if report["labelled"]:
        table = _table("labelled names", ("type", "names", "exact", "overlap", "exact with type"))
        for type_, counts in report["labelled"].items():
            rates = (number(counts.get(kind)) for kind in ("exact", "overlap", "typed"))
            table.add_row(type_, f"{counts['names']:,}", *rates)
        yield table
    if report["labelled_whole"]:
        yield _rates_by_type("rows with all names labelled", report["labelled_whole"])


def number(value: float | None) -> str:
    """Three digits; a dash where a measure is not defined."""
    return "–" if value is None else f"{value:.3f}"


def pair(interval: Sequence[float | None]) -> str:
    """A 95 % interval."""
    low, high = interval
    return f"[dim]{number(low)}–{number(high)}[/dim]"


def _classes(title: str, report: Report) -> Table:
    table = _table(title, ("class", "rows", "precision", "recall", "F1", "95 %"))
    for name, scores in report["classes"].items():
        rates = (number(scores[measure]) for measure in ("precision", "recall", "f1"))
        table.add_row(name, f"{scores['rows']:,}", *rates, pair(scores["f1_interval"]))
    return table


def _confusion(counts: Mapping[str, Mapping[str, int]]) -> Table:
    table = _table("confusion", ("label \\ answer", *counts))
    for label, answers in counts.items():
        table.add_row(label, *(f"{count:,}" for count in answers.values()))
    return table


def _reliability(bins: Sequence[Report]) -> Table:
    table = _table("reliability", ("probability", "rows", "mean", "right"))
    for item in bins:
        place = f"{item['low']:.2f}–{item['high']:.2f}"
        table.add_row(place, f"{item['rows']:,}", number(item["confidence"]), number(item["accuracy"]))
    return table


def _rates_by_type(title: str, types: Mapping[str, Report]) -> Table:
    table = _table(title, ("type", "names", "precision", "recall", "F1"))
    for type_, scores in types.items():
        rates = (number(scores[measure]) for measure in ("precision", "recall", "f1"))
        table.add_row(type_, f"{scores['names']:,}", *rates)
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at else "left")
    return table
