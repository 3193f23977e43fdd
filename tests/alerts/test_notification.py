"""The notification stage: who is told, in which order, what a crash and a bad receiver change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from pipeline.alerts.receiver import Later, Refused
from schemas import AlertAction
from tests.alerts.spikes import at, spike
from tests.alerts.surroundings import LATER, MemoryRows, Scripted, Stage, Time, until, webhooks

ID = spike().id


def open_incidents(stage: Stage) -> float | None:
    """The metric, of warnings."""
    return stage.metrics.registry.get_sample_value("molva_incidents_open", {"severity": "warning"})


async def test_receivers_are_told_of_the_beginning_and_the_end_but_not_of_every_update() -> None:
    chat = Scripted("chat")
    stage = Stage(webhooks("chat"), [chat])
    await stage.shift.start()
    await stage.take(spike(), spike(revision=2, status="updated", minute=5))
    await stage.take(spike(revision=3, status="resolved", minute=9))
    await stage.settled()
    assert [each.alert.event for each in chat.got] == ["opened", "resolved"]
    assert [each.event for each in stage.alerts()] == ["opened", "updated", "resolved"]
    assert chat.keys() == [f"{ID}#1#chat", f"{ID}#3#chat"]
    await stage.shift.end()


async def test_a_failing_receiver_loses_nothing_keeps_the_order_and_is_asked_ever_less_often() -> None:
    chat = Scripted("chat", *[LATER] * 4, Later("limit", after=30.0))
    stage = Stage(webhooks("chat"), [chat])
    await stage.shift.start()
    await stage.take(*(spike(f"o{number}") for number in range(5)))
    await stage.settled()
    assert [each.alert.lead.object_id for each in chat.got] == [f"o{number}" for number in range(5)]
    assert stage.time.slept == [0.75, 1.5, 3.0, 6.0, 30.0]
    assert (stage.count("chat", "retried"), stage.count("chat", "delivered")) == (5, 5)
    await stage.shift.end()


async def test_a_refusal_is_a_dead_letter_and_the_next_one_is_told() -> None:
    chat = Scripted("chat", Refused("HTTP 400: 'no such channel'"))
    stage = Stage(webhooks("chat"), [chat])
    await stage.shift.start()
    await stage.take(spike("a"), spike("b"))
    await stage.settled()
    (letter,) = stage.letters()
    assert (letter.stage, letter.reason) == ("notification", "failed")
    assert letter.origin == f"{spike('a').id}#1#chat"
    assert letter.detail == "refused: HTTP 400: 'no such channel'"
    assert [each.alert.lead.object_id for each in chat.got] == ["b"]
    await stage.shift.end()


async def test_a_receiver_that_hangs_holds_up_nobody_and_its_queue_is_bounded() -> None:
    slow, quick = Scripted("slow"), Scripted("quick")
    slow.hold.clear()
    stage = Stage(webhooks("slow", "quick"), [slow, quick], limit=3)
    await stage.shift.start()
    for number in range(6):
        await stage.take(spike(f"o{number}"))
        await asyncio.sleep(0)
    await until(lambda: len(quick.got) == 6)
    assert [letter.detail for letter in stage.letters()] == ["dropped: the receiver's queue is full"] * 3
    slow.hold.set()
    await stage.settled()
    assert [each.alert.lead.object_id for each in slow.got] == ["o0", "o4", "o5"]
    await stage.shift.end()


async def test_a_killed_worker_is_followed_by_one_that_tells_what_is_left_and_nothing_twice() -> None:
    rows, time = MemoryRows(), Time()
    first_chat, busy = Scripted("chat"), Scripted("busy")
    busy.hold.clear()
    first = Stage(webhooks("chat", "busy"), [first_chat, busy], rows, time)
    await first.shift.start()
    await first.take(spike("a"))
    await until(lambda: not any(key.startswith("outbox|chat") for key in rows.rows))
    for task in first.shift._tasks:  # kill -9: nothing is finished, nothing acknowledged
        task.cancel()
    chat, freed = Scripted("chat"), Scripted("busy")
    second = Stage(webhooks("chat", "busy"), [chat, freed], rows, time)
    await second.shift.start()
    await second.take(spike("a"), spike("a", 2, "resolved", minute=9))  # the first one is delivered again
    await second.settled()
    assert [each.alert.event for each in chat.got] == ["resolved"]
    assert [each.alert.event for each in freed.got] == ["opened", "resolved"]
    await second.shift.end()


@pytest.mark.parametrize(
    ("cluster", "end", "taken"),
    [("c1", 9, ["acknowledged"]), ("c2", 9, ["acknowledged"] * 2), ("c1", 3, ["acknowledged"] * 2)],
    ids=["redelivered", "another broker", "a topic made anew"],
)
async def test_what_was_taken_is_not_taken_again(cluster: str, end: int, taken: list[str]) -> None:
    rows = MemoryRows()
    decisions = [
        AlertAction(id=action, action=action, target=ID, at=at(0))  # type: ignore[arg-type]
        for action in ("acknowledge", "unacknowledge")
    ]
    first = Stage(webhooks(), [], rows)
    await first.shift.start()
    await first.take(spike(), *decisions, spike(revision=2, status="updated"))
    second = Stage(webhooks(), [], rows, cluster=cluster)
    second.offset, second.end = 1, end
    await second.shift.start()
    await second.take(*decisions)
    told = [each.event for each in (*first.alerts(), *second.alerts()) if each.event == "acknowledged"]
    assert told == taken


async def test_a_delivery_that_could_not_be_recorded_comes_again_under_the_same_key() -> None:
    class Failing(MemoryRows):
        broken = True

        async def write(self, rows: Mapping[str, bytes | None]) -> None:
            settled = [key for key, value in rows.items() if key.startswith("outbox|") and value is None]
            if self.broken and settled:
                raise ConnectionError("Kafka is away")
            await super().write(rows)

    rows = Failing()
    one = Scripted("chat")
    first = Stage(webhooks("chat"), [one], rows)
    await first.shift.start()
    await first.take(spike())
    await until(first.shift._tasks[0].done)
    with pytest.raises(ConnectionError):
        first.shift.raise_failure()
    rows.broken = False
    two = Scripted("chat")
    second = Stage(webhooks("chat"), [two], rows)
    await second.shift.start()
    await second.settled()
    assert one.keys() == two.keys() == [f"{ID}#1#chat"]
    await second.shift.end()


async def test_nobody_is_told_of_spikes_that_kafka_got_long_ago() -> None:
    chat = Scripted("chat")
    stage = Stage(webhooks("chat"), [chat])
    await stage.shift.start()
    old = stage._incoming(spike(), "molva.spikes")
    ended = stage._incoming(spike(revision=2, status="resolved", minute=9), "molva.spikes")
    stage.time.now += timedelta(days=3)
    await stage.shift.take([old, ended])
    await stage.shift.tick()
    await stage.settled()
    assert chat.got == []
    assert [each.event for each in stage.alerts()] == ["opened", "resolved"]
    await stage.shift.end()


async def test_who_refused_the_beginning_hears_of_the_next_event_and_not_every_second() -> None:
    chat, rows = Scripted("chat", Refused("HTTP 401")), MemoryRows()
    stage = Stage(webhooks("chat"), [chat], rows)
    await stage.shift.start()
    await stage.take(spike())
    await stage.settled()
    await stage.shift.tick()
    await stage.shift.tick()
    assert (chat.got, len(stage.letters())) == ([], 1)
    assert b'"chat":"lost"' in rows.rows[f"incident|{ID}"]
    await stage.take(spike(revision=2, status="updated", minute=5))
    await stage.settled()
    assert [each.alert.event for each in chat.got] == ["updated"]
    await stage.shift.end()


async def test_incidents_of_replays_are_not_counted_as_open() -> None:
    stage = Stage(webhooks(), [])
    await stage.shift.start()
    await stage.take(spike("a", timeline="replay:x"))
    assert open_incidents(stage) == 0
    await stage.take(spike("b"))
    assert open_incidents(stage) == 1
    await stage.shift.end()


async def test_who_is_asleep_hears_in_the_morning_of_what_is_still_open() -> None:
    chat = Scripted("chat")
    route = {"receivers": "chat", "hours": "12:00-20:00", "timezone": "UTC"}
    stage = Stage(webhooks("chat", routes=[route]), [chat])
    await stage.shift.start()
    await stage.take(spike("a"), spike("b"))
    await stage.take(spike("b", 2, "resolved", minute=30))
    await stage.shift.tick()
    assert chat.got == []
    stage.time.now = at(120)
    await stage.shift.tick()
    await stage.settled()
    await stage.shift.tick()
    assert [each.alert.lead.object_id for each in chat.got] == ["a"]
    await stage.shift.end()


async def test_a_snooze_keeps_quiet_and_the_end_of_it_does_not() -> None:
    chat = Scripted("chat")
    stage = Stage(webhooks("chat"), [chat])
    await stage.shift.start()
    snooze = AlertAction(id="s", action="snooze", target="bank", until=at(60), at=at(0), author="anna")
    await stage.take(snooze)
    await stage.take(spike())
    await stage.shift.tick()
    assert chat.got == []
    stage.time.now = at(60)
    await stage.shift.tick()
    await stage.settled()
    assert [each.alert.event for each in chat.got] == ["resumed"]
    assert not any(key.startswith("silence|") for key in stage.rows.rows)
    await stage.shift.end()


async def test_bad_records_and_decisions_about_nothing_are_dead_letters() -> None:
    stage = Stage(webhooks(), [])
    await stage.shift.start()
    await stage.take(b"{", AlertAction(id="x", action="acknowledge", target="nothing", at=at(0)))
    assert [(each.stage, each.reason) for each in stage.letters()] == [
        ("notification", "not_json"),
        ("notification", "invalid"),
    ]
    await stage.shift.end()


async def test_notifications_of_a_receiver_that_was_removed_are_dead_letters() -> None:
    rows = MemoryRows()
    chat = Scripted("chat")
    chat.hold.clear()
    first = Stage(webhooks("chat"), [chat], rows)
    await first.shift.start()
    await first.take(spike())
    await first.shift.end()
    second = Stage(webhooks("other"), [Scripted("other")], rows)
    await second.shift.start()
    assert [each.detail for each in second.letters()] == ["dropped: the receiver is no longer in alerts.yaml"]
    assert not any(key.startswith("outbox|chat") for key in rows.rows)
    await second.shift.end()
