"""Is a worker ready? Asked of its own metrics endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Sample(NamedTuple):
    """One value of a scrape."""

    name: str
    labels: Mapping[str, str]
    value: float


def scrape(host: str, port: int) -> list[Sample] | None:
    """All samples of a metrics endpoint; None where nobody answers."""
    try:
        response = httpx.get(f"http://{host}:{port}/metrics", timeout=2.0)
        response.raise_for_status()
    except httpx.HTTPError:
        return None
    return [
        Sample(sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    ]


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
