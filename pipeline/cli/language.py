"""``molva annotate``: the language models without any server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pipeline.cli.context import err, load_settings, open_input, read_watchlist
from pipeline.core.enrichment import Failed, linked, places, whole_stars
from pipeline.core.linking import Linker
from schemas import RawPost, Sentiment
from schemas.codec import InvalidRecord, parse_json
from schemas.post import EARLIEST
from schemas.signals import Signals

BATCH = 256
CHUNK_BYTES = 1 << 20


def annotate(
    file: Annotated[
        Path, typer.Argument(help='JSON lines {"text": ..., "targets": [...]}; - is standard input')
    ],
    watchlist: Annotated[Path | None, typer.Option(help="the watchlist (or MOLVA_WATCHLIST)")] = None,
    model: Annotated[
        Literal["open", "full"] | None, typer.Option(help="the sentiment model (or MOLVA_SENTIMENT_MODEL)")
    ] = None,
    tier: Annotated[
        Literal["fast", "strong", "cascade"] | None,
        typer.Option(help="which sentiment tier answers (or MOLVA_SENTIMENT_TIER)"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="accepted: the output is JSON lines anyway", show_default=False)
    ] = True,
) -> None:
    """Annotate texts: language, entities, mentions of watched objects, sentiment, signals.

    One output line per input line, in order, as they come; a line that cannot be read gives {"error": ...}
    and, at the end, exit code 1. For each of `targets` (an object id, or any name as it stands in the text)
    there is a mention with a sentiment even if the watchlist does not match it. `rating` (the stars of a
    review) is evidence of its sentiment.

    Example: echo '{"text": "Сбербанк опять лежит"}' | molva annotate - --watchlist watchlist.yaml
    """
    settings = load_settings(running=False)
    path = watchlist or settings.watchlist
    read_watchlist(path)
    from pipeline.garbage import settle
    from pipeline.nlp.annotator import build_annotator  # heavy: natasha

    annotator = build_annotator(
        path, model or settings.sentiment_model, tier or settings.sentiment_tier, settings.ner_engine
    )
    settle()
    linker = Linker(annotator.watched)
    failed = 0
    with open_input(file) as lines:
        for chunk in batches_of_lines(lines, BATCH):
            for document in _annotate(annotator, linker, chunk):
                failed += "error" in document
                sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
            sys.stdout.flush()
    if failed:
        err.print(f'molva: {failed} lines could not be annotated, see their "error"')
        raise typer.Exit(1)


def _annotate(annotator: Any, linker: Linker, lines: Sequence[bytes]) -> list[dict[str, Any]]:
    parsed = [_request(line) for line in lines]
    requests = [item for item in parsed if not isinstance(item, str)]
    outcomes = iter(annotator.annotate(requests))
    documents = []
    for item in parsed:
        if isinstance(item, str):
            documents.append({"error": item})
            continue
        outcome = next(outcomes)
        if isinstance(outcome, Failed):
            documents.append({"error": outcome.detail})
            continue
        entities = linker.link(_ALONE, outcome.entities, places(outcome))
        documents.append(_document(linked(outcome, entities)))
    return documents


_ALONE = RawPost(
    id="annotate:-", source="annotate", native_id="-", created_at=EARLIEST, collected_at=EARLIEST
)
"""Texts to annotate have no thread, channel or time: nothing links one to another."""


def _request(line: bytes) -> Any:
    """A request, or what is wrong with the line."""
    from pipeline.nlp.annotator import Request  # heavy: natasha

    if not line.strip():
        return "the line is empty"
    try:
        row = parse_json(line)
    except InvalidRecord as error:
        return error.detail
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        return 'expected an object with a string "text"'
    match row.get("targets"):
        case None:
            targets: Any = []
        case dict() as labels:  # the form of the labelled data sets: {object: label}
            targets = list(labels)
        case other:
            targets = other
    if not (isinstance(targets, list) and all(isinstance(name, str) and name.strip() for name in targets)):
        return '"targets" must be a list of object ids or names'
    rating = row.get("rating")
    if rating is not None and not (isinstance(rating, int | float) and 0 <= rating <= 5):
        return '"rating" must be a number of stars, 0 to 5'
    return Request(row["text"], tuple(targets), stars=whole_stars(rating))


def _document(annotation: Any) -> dict[str, Any]:
    return {
        "lang": annotation.language,
        "sentiment": _sentiment(annotation.sentiment),
        "entities": [
            {
                "text": item.text,
                "normal": item.normal,
                "type": item.type,
                "span": [item.start, item.end],
                "name": item.name,
                "object": item.object_id,
            }
            for item in annotation.entities
        ],
        "mentions": [
            {
                "object": item.object_id,
                "span": [item.spans[0].start, item.spans[0].end] if item.spans else None,
                "spans": [[span.start, span.end] for span in item.spans],
                "why": [{"alias": span.alias, "rule": span.rule} for span in item.spans],
                "sentiment": _sentiment(item.sentiment),
                "model": item.model,
            }
            for item in annotation.mentions
        ],
        "model": annotation.model,
        "signals": _signals(annotation.signals),
    }


def _signals(signals: Signals) -> dict[str, Any]:
    document = signals.model_dump(exclude={"cluster", "p_type", "fingerprint"})
    document["p_type"] = round(signals.p_type, 4)
    document["fingerprint"] = list(signals.fingerprint)
    document["personal"] = [
        {"kind": found.kind, "span": [found.start, found.end]} for found in signals.personal
    ]
    return document


def _sentiment(sentiment: Sentiment) -> dict[str, Any]:
    probabilities = {
        "negative": sentiment.negative,
        "neutral": sentiment.neutral,
        "positive": sentiment.positive,
    }
    return {"label": sentiment.label, "p": {name: round(p, 4) for name, p in probabilities.items()}}


def batches_of_lines(stream: BufferedReader, size: int) -> Iterator[list[bytes]]:
    """The lines of a stream, at most ``size`` at a time; never waits for a line while others are there."""
    pieces: list[bytes] = []
    while chunk := stream.read1(CHUNK_BYTES):
        *ended, rest = chunk.split(b"\n")
        if ended:
            ended[0] = b"".join((*pieces, ended[0]))
            pieces.clear()
            yield from (ended[at : at + size] for at in range(0, len(ended), size))
        pieces.append(rest)
    if any(pieces):
        yield [b"".join(pieces)]
