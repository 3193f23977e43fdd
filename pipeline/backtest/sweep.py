"""The same past under other parameters: how many alerts each combination gives, and which it misses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any, Final, NamedTuple

from pipeline.backtest.counts import Counts, Series
from pipeline.backtest.report import ALIKE, Report, report, walks
from pipeline.backtest.walk import Fired
from pipeline.core.parameters import Parameters, parameters
from pipeline.core.plain import plain_parameters
from pipeline.core.windows import iso
from pipeline.errors import UsageError
from schemas.spike import Resolution

MOST: Final = 500
"""Combinations of one sweep."""
NOTHING: Final[Mapping[str, float]] = {}
NOT_SWEPT: Final = frozenset({"step"})


class Outcome(NamedTuple):
    """One combination, against the run itself on the same past."""

    changes: dict[str, float]
    report: Report
    missed: list[Fired]
    """Spikes of the run itself that overlap none of this combination's of the same object and signal."""
    added: list[Fired]
    """Spikes of this combination that overlap none of the run's."""

    def as_json(self) -> dict[str, Any]:
        """The combination as a row of ``molva backtest --sweep --json``."""
        whole = self.report
        return {
            "parameters": self.changes,
            "spikes": len(whole.fired),
            "object_weeks": round(whole.weeks, 2),
            "spikes_per_object_week": round(whole.per_week, 4),
            "hours_in_alert": round(whole.hours_in_alert, 2),
            "missed": [_named(spike) for spike in self.missed],
            "added": [_named(spike) for spike in self.added],
        }


def parse_sweeps(texts: Sequence[str], resolution: Resolution) -> list[dict[str, float]]:
    """All combinations of ``NAME=FROM:TO:STEP`` (ends included) and ``NAME=A,B,C``.

    Raises:
        UsageError: no such parameter, no number, or more than 500 combinations.

    >>> parse_sweeps(["open_at=8:12:4", "hold=3,6"], "1h")[:3]
    [{'open_at': 8, 'hold': 3}, {'open_at': 8, 'hold': 6}, {'open_at': 12, 'hold': 3}]
    """
    values = [_values(text) for text in texts]
    names = [name for name, _ in values]
    if len(set(names)) < len(names):
        raise UsageError(f"--sweep: name each parameter once ({', '.join(names)})")
    count = 1
    for _, numbers in values:
        count *= len(numbers)
    if count > MOST:
        raise UsageError(f"--sweep: {count} combinations, the limit is {MOST}; take larger steps")
    combinations = [dict(zip(names, chosen, strict=True)) for chosen in product(*(n for _, n in values))]
    for changes in combinations:
        changed(resolution, changes)
    return combinations


def parse_changes(texts: Sequence[str]) -> dict[str, float]:
    """The values of ``NAME=VALUE``.

    Raises:
        UsageError: no number, or several.
    """
    chosen: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            if not equals:
                raise InvalidOperation
            chosen[name.strip()] = _number(Decimal(value))
        except InvalidOperation:
            raise UsageError(f"--set {text!r}: expected NAME=VALUE, e.g. open_at=15") from None
    return chosen


def changed(resolution: Resolution, changes: Mapping[str, float], *, plain: bool = False) -> Parameters:
    """The resolution's parameters with changes, whole where the parameter counts something.

    Args:
        plain: those of plain counts (`pipeline.core.plain`).

    Raises:
        UsageError: no such parameter, or a value that it cannot have.
    """
    make = plain_parameters if plain else parameters
    default = make(resolution)
    known = {item.name: getattr(default, item.name) for item in fields(default)}
    for name, value in changes.items():
        if name not in known or name in NOT_SWEPT:
            raise UsageError(
                f"no parameter {name!r}; there are {', '.join(sorted(known.keys() - NOT_SWEPT))}"
            )
        if value < 0:
            raise UsageError(f"{name} cannot be negative: {value}")
        if isinstance(known[name], int) and value != int(value):
            raise UsageError(f"{name} is a whole number, not {value}")
    return make(resolution, **changes)


def sweep(
    counts: Counts,
    all_series: Sequence[Series],
    combinations: Sequence[dict[str, float]],
    default: Report,
    on_object: Callable[[], object],
    base: Mapping[str, float] = NOTHING,
    open_at: Mapping[str, float] = ALIKE,
) -> Iterator[Outcome]:
    """Judge everything once per combination.

    Args:
        default: the report of the run itself.
        on_object: called when one more object of one more combination has been judged.
        base: changes that hold in every combination.
        open_at: thresholds of single objects, where the combination names none for all.
    """
    before = default.fired
    for changes in combinations:
        p = changed(counts.resolution, {**base, **changes}, plain=counts.plain)
        pasts = []
        own = ALIKE if "open_at" in changes else open_at
        for item in walks(all_series, p, counts.resolution, open_at=own):
            pasts.append(item)
            on_object()
        found = report(counts, p, None, pasts)
        after = found.fired
        end = counts.end
        yield Outcome(changes, found, _without(before, after, end), _without(after, before, end))


def _without(those: Sequence[Fired], others: Sequence[Fired], end: int) -> list[Fired]:
    """Those that overlap none of the others of the same object and signal."""
    alike: dict[tuple[str, str], list[Fired]] = {}
    for other in others:
        alike.setdefault((other.name, other.signal), []).append(other)
    return [
        spike
        for spike in those
        if not any(
            spike.started < other.ends(end) and other.started < spike.ends(end)
            for other in alike.get((spike.name, spike.signal), ())
        )
    ]


def _named(spike: Fired) -> dict[str, str]:
    return {"object": spike.name, "opened_at": iso(spike.opened)}


def _values(text: str) -> tuple[str, list[float]]:
    name, equals, listed = text.partition("=")
    try:
        if not equals:
            raise InvalidOperation
        if ":" in listed:
            return name.strip(), _steps([Decimal(part) for part in listed.split(":")])
        return name.strip(), [_number(Decimal(part)) for part in listed.split(",")]
    except InvalidOperation:
        message = f"--sweep {text!r}: expected NAME=FROM:TO:STEP or NAME=A,B,C, e.g. open_at=8:20:2"
        raise UsageError(message) from None


def _steps(parts: Sequence[Decimal]) -> list[float]:
    if len(parts) != 3 or not all(part.is_finite() for part in parts):
        raise InvalidOperation
    first, last, step = parts
    if step <= 0 or last < first:
        raise InvalidOperation
    count = int((last - first) / step) + 1
    return [_number(first + step * n) for n in range(min(count, MOST + 1))]


def _number(value: Decimal) -> float:
    if not value.is_finite():
        raise InvalidOperation
    return int(value) if value == value.to_integral_value() else float(value)
