"""Which workers of `molva up` run here (a file in the data dir), and is one ready (its HTTP endpoint)?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from pipeline.condition import OK
from pipeline.endpoint import READY

UP_FILE = "up.json"
Labels = frozenset[tuple[str, str]]


class Sample(NamedTuple):
    """One value of a scrape."""

    name: str
    labels: Mapping[str, str]
    value: float


def scrape(host: str, port: int) -> list[Sample] | None:
    """All samples of a metrics endpoint; None where nobody answers."""
    try:
        # not through the proxy of the environment: it knows nothing of our loopback ports
        response = httpx.get(f"http://{host}:{port}/metrics", timeout=2.0, trust_env=False)
        response.raise_for_status()
    except httpx.HTTPError:
        return None
    return [
        Sample(sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    ]


class Readiness(NamedTuple):
    """Whether a worker or agent is ready, and else why not."""

    ready: bool
    why: str


def probe(host: str, port: int) -> Readiness:
    """What ``/readyz`` of a worker or agent says."""
    try:
        response = httpx.get(f"http://{host}:{port}{READY}", timeout=2.0, trust_env=False)
        parts: dict[str, str] = response.json()["parts"]
    except (httpx.HTTPError, ValueError, KeyError):
        return Readiness(False, "does not answer")
    reasons = [f"{part} {state}" for part, state in parts.items() if state != OK]
    return Readiness(response.status_code == httpx.codes.OK, ", ".join(reasons))


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
