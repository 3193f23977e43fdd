"""``molva detect``: the detector on a CSV file, without any server."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.context import open_input
from pipeline.errors import UsageError


def detect(
    file: Annotated[
        Path, typer.Argument(help="CSV: object,bucket,negative,total in time order; - is standard input")
    ],
    resolution: Annotated[Literal["5m", "1h", "1d"], typer.Option(help="the width of a bucket")] = "1h",
    scores: Annotated[
        bool, typer.Option("--scores", help="print one score per input row instead of spikes")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="accepted: the output is JSON lines anyway", show_default=False)
    ] = True,
) -> None:
    """Find spikes in counts per object and bucket; prints spike events as JSON lines.

    Without a `total` column the file is a plain count series: its threshold is learned from its own past,
    and a new spike opens at most once a day.

    Example: molva detect counts.csv --resolution 1h | jq .opened_at
    """
    from pipeline.detect_file import DetectFileError, run

    try:
        with open_input(file) as raw:
            lines = TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
            for line in run(lines, resolution=resolution, scores=scores):
                sys.stdout.write(line + "\n")
    except DetectFileError as error:
        raise UsageError(str(error)) from error
