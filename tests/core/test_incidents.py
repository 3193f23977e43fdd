"""Incidents: which spikes belong together, what is said of them, and what people's decisions do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.incidents import KEEP, Incidents, UnknownTarget
from schemas import Alert, AlertAction, Spike
from tests.alerts.spikes import T0, at, spike, tell

COOLDOWN = timedelta(minutes=30)


def book() -> Incidents:
    return Incidents(tell, COOLDOWN)


def absorbed(incidents: Incidents, event: Spike, minute: float | None = None) -> Alert:
    alert = incidents.absorb(event, event.updated_at if minute is None else at(minute))
    assert alert is not None
    return alert


def action(what: str, target: str, minute: float = 5, **more: Any) -> AlertAction:
    fields = {"id": f"{what}-{target}-{minute}", "action": what, "target": target, "at": at(minute)}
    return AlertAction.model_validate({**fields, "author": "anna", **more})


def test_a_spike_is_an_incident_from_its_beginning_to_its_end() -> None:
    incidents = book()
    first = absorbed(incidents, spike())
    second = absorbed(incidents, spike(revision=2, status="updated", minute=60))
    last = absorbed(incidents, spike(revision=3, status="resolved", minute=120))
    assert [(each.event, each.status, each.revision) for each in (first, second, last)] == [
        ("opened", "open", 1),
        ("updated", "open", 2),
        ("resolved", "resolved", 3),
    ]
    assert {each.id for each in (first, second, last)} == {spike().id}
    assert last.resolved_at == at(120)
    assert last.en.title == "bank resolved"


def test_a_redelivered_event_says_nothing_new() -> None:
    incidents = book()
    absorbed(incidents, spike())
    absorbed(incidents, spike(revision=2, status="updated", minute=60))
    assert incidents.absorb(spike(), at(61)) is None
    assert incidents.absorb(spike(revision=2, status="updated", minute=60), at(61)) is None


def test_all_resolutions_and_slices_of_an_object_are_one_incident() -> None:
    incidents = book()
    quick = absorbed(incidents, spike(resolution="5m"))
    joined = absorbed(incidents, spike(minute=10, opened=10))
    assert joined.id == quick.id
    assert (joined.event, len(joined.spikes)) == ("joined", 2)
    absorbed(incidents, spike(revision=2, status="resolved", minute=20, resolution="5m"))
    done = absorbed(incidents, spike(revision=2, status="resolved", minute=90, opened=10))
    assert (done.event, done.status) == ("resolved", "resolved")


@pytest.mark.parametrize("shared", [{"name": "Регулятор"}, {"cluster": "c1"}])
def test_spikes_of_several_objects_with_a_common_cause_are_one_incident(shared: dict[str, str]) -> None:
    incidents = book()
    first = absorbed(incidents, spike("bank", **shared))
    second = absorbed(incidents, spike("rival", minute=5, opened=5, **shared))
    assert second.id == first.id
    assert second.object_ids == ("bank", "rival")


def test_spikes_without_a_common_cause_are_incidents_of_their_own() -> None:
    incidents = book()
    first = absorbed(incidents, spike("bank", name="Регулятор"))
    assert absorbed(incidents, spike("rival", minute=5, opened=5, name="Погода")).id != first.id
    replayed = spike("bank", minute=5, opened=5, timeline="replay:old", name="Регулятор")
    assert absorbed(incidents, replayed).id != first.id


def test_what_few_posts_share_joins_nothing() -> None:
    incidents = book()
    rare = {"explanation": {"names": [{"text": "Регулятор", "posts": 2, "expected": 0, "z": 9}]}}
    first = absorbed(incidents, spike("bank", **rare))
    assert absorbed(incidents, spike("rival", **rare)).id != first.id


@pytest.mark.parametrize(("name", "negatives"), [("RT", 40), ("Регулятор", 100)])
def test_the_mark_of_a_retweet_and_what_is_said_in_passing_join_nothing(name: str, negatives: int) -> None:
    incidents = book()
    first = absorbed(incidents, spike("bank", name=name, negatives=negatives))
    assert absorbed(incidents, spike("rival", name=name, negatives=negatives)).id != first.id
    assert first.names == ()


def test_severity_rises_and_never_falls() -> None:
    incidents = book()
    absorbed(incidents, spike())
    worse = absorbed(incidents, spike(revision=2, status="updated", minute=60, severity="critical"))
    assert (worse.event, worse.severity, worse.earlier_severities) == ("escalated", "critical", ("warning",))
    milder = absorbed(incidents, spike(revision=3, status="updated", minute=120))
    assert (milder.event, milder.severity) == ("updated", "critical")


def test_a_new_spike_soon_after_the_end_reopens_the_incident_quietly() -> None:
    incidents = book()
    absorbed(incidents, spike())
    ended = absorbed(incidents, spike(revision=2, status="resolved", minute=60))
    again = absorbed(incidents, spike(minute=80, opened=80))
    assert (again.id, again.event, again.suppressed_by) == (ended.id, "reopened", "cooldown")
    assert incidents.tick(at(89)) == []
    (resumed,) = incidents.tick(at(90))
    assert (resumed.event, resumed.suppressed_by) == ("resumed", "")


def test_a_worse_one_is_told_at_once() -> None:
    incidents = book()
    absorbed(incidents, spike())
    absorbed(incidents, spike(revision=2, status="resolved", minute=60))
    again = absorbed(incidents, spike(minute=80, opened=80, severity="critical"))
    assert (again.event, again.suppressed_by) == ("escalated", "")


def test_a_new_spike_after_the_cooldown_is_a_new_incident() -> None:
    incidents = book()
    ended = absorbed(incidents, spike())
    absorbed(incidents, spike(revision=2, status="resolved", minute=60))
    assert absorbed(incidents, spike(minute=91, opened=91)).id != ended.id


def test_an_acknowledgement_lasts_until_it_gets_worse_or_ends() -> None:
    incidents = book()
    opened = absorbed(incidents, spike())
    (taken,) = incidents.act(action("acknowledge", opened.id), at(6))
    assert (taken.event, taken.acknowledged_by, taken.acknowledged_at) == ("acknowledged", "anna", at(5))
    assert incidents.act(action("acknowledge", opened.id, 7, author="boris"), at(8)) == []
    assert absorbed(incidents, spike(revision=2, status="updated", minute=60)).acknowledged_by == "anna"
    worse = absorbed(incidents, spike(revision=3, status="updated", minute=70, severity="critical"))
    assert worse.acknowledged_by == ""
    incidents.act(action("acknowledge", opened.id, 71), at(71))
    (freed,) = incidents.act(action("unacknowledge", opened.id, 72), at(72))
    assert (freed.event, freed.acknowledged_by) == ("unacknowledged", "")


def test_a_snoozed_incident_comes_back() -> None:
    incidents = book()
    opened = absorbed(incidents, spike())
    (snoozed,) = incidents.act(action("snooze", opened.id, until=at(120)), at(6))
    assert (snoozed.event, snoozed.suppressed_by) == ("snoozed", "snooze")
    assert incidents.tick(at(119)) == []
    assert [each.event for each in incidents.tick(at(120))] == ["resumed"]


def test_maintenance_of_an_object_silences_its_incidents_and_no_others() -> None:
    incidents = book()
    absorbed(incidents, spike("bank"))
    window = action("maintenance", "bank", until=at(60))
    assert [each.event for each in incidents.act(window, at(5))] == ["suppressed"]
    assert absorbed(incidents, spike("rival", minute=6, opened=6)).suppressed_by == ""
    assert [each.event for each in incidents.act(action("cancel", window.id, 8), at(8))] == ["resumed"]
    incidents.act(action("snooze", "*", 10, until=at(60)), at(10))
    assert absorbed(incidents, spike("third", minute=11, opened=11)).suppressed_by == "snooze"
    assert {each.event for each in incidents.act(action("unsnooze", "*", 12), at(12))} == {"resumed"}


def test_decisions_about_nothing_are_refused() -> None:
    incidents = book()
    for what, more in (("acknowledge", {}), ("unsnooze", {}), ("cancel", {})):
        with pytest.raises(UnknownTarget):
            incidents.act(action(what, "nothing/1h/2026", **more), T0)


def test_old_incidents_are_forgotten_and_silent_ones_expire() -> None:
    incidents = book()
    absorbed(incidents, spike())
    assert incidents.tick(T0 + KEEP) == []
    later = T0 + KEEP + timedelta(seconds=1)
    assert [each.event for each in incidents.tick(later)] == ["expired"]
    assert incidents.forget(later) == []
    assert incidents.forget(later + KEEP + timedelta(seconds=1)) == [spike().id]
    assert list(incidents) == []


def test_maintenance_that_comes_and_goes_is_no_news_of_an_incident() -> None:
    incidents = book()
    absorbed(incidents, spike())
    late = KEEP - timedelta(hours=1)
    incidents.act(action("maintenance", "bank", until=T0 + late), at(5))
    assert [each.event for each in incidents.tick(T0 + late)] == ["resumed"]
    assert [each.event for each in incidents.tick(T0 + KEEP + timedelta(seconds=1))] == ["expired"]


def test_a_book_goes_on_from_what_was_saved() -> None:
    one, copy = book(), book()
    absorbed(one, spike())
    one.act(action("maintenance", "bank", until=at(60)), at(5))
    copy.load(list(one), one.silences.values())
    event = spike(revision=2, status="updated", minute=30)
    assert one.absorb(event, at(30)) == copy.absorb(event, at(30))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["bank", "rival", "third"]),
        st.sampled_from(["5m", "1h"]),
        st.sampled_from(["opened", "updated", "resolved"]),
        st.sampled_from(["info", "warning", "critical"]),
        st.sampled_from(["", "регулятор", "сбой"]),
        st.integers(0, 90),
    ),
    max_size=40,
)


@given(EVENTS)
def test_every_spike_is_in_exactly_one_incident_and_nothing_is_lost(drawn: list[Any]) -> None:
    incidents, told = book(), []
    minute, revisions = 0, dict[str, int]()
    for object_id, resolution, status, severity, name, step in drawn:
        minute += step
        key = f"{object_id}{resolution}"
        revisions[key] = revision = revisions.get(key, 0) + 1
        event = spike(
            object_id,
            revision,
            status,
            minute=minute,
            severity=severity,
            resolution=resolution,
            name=name,
        )
        alert = absorbed(incidents, event)
        assert any(member.id == event.id and member.revision == revision for member in alert.spikes)
        assert incidents.absorb(event, at(minute)) is None
        told.append(alert)
        told += incidents.tick(at(minute))
    members = [member.id for alert in incidents for member in alert.spikes]
    assert len(members) == len(set(members)) == len(revisions)
    for alert in incidents:
        assert alert.id == alert.lead.id
        assert (alert.status == "resolved") == all(each.status == "resolved" for each in alert.spikes)
        mine = [each.revision for each in told if each.id == alert.id]
        assert mine == list(range(1, alert.revision + 1))
