"""Events pushed by VK: who may send, what becomes of them, and when ``ok`` is said."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from agents.base import BadConfiguration
from agents.cursor import MemoryCursors
from agents.http.admission import IngestLimits
from agents.http.connections import Connection
from agents.manual_time import ManualTime
from agents.options import Lookup
from agents.runner import Runner
from agents.surroundings import Surroundings
from agents.vk_callback import Options, VkCallbackSource
from agents.vk_callback.door import Door
from agents.waiting import cancel
from pipeline.metrics import Metrics
from schemas import DeadLetter, Deletion, RawPost
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.pushed_day import pushed_for_a_day
from tests.agents.vk_callback.server import GROUP, Server, comment
from tests.agents.web.opening import local_web

SECRETS = {"CONFIRM": "c0nf1rm", "SECRET": "s3cret"}


def options(**given: Any) -> Options:
    entry = {"community": f"club{GROUP}", "confirmation": "env:CONFIRM", "secret": "env:SECRET"}
    fields = {"name": "one", "kind": "vk-callback", "communities": [entry], "port": 0, **given}
    return Options.model_validate(fields, context=Lookup(environment=SECRETS))


@asynccontextmanager
async def running(
    publisher: MemoryPublisher, *, time: ManualTime | None = None, **given: Any
) -> AsyncIterator[Server]:
    """The agent under a runner, and a sender that knows where it is."""
    time, metrics, stop = time or ManualTime(), Metrics(), asyncio.Event()
    async with local_web("http://127.0.0.1:1", time=time, metrics=metrics) as web:
        around = Surroundings(agent="vk-callback:one", web=web, metrics=metrics, clock=time.clock)
        source = VkCallbackSource(options(**given), around)
        runner = Runner(source, publisher, MemoryCursors(), metrics, clock=time.clock, jitter=lambda: 0.0)
        work = asyncio.ensure_future(runner.run(stop))
        try:
            listening = asyncio.ensure_future(source.listening.wait())
            await asyncio.wait((listening, work), timeout=20, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            async with Server("http://{}:{}/vk".format(*source.address)) as sender:
                yield sender
        finally:
            stop.set()
            await cancel(listening)
            await asyncio.wait((work,))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def records(publisher: MemoryPublisher) -> list[Any]:
    return [
        each.record for each in publisher.sent if isinstance(each.record, RawPost | Deletion | DeadLetter)
    ]


async def test_a_community_is_confirmed_and_its_events_are_taken() -> None:
    publisher = MemoryPublisher()
    async with running(publisher) as vk:
        confirmation = {"type": "confirmation", "group_id": GROUP}
        assert await vk.send(confirmation) == (200, "c0nf1rm")
        post = comment(5, "новость 😀", owner_id=-GROUP, from_id=-GROUP, post_type="post")
        assert await vk.publish("wall_post_new", post) == (200, "ok")
        reply = comment(6, "слово", post_id=5, post_owner_id=-GROUP, owner_id=-GROUP)
        assert await vk.publish("wall_reply_new", reply) == (200, "ok")
        assert await vk.publish("wall_reply_edit", {**reply, "text": "другое"}) == (200, "ok")
        gone = {"owner_id": -GROUP, "id": 6, "deleter_id": 7, "post_id": 5}
        assert await vk.publish("wall_reply_delete", gone) == (200, "ok")
        photo = comment(3, photo_id=9, photo_owner_id=-GROUP)
        assert await vk.publish("photo_comment_new", photo) == (200, "ok")
        assert await vk.publish("board_post_new", comment(2, topic_id=4, topic_owner_id=-GROUP)) == (
            200,
            "ok",
        )
        assert await vk.publish("like_add", {"liker_id": 7, "object_id": 5}) == (200, "ok")
        assert await vk.publish("wall_post_new", {**post, "id": 8, "post_type": "suggest"}) == (200, "ok")
        assert await vk.publish("wall_reply_new", comment(9, post_id=5, date="soon")) == (200, "ok")
    found = records(publisher)
    assert [record.id for record in found if isinstance(record, RawPost)] == [
        "vk:-123_5",
        "vk:-123_6",
        "vk:-123_6",
        "vk:photo-123_9_3",
        "vk:topic-123_4_2",
    ]
    assert [record.id for record in found if isinstance(record, Deletion)] == ["vk:-123_6"]
    assert [record.reason for record in found if isinstance(record, DeadLetter)] == ["invalid"]
    assert (found[1].thread_root, found[1].kind, found[2].text) == ("vk:-123_5", "comment", "другое")
    assert found[2].revision > 0


async def test_ok_is_said_only_once_kafka_has_it_and_repeats_are_harmless() -> None:
    publisher = MemoryPublisher()
    async with running(publisher, port=free_port()) as vk:
        publisher.failure = KafkaTimeoutError()
        post = comment(5, owner_id=-GROUP, from_id=-GROUP)
        status, body = await vk.publish("wall_post_new", post)
        assert (status, body != "ok") == (503, True)
        publisher.failure = None
        assert records(publisher) == []
        async with asyncio.timeout(20):
            while vk.unsent:
                with suppress(OSError):  # the agent begins again
                    await vk.repeat()
                await asyncio.sleep(0.05)  # until the deadline
    assert {record.id for record in records(publisher)} == {"vk:-123_5"}


async def test_a_repeated_event_is_taken_once() -> None:
    publisher = MemoryPublisher()
    async with running(publisher) as vk:
        event = comment(5, owner_id=-GROUP, from_id=-GROUP)
        for _ in range(3):
            assert await vk.publish("wall_post_new", event, event_id="same") == (200, "ok")
    assert len(records(publisher)) == 1


async def test_an_event_that_kafka_confirms_late_is_taken_once() -> None:
    """VK repeats it while it waits, and after that: an edit would become two revisions."""
    door = Door(options(), IngestLimits(confirm=timedelta(seconds=0.1)))
    edit = comment(5, "другое", owner_id=-GROUP)
    async with door.opened() as address, Server("http://{}:{}/vk".format(*address)) as vk:
        for _ in range(2):
            assert (await vk.publish("wall_reply_edit", edit, event_id="same"))[0] == 503
        event = door.queue.get_nowait()
        assert door.queue.empty(), "it is on its way once"
        event.settle()
        assert await vk.publish("wall_reply_edit", edit, event_id="same") == (200, "ok")
        assert door.queue.empty()
        waiting = asyncio.ensure_future(vk.publish("wall_reply_edit", edit, event_id=""))
        (await door.queue.get()).settle(taken=False)
        assert (await waiting)[0] == 503, "what will never be there is not taken"


async def test_strangers_are_refused() -> None:
    publisher = MemoryPublisher()
    async with running(publisher) as vk:
        post = comment(5, owner_id=-GROUP)
        for fields in (
            {"secret": "wrong"},
            {"secret": None},
            {"secret": "\ud800"},
            {"secret": ["s3cret"]},
            {"group_id": 77},
            {"group_id": "123"},
        ):
            status, _ = await vk.publish("wall_post_new", post, **fields)
            assert status == 403
        assert await vk.raw(b"{") == 400
        assert await vk.raw(b"[]") == 400
        assert await vk.raw(b"[" * 100_000) == 400
        assert await vk.raw(b"\xff\xfe{}") == 400
        assert await vk.raw(b"x" * 1_100_000) == 413
        wrong = {"type": "confirmation", "group_id": GROUP, "secret": "wrong"}
        assert (await vk.send(wrong))[0] == 403
    assert records(publisher) == []


async def test_a_port_that_is_taken_is_told() -> None:
    publisher = MemoryPublisher()
    async with running(publisher) as vk:
        port = int(vk.url.split(":")[2].split("/")[0])
        with pytest.raises(BadConfiguration, match="choose another"):
            async with running(MemoryPublisher(), port=port):
                raise AssertionError("it has begun")


async def test_a_day_without_growth(open_now: set[Connection]) -> None:
    """Posts, edits, deletions, and strangers."""
    publisher, time = MemoryPublisher(), ManualTime()
    async with running(publisher, time=time) as vk:

        async def event(number: int) -> None:
            text = f"слово {number} " * 100
            post = comment(number, text, owner_id=-GROUP, from_id=-GROUP)
            assert await vk.publish("wall_post_new", post) == (200, "ok")
            assert await vk.publish("wall_reply_edit", comment(number, text, post_id=1)) == (200, "ok")
            assert await vk.publish("wall_reply_delete", {"id": number, "owner_id": -GROUP}) == (200, "ok")
            assert (await vk.publish("wall_post_new", post, secret="wrong"))[0] == 403

        async def push(hour: int) -> None:
            await asyncio.gather(*(event(number) for number in range(hour * 20, hour * 20 + 20)))
            vk.unsent.clear()

        await pushed_for_a_day(time, publisher, push, lambda: len(open_now), most=20)
