"""Runs of molva reprocess for the tests: the real models, small chunks, the servers of a `World`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.nlp.annotator import build_annotator
from pipeline.reprocess.analysis import Analysis
from pipeline.reprocess.ledger import Run
from pipeline.reprocess.period import Period
from pipeline.reprocess.run import Reprocess
from pipeline.reprocess.storage import StoragePosition
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from tests.sink.samples import START

WATCHLIST = Path(__file__).with_name("watchlist.yaml")
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CHUNK = 60
FIRST = 600
"""Of posts that are seven minutes apart from `START` on: from here they cross into the next month."""
PERIOD = Period("live", START + timedelta(hours=72), START + timedelta(hours=90))


@cache
def analysis() -> Analysis:
    """The present models with the fast tier; loaded once."""
    annotator = build_annotator(WATCHLIST, "full", "fast")
    return Analysis(annotator.annotate, annotator.watched, annotator.kinds, 64)


def job(settings: Settings, client: Any, patience: float = 30.0) -> Reprocess:
    """A job on the database of ``settings``."""
    storage = StoragePosition(settings, client, patience)
    return Reprocess(settings, client, lambda: NOW, lambda _: None, chunk=CHUNK, storage=storage)


def reprocess(settings: Settings, name: str = "second", period: Period = PERIOD) -> Run:
    """A run to its end, in the calling thread."""
    with connect(settings) as client:
        working = job(settings, client)
        run = working.begin(name, period, "digest")
        if run.step == "planned":
            working.make(run, analysis(), lambda _: None)
        if run.step in ("planned", "kept"):
            return working.exchange(run)
        working.tidy()
        return run
