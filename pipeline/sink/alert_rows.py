"""Events of incidents and decisions about them -> rows of ``alerts`` and ``alert_actions``; pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sink.cells import Row, count, moment, moment_or_none
from schemas import Alert, AlertAction
from schemas.alert import AlertSpike


def alert_row(record: Alert) -> Row:
    """The row of ``alerts``: one event of an incident's life."""
    return {
        "id": record.id,
        "revision": count(record.revision),
        "event": record.event,
        "status": record.status,
        "severity": record.severity,
        "earlier_severities": list(record.earlier_severities),
        "object_ids": list(record.object_ids),
        "timeline": record.timeline,
        **_spike_cells(record.spikes),
        "clusters": list(record.clusters),
        "names": list(record.names),
        "opened_at": moment(record.opened_at),
        "started_at": moment(record.started_at),
        "updated_at": moment(record.updated_at),
        "resolved_at": moment_or_none(record.resolved_at),
        "at": moment(record.at),
        "heard_at": moment_or_none(record.heard_at),
        "acknowledged_by": record.acknowledged_by,
        "acknowledged_at": moment_or_none(record.acknowledged_at),
        "snoozed_until": moment_or_none(record.snoozed_until),
        "cooldown_until": moment_or_none(record.cooldown_until),
        "suppressed_by": record.suppressed_by,
        "comment": record.comment,
        "title_ru": record.ru.title,
        "text_ru": record.ru.text,
        "title_en": record.en.title,
        "text_en": record.en.text,
    }


def alert_action_row(record: AlertAction) -> Row:
    """The row of ``alert_actions``: one decision of a person."""
    return {
        "id": record.id,
        "action": record.action,
        "target": record.target,
        "since": moment_or_none(record.since),
        "until": moment_or_none(record.until),
        "recurrence": record.recurrence,
        "timezone": record.timezone,
        "author": record.author,
        "comment": record.comment,
        "at": moment(record.at),
    }


def _spike_cells(spikes: Sequence[AlertSpike]) -> Row:
    """The arrays ``spikes.*``, one element per spike of the incident."""
    return {
        "spikes.id": [spike.id for spike in spikes],
        "spikes.revision": [count(spike.revision) for spike in spikes],
        "spikes.status": [spike.status for spike in spikes],
        "spikes.object_id": [spike.object_id for spike in spikes],
        "spikes.object_kind": [spike.object_kind for spike in spikes],
        "spikes.resolution": [spike.resolution for spike in spikes],
        "spikes.signal": [spike.signal for spike in spikes],
        "spikes.dimension": [spike.dimension for spike in spikes],
        "spikes.value": [spike.value for spike in spikes],
        "spikes.severity": [spike.severity for spike in spikes],
        "spikes.opened_at": [moment(spike.opened_at) for spike in spikes],
        "spikes.started_at": [moment(spike.started_at) for spike in spikes],
        "spikes.updated_at": [moment(spike.updated_at) for spike in spikes],
        "spikes.resolved_at": [moment_or_none(spike.resolved_at) for spike in spikes],
        "spikes.negatives": [count(spike.negatives) for spike in spikes],
        "spikes.expected_negatives": [spike.expected_negatives for spike in spikes],
        "spikes.total": [count(spike.total) for spike in spikes],
        "spikes.authors": [count(spike.authors) for spike in spikes],
    }
