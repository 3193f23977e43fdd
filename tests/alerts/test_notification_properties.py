"""Whatever the crashes: everybody hears the same things in the same order as without them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.notification import Shift
from schemas import Spike
from tests.alerts.spikes import spike
from tests.alerts.surroundings import LATER, MemoryRows, Scripted, Stage, Time, webhooks

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["bank", "rival", "third"]),
        st.sampled_from(["opened", "updated", "resolved"]),
        st.sampled_from(["info", "warning", "critical"]),
        st.sampled_from(["", "регулятор"]),
    ),
    min_size=1,
    max_size=12,
)
CRASHES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.integers(0, 40)), max_size=3)
"""After how many records, how many of them come again, how many steps of the loop the worker had left."""


def events(drawn: Sequence[Any]) -> list[Spike]:
    revisions: dict[str, int] = {}
    found = []
    for minute, (object_id, status, severity, name) in enumerate(drawn):
        revisions[object_id] = revision = revisions.get(object_id, 0) + 1
        found.append(spike(object_id, revision, status, minute=minute, severity=severity, name=name))
    return found


def kill(shift: Shift) -> None:
    for task in shift._tasks:
        task.cancel()


async def told(records: Sequence[Spike], crashes: Sequence[tuple[int, int, int]]) -> dict[str, list[str]]:
    """By receiver, the keys that it has got, each where it came first."""
    rows, time, heard = MemoryRows(), Time(), {"chat": dict[str, None](), "mail": dict[str, None]()}
    done = 0
    for at, again, steps in [*sorted(crashes), (len(records), 0, -1)]:
        receivers = [Scripted("chat"), Scripted("mail", LATER, LATER)]
        stage = Stage(webhooks("chat", "mail"), receivers, rows, time)
        stage.offset = done
        await stage.shift.start()
        for record in records[done : max(done, at)]:
            await stage.take(record)
        if steps < 0:
            await stage.settled()
        for _ in range(steps):
            await asyncio.sleep(0)
        kill(stage.shift)
        await asyncio.sleep(0)
        for receiver in receivers:
            heard[receiver.name] |= dict.fromkeys(receiver.keys())
        done = max(0, max(done, min(at, len(records))) - again)
    return {name: list(keys) for name, keys in heard.items()}


@settings(deadline=None, max_examples=60)
@given(EVENTS, CRASHES)
def test_crashes_lose_nothing_and_change_no_order(drawn: Any, crashes: Any) -> None:
    records = events(drawn)
    assert asyncio.run(told(records, crashes)) == asyncio.run(told(records, []))
