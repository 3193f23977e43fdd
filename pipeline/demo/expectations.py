"""What the bundled story holds, as data: the spikes that must be found and the hours that must stay calm.

``molva demo`` judges the spikes of its replay with `check`; the story's tests judge the detector with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas import Spike
from schemas.spike import Resolution

Outcome = Literal["found", "missed", "unexpected"]


@dataclass(frozen=True)
class Expectation:
    """A spike that opens (``opened_at``, the end of a bucket) within ``opens_between``, ends included."""

    object_id: str
    resolution: Resolution
    opens_between: tuple[datetime, datetime]
    incident: str
    """A key of `pipeline.demo.wording.ABOUT`."""
    required: bool = True
    """False: the story explains such a spike, but it need not be found."""

    def explains(self, spike: Spike) -> bool:
        """Whether ``spike`` is what is expected here."""
        earliest, latest = self.opens_between
        return (
            spike.object_id == self.object_id
            and spike.resolution == self.resolution
            and earliest <= spike.opened_at <= latest
        )


@dataclass(frozen=True)
class Calm:
    """Hours in which no spike may open on the objects (at any resolution)."""

    objects: tuple[str, ...]
    between: tuple[datetime, datetime]
    because: str
    """A key of `pipeline.demo.wording.ABOUT`: what might wrongly be taken for a spike."""

    def forbids(self, spike: Spike) -> bool:
        """Whether ``spike`` breaks the calm."""
        earliest, latest = self.between
        return spike.object_id in self.objects and earliest < spike.opened_at <= latest


@dataclass(frozen=True)
class Finding:
    """One line of the verdict. ``fatal`` findings fail the demo: a required spike missed, a calm broken."""

    outcome: Outcome
    object_id: str
    resolution: Resolution
    about: str
    """A key of `pipeline.demo.wording.ABOUT`."""
    at: datetime
    """When the spike opened; for a missed one, when it should have opened at the latest."""
    fatal: bool = False
    spike_id: str = ""


def _at(day_and_time: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day_and_time}:00+00:00")


def _both(
    object_id: str, incident: str, begins: str, five: str, hour: str, required: bool = True
) -> list[Expectation]:
    """The same incident at both resolutions: from its beginning to the latest moment to know it."""
    return [
        Expectation(object_id, "5m", (_at(begins), _at(five)), incident, required),
        Expectation(object_id, "1h", (_at(begins), _at(hour)), incident, required),
    ]


OUTAGE, TROLLS, SCANDAL, LEAK = "outage", "trolls", "scandal", "leak"
ORDINARY, LAUNCH, PRAISE, ASIDE = "ordinary", "launch", "praise", "aside"
UNEXPLAINED = "unexplained"

EXPECTATIONS: tuple[Expectation, ...] = (
    *_both("rassvet-online", OUTAGE, "06T09:05", "06T11:00", "06T12:00"),
    *_both("rassvet", OUTAGE, "06T09:05", "06T12:30", "06T13:00"),
    *_both("rassvet", TROLLS, "07T15:00", "07T17:00", "07T18:00"),
    *_both("ladogin", SCANDAL, "08T16:00", "08T18:30", "08T20:00"),
    *_both("fees", SCANDAL, "08T16:00", "08T20:00", "08T22:00"),
    *_both("sevkap", LEAK, "09T07:30", "09T10:00", "09T12:00"),
    Expectation("sevkap", "1d", (_at("09T07:30"), _at("10T00:00")), LEAK, required=False),
    *_both("rassvet", SCANDAL, "08T16:00", "08T23:00", "08T23:00", required=False),
    *_both("rassvet-online", OUTAGE, "06T11:00", "06T18:00", "06T18:00", required=False),
    *_both("ladogin", SCANDAL, "08T18:30", "09T12:00", "09T12:00", required=False),
    *_both("fees", SCANDAL, "08T20:00", "09T12:00", "09T12:00", required=False),
)
"""Required ones first: `check` lets a spike fulfil the first expectation that explains it."""

EVERYBODY = ("rassvet", "rassvet-online", "zarya", "ladogin", "fees", "sevkap", "polus")
CALM: tuple[Calm, ...] = (
    Calm(EVERYBODY, (_at("02T00:00"), _at("05T07:00")), ORDINARY),
    Calm(
        ("rassvet", "zarya"),
        (_at("05T07:00"), _at("06T09:00")),
        LAUNCH,
    ),
    Calm(("rassvet",), (_at("08T07:00"), _at("08T12:00")), PRAISE),
    Calm(("polus",), (_at("02T00:00"), _at("10T00:00")), ASIDE),
)


def check(
    spikes: Iterable[Spike],
    expectations: tuple[Expectation, ...] = EXPECTATIONS,
    calm: tuple[Calm, ...] = CALM,
) -> list[Finding]:
    """Compare spikes with what the story holds.

    Args:
        spikes: spike events in any order; events of one spike (same id) count once. Those of volume are
            passed over: that much is said is true of a launch, too.

    Returns:
        A finding per required expectation, per optional one that came true, and per spike that nothing
        explains, in order of time.
    """
    pending = {spike.id: spike for spike in spikes if spike.signal == "negativity"}
    findings: list[Finding] = []
    for expectation in expectations:
        explained = [spike for spike in pending.values() if expectation.explains(spike)]
        for spike in explained:
            del pending[spike.id]
        if explained:
            first = min(explained, key=lambda spike: spike.opened_at)
            findings.append(_found(expectation, first))
        elif expectation.required:
            findings.append(_missed(expectation))
    findings += [_unexpected(spike, calm) for spike in pending.values()]
    return sorted(findings, key=lambda finding: (finding.at, finding.object_id, finding.resolution))


def passed(findings: Iterable[Finding]) -> bool:
    """Whether the demo may say that it found what the story holds."""
    return not any(finding.fatal for finding in findings)


def _found(expectation: Expectation, spike: Spike) -> Finding:
    return Finding(
        "found", spike.object_id, spike.resolution, expectation.incident, spike.opened_at, spike_id=spike.id
    )


def _missed(expectation: Expectation) -> Finding:
    return Finding(
        "missed",
        expectation.object_id,
        expectation.resolution,
        expectation.incident,
        expectation.opens_between[1],
        fatal=True,
    )


def _unexpected(spike: Spike, calm: tuple[Calm, ...]) -> Finding:
    broken = next((hours.because for hours in calm if hours.forbids(spike)), "")
    return Finding(
        "unexpected",
        spike.object_id,
        spike.resolution,
        broken or UNEXPLAINED,
        spike.opened_at,
        fatal=bool(broken),
        spike_id=spike.id,
    )
