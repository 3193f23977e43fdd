"""Which workers of `molva up` run here (a file in the data dir), and is one ready (its HTTP endpoint)?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.condition import OK
from pipeline.endpoint import READY

UP_FILE = "up.json"
ANSWER_S = 2.0
Labels = frozenset[tuple[str, str]]


class Sample(NamedTuple):
    """One value of a scrape."""

    name: str
    labels: Mapping[str, str]
    value: float


def scrape(host: str, port: int) -> list[Sample] | None:
    """All samples of a metrics endpoint; None where nobody answers."""
    try:
        status, body = _get(host, port, "/metrics")
    except (OSError, HTTPException):
        return None
    if status != HTTPStatus.OK:
        return None
    from prometheus_client.parser import text_string_to_metric_families  # heavy, and seldom asked for

    return [
        Sample(sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    ]


def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    """Status and body, straight from the port: a proxy of the environment knows nothing of our loopback.

    The standard library's client costs a tenth of a millisecond, httpx's (it reads the certificates of the
    machine, also for http) twenty; `molva up` asks some hundred times until all is ready.

    Raises:
        OSError, HTTPException: nobody answers, or not in HTTP.
    """
    connection = HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Readiness(NamedTuple):
    """Whether a worker or agent is ready, and else why not."""

    ready: bool
    why: str


def probe(host: str, port: int) -> Readiness:
    """What ``/readyz`` of a worker or agent says."""
    try:
        status, body = _get(host, port, READY)
        parts: dict[str, str] = json.loads(body)["parts"]
    except (OSError, HTTPException, ValueError, KeyError):
        return Readiness(False, "does not answer")
    reasons = [f"{part} {state}" for part, state in parts.items() if state != OK]
    return Readiness(status == HTTPStatus.OK, ", ".join(reasons))


def is_ready(samples: list[Sample] | None) -> bool:
    """Whether a worker says that its partitions are assigned and read (agents: that they answer)."""
    if samples is None:
        return False
    ready = [sample.value for sample in samples if sample.name == "molva_worker_ready"]
    return not ready or min(ready) == 1


def total(samples: list[Sample] | None, name: str, **labels: str) -> float:
    """The sum of a metric over the samples that carry the labels."""
    return sum(
        sample.value
        for sample in samples or ()
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def write_workers(
    data_dir: Path, ports: Mapping[str, int], pids: Mapping[str, int], watchlist: Path | None = None
) -> None:
    """Tell other commands where the workers answer, by name; ``pids`` of those that run now."""
    workers = [{"name": name, "pid": pids.get(name), "metrics_port": port} for name, port in ports.items()]
    file = data_dir / UP_FILE
    fresh = file.with_suffix(".new")
    document = {"workers": workers, "watchlist": None if watchlist is None else str(watchlist)}
    fresh.write_text(json.dumps(document), encoding="utf-8")
    fresh.replace(file)


def read_workers(data_dir: Path) -> list[dict[str, Any]]:
    """The workers of the running ``molva up``; empty where none runs."""
    workers: list[dict[str, Any]] = _read(data_dir)["workers"]
    return workers


def watchlist_in_use(data_dir: Path) -> Path | None:
    """The watchlist of the running ``molva up``; None where none runs, or where it watches nothing."""
    chosen = _read(data_dir)["watchlist"]
    return None if chosen is None else Path(chosen)


def _read(data_dir: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((data_dir / UP_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {"workers": [], "watchlist": None}
    return document
