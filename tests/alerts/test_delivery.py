"""A courier: what becomes of a receiver that raises or never works, and how long it is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.alerts.delivery import LONGEST_PAUSE_S, LONGEST_WISH_S, pause
from pipeline.alerts.receiver import Later
from tests.alerts.spikes import at, spike
from tests.alerts.surroundings import LATER, Scripted, Stage, webhooks


async def test_what_cannot_be_delivered_for_a_day_is_a_dead_letter() -> None:
    chat = Scripted("chat", *[LATER] * 100_000)
    stage = Stage(webhooks("chat"), [chat])
    await stage.shift.start()
    await stage.take(spike("a"))
    await stage.settled()
    assert stage.time.now - at(0) > timedelta(days=1)
    assert [letter.detail for letter in stage.letters()] == [
        "expired: tried for 1 day, 0:00:00, in vain; the last reason: busy"
    ]
    assert max(stage.time.slept) <= LONGEST_PAUSE_S
    await stage.shift.end()


async def test_a_receiver_that_raises_is_logged_and_tried_again_while_the_others_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Scripted("broken", RuntimeError("a plugin's bug"), Later("HTTP 503: ''"))
    chat = Scripted("chat")
    stage = Stage(webhooks("broken", "chat"), [broken, chat])
    await stage.shift.start()
    await stage.take(spike("a"), spike("b"))
    await stage.settled()
    for receiver in (broken, chat):
        assert [each.alert.lead.object_id for each in receiver.got] == ["a", "b"]
    raised, refused = (record for record in caplog.records if record.name == "molva.alerts")
    assert raised.getMessage() == "broken: RuntimeError: a plugin's bug, again in 0.8 s"
    assert raised.exc_info is not None
    assert (refused.getMessage(), refused.exc_info) == ("broken: HTTP 503: '', again in 1.5 s", None)
    await stage.shift.end()


def test_pauses_grow_are_capped_and_keep_to_what_was_asked() -> None:
    assert [pause(attempt, 0, lambda: 0.0) for attempt in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert [pause(attempt, 0, lambda: 1.0) for attempt in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert pause(1000, 0, lambda: 1.0) == LONGEST_PAUSE_S
    assert pause(1, 90, lambda: 0.0) == 90
    assert pause(1, 10**9, lambda: 0.0) == LONGEST_WISH_S
