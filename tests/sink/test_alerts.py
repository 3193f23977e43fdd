"""Incidents and decisions on their way into ClickHouse: without loss, once, and what analysts ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.sink.alert_rows import alert_action_row, alert_row
from pipeline.sink.batch import Batch
from pipeline.sink.reading import read
from pipeline.sink.writer import Writer
from schemas import Alert, AlertAction, Record
from schemas.alert import AlertSpike, Telling
from tests.sink import samples

DOCS = Path(__file__).parents[2] / "docs" / "clickhouse.md"
MINUTE = timedelta(minutes=1)
SLICE = AlertSpike(
    id="sberbank/1h/2014-07-28T20:00:00+00:00/source=vk",
    revision=4,
    status="resolved",
    object_id="sberbank",
    object_kind="brand",
    resolution="1h",
    signal="volume",
    dimension="source",
    value="vk",
    severity="info",
    opened_at=samples.START + 2 * MINUTE,
    started_at=samples.START + 3 * MINUTE,
    updated_at=samples.START + 4 * MINUTE,
    resolved_at=samples.START + 5 * MINUTE,
    negatives=170,
    expected_negatives=12.25,
    total=310,
    authors=91,
)
CHANGES = {
    "event": "escalated",
    "severity": "critical",
    "earlier_severities": ("info", "warning"),
    "object_ids": ("sberbank", "vtb"),
    "clusters": ("vk:1", "vk:7"),
    "names": ("роспотребнадзор",),
    "started_at": samples.START - MINUTE,
    "resolved_at": samples.START + 6 * MINUTE,
    "acknowledged_by": "Мария",
    "acknowledged_at": samples.COLLECTED + 7 * MINUTE,
    "snoozed_until": samples.COLLECTED + 8 * MINUTE,
    "cooldown_until": samples.COLLECTED + 9 * MINUTE,
    "heard_at": samples.COLLECTED + 10 * MINUTE,
    "suppressed_by": "snooze",
    "comment": "чиним",
    "ru": Telling(title="Сбербанк: волна", text="Списали дважды"),
    "en": Telling(title="Sberbank: a wave", text="Charged twice"),
}
WINDOW = samples.action()


def full() -> Alert:
    """An event of an incident in which every field is set."""
    first = samples.alert(3)
    other = SLICE.model_copy(update={"id": "vtb/5m/x", "object_id": "vtb", "resolved_at": None})
    return first.model_copy(update=CHANGES | {"spikes": (*first.spikes, SLICE, other)})


def leaves(value: Any) -> set[Any]:
    """Every number, text and moment that a record's parts hold."""
    if isinstance(value, dict):
        return set().union(*map(leaves, value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(leaves, value))
    return set() if value is None else {value}


def test_nothing_of_an_alert_is_lost() -> None:
    record = full().model_dump(exclude={"schema_version"})
    unset = {name for name in record if record[name] in ((), "", None)}
    assert not unset, "a field that the test leaves empty"
    assert leaves(record) <= leaves(alert_row(full()))


def test_the_spikes_of_an_alert_keep_their_places() -> None:
    row = alert_row(full())
    for number, spike in enumerate(full().spikes):
        assert {name: row[f"spikes.{name}"][number] for name in AlertSpike.model_fields} == spike.model_dump()


@pytest.mark.parametrize(
    "action",
    [WINDOW, AlertAction(id="a2", action="acknowledge", target="i", author="Пётр", at=samples.START)],
)
def test_nothing_of_an_action_is_lost(action: AlertAction) -> None:
    assert alert_action_row(action) == action.model_dump(exclude={"schema_version"})


def store(writer: Writer, topic: str, records: Sequence[Record], lo: int = 0) -> int:
    """Store the records at the offsets from ``lo`` on; how many were there already."""
    batch = Batch("c1", topic, 0, lo, lo + len(records) - 1)
    numbered = enumerate(records, start=lo)
    reading = read([samples.stored(record, offset) for offset, record in numbered], batch)
    assert not reading.dead_letters
    selection = writer.select(reading.entries, batch, resumed=False)
    writer.insert(selection.entries, batch)
    return selection.skipped


@pytest.mark.integration
def test_stored_once_and_found(client: Any, writer: Writer) -> None:
    events = [samples.alert(1), samples.alert(2), full(), samples.alert(2)]
    assert store(writer, topics.ALERTS, events) == 1
    assert store(writer, topics.ALERTS, events, lo=4) == 4
    assert store(writer, topics.ACTIONS, [WINDOW, WINDOW.model_copy(update={"id": "a2"})]) == 0
    assert store(writer, topics.ACTIONS, [WINDOW], lo=2) == 1
    assert client.execute("SELECT count() FROM alerts") == [(3,)]
    assert client.execute(
        "SELECT event, severity, object_ids, spikes.resolution, `spikes.resolved_at`, started_at, text_ru "
        "FROM alerts WHERE revision = 3"
    ) == [
        (
            "escalated",
            "critical",
            ["sberbank", "vtb"],
            ["1h", "1h", "1h"],
            [None, SLICE.resolved_at, None],
            CHANGES["started_at"],
            "Списали дважды",
        )
    ]
    assert client.execute("SELECT id, recurrence, since FROM alert_actions ORDER BY id") == [
        ("a1", "weekly", WINDOW.since),
        ("a2", "weekly", WINDOW.since),
    ]


def life(incident: str, *steps: dict[str, Any]) -> list[Alert]:
    """Events of an incident, each a minute after the one before it and told as ``steps`` change it."""
    events, known = [], {"id": incident, "event": "updated"}
    for number, step in enumerate(steps):
        known = known | step
        events.append(samples.alert(number + 1).model_copy(update=known | {"at": minute(number)}))
    return events


def minute(number: int) -> Any:
    return samples.COLLECTED.replace(microsecond=0) + number * MINUTE


ACK = {"event": "acknowledged", "acknowledged_by": "Мария", "acknowledged_at": minute(2) + MINUTE / 2}
OVER = {"acknowledged_by": "", "acknowledged_at": None, "event": "resolved", "status": "resolved"}
QUIET = {"event": "opened", "suppressed_by": "maintenance"}


@pytest.mark.integration
def test_how_long_people_took(client: Any, writer: Writer) -> None:
    opened, loud = {"event": "opened"}, {"event": "resumed", "suppressed_by": ""}
    lives = {  # id: events; then announced_at, seconds_to_acknowledge, by whom first, by whom still
        "a nobody cares": ([opened], minute(0), None, "", ""),
        "b acknowledged": ([opened, {}, ACK], minute(0), 150, "Мария", "Мария"),
        "c and resolved": ([opened, {}, ACK, OVER], minute(0), 150, "Мария", ""),
        "d quiet": ([QUIET], None, None, "", ""),
        "e not told at once": ([QUIET, loud, ACK], minute(1), 90, "Мария", "Мария"),
        "f acknowledged before": ([QUIET, {}, ACK, loud], minute(3), 0, "Мария", "Мария"),
        "g in the quiet": ([QUIET, {}, ACK], None, None, "Мария", "Мария"),
    }
    store(
        writer, topics.ALERTS, [event for name, (steps, *_) in lives.items() for event in life(name, *steps)]
    )
    assert client.execute(
        "SELECT id, announced_at, seconds_to_acknowledge, first_acknowledged_by, acknowledged_by "
        "FROM incidents ORDER BY id"
    ) == [(name, *expected) for name, (_, *expected) in lives.items()]


@pytest.mark.integration
def test_an_incident_is_as_its_last_event_says(client: Any, writer: Writer) -> None:
    """What was set once and is not any more is not shown: argMax would skip NULLs."""
    resolved = {"status": "resolved", "event": "resolved", "resolved_at": samples.START + 90 * MINUTE}
    snoozed = {"event": "snoozed", "snoozed_until": minute(60), "severity": "critical"}
    back = {"status": "open", "event": "reopened", "resolved_at": None, "snoozed_until": None}
    store(writer, topics.ALERTS, life("back", snoozed, resolved, back))
    store(writer, topics.ALERTS, life("over", snoozed, resolved), lo=10)
    store(writer, topics.ALERTS, [full().model_copy(update={"id": "full"})], lo=20)
    rows = client.execute(
        "SELECT id, status, last_event, revision, resolved_at, snoozed_until, minutes FROM incidents "
        "WHERE id != 'full' ORDER BY id"
    )
    assert rows == [
        ("back", "open", "reopened", 3, None, None, 120),
        ("over", "resolved", "resolved", 2, resolved["resolved_at"], minute(60), 30),
    ]
    assert client.execute(
        "SELECT severity, escalations, resolutions, signals, slices, negatives, authors, names "
        "FROM incidents WHERE id = 'full'"
    ) == [
        (
            "critical",
            2,
            ["1h"],
            ["negativity", "volume"],
            ["", "source=vk"],
            170,
            91,
            ["роспотребнадзор"],
        )
    ]


@pytest.mark.integration
def test_the_queries_of_the_docs(client: Any, writer: Writer) -> None:
    store(writer, topics.ALERTS, [*life("i", {"event": "opened"}, {}, ACK)])
    store(writer, topics.ACTIONS, [WINDOW])
    section = DOCS.read_text(encoding="utf-8").split("## Incidents", 1)[1].split("\n## ", 1)[0]
    queries = [part.split("```", 1)[0].strip() for part in section.split("```sql")[1:]]
    assert len(queries) >= 2
    for query in queries:
        client.execute(query)
