"""Spike events for the tests of incidents and notification; moments are literal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import Spike
from schemas.alert import Telling
from schemas.spike import Explanation, Resolution, Severity, TopCluster, TopTerm

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    """So many minutes after T0."""
    return T0 + minutes * MINUTE


def spike(
    object_id: str = "bank",
    revision: int = 1,
    status: str = "opened",
    *,
    minute: float = 0,
    opened: float = 0,
    severity: Severity = "warning",
    resolution: Resolution = "1h",
    name: str = "",
    cluster: str = "",
    **more: Any,
) -> Spike:
    """An event at ``minute`` of the spike that opened at minute ``opened``."""
    why = Explanation(
        names=(TopTerm(text=name, posts=9, expected=1, z=6),) if name else (),
        clusters=(TopCluster(cluster=cluster, posts=9, authors=7),) if cluster else (),
    )
    fields: dict[str, Any] = {
        "id": f"{object_id}/{resolution}/{at(opened):%Y-%m-%dT%H:%MZ}",
        "revision": revision,
        "status": status,
        "object_id": object_id,
        "object_kind": "brand",
        "resolution": resolution,
        "severity": severity,
        "opened_at": at(opened),
        "started_at": at(opened - 60),
        "updated_at": at(minute),
        "resolved_at": at(minute) if status == "resolved" else None,
        "score": 9.0,
        "peak_score": 12.0,
        "negatives": 40,
        "expected_negatives": 4.0,
        "total": 60,
        "expected_total": 30.0,
        "authors": 33,
        "explanation": why,
    }
    return Spike.model_validate({**fields, **more})


def tell(spike: Spike) -> tuple[Telling, Telling]:
    """Short texts."""
    return (
        Telling(title=f"{spike.object_id} {spike.status}", text="текст"),
        Telling(title=f"{spike.object_id} {spike.status}", text="text"),
    )
