"""Reading a mailbox for long: kills, news by IDLE, polling, broken connections, moved UIDs, a day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from datetime import timedelta

import pytest

from agents.base import (
    BadConfiguration,
    Collected,
    CursorCorrupt,
    Found,
    Progress,
    Refused,
    SourceUnavailable,
)
from agents.email.folder import IDLE_SECONDS
from agents.manual_time import JumpingTime, ManualTime
from tests.agents.day import lives_a_day
from tests.agents.email.letters import letter
from tests.agents.email.reading import Reader
from tests.agents.email.server import USER, Server
from tests.agents.telegram.items import ids, kills, last_cursor


async def until_true(check: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def texts(items: Sequence[Collected]) -> list[str]:
    return [item.post.text for item in items if isinstance(item, Found)]


async def test_nothing_is_lost_by_a_kill_at_any_item(imap: Server) -> None:
    for number in range(23):
        imap.publish(letter(number=number), step=number % 3 + 1)
        imap.publish(letter(number=f"p{number}"), "Пресса", step=2)
    imap.boxes["&BB8EQAQ1BEEEQQQw-"] = imap.boxes.pop("Пресса")
    reader = Reader(imap, folders=[{"folder": "INBOX"}, {"folder": "Пресса", "role": "press"}])
    whole = await reader.read()
    assert len(set(ids(whole))) == len(ids(whole)) == 46
    for before, saved in kills(whole, None):
        assert set(before) | set(ids(await reader.read(saved))) == set(ids(whole))
    assert ids(await reader.read(last_cursor(whole))) == []


async def test_news_comes_by_idle_which_is_begun_anew_every_29_minutes(imap: Server) -> None:
    time = ManualTime()
    reader = Reader(imap, time=time)
    async with reader.web() as web, aclosing(reader.source(web).posts(None)) as stream:  # type: ignore[type-var]
        assert isinstance(await anext(stream), Progress)
        coming = asyncio.ensure_future(anext(stream))
        await until_true(lambda: imap.idling)
        imap.publish(letter(number=1))
        found = await coming
        assert isinstance(found, Found) and found.cursor is not None
        coming = asyncio.ensure_future(anext(stream))
        assert isinstance(await coming, Progress)
        coming = asyncio.ensure_future(anext(stream))
        await until_true(lambda: imap.idling)
        imap.tell("INBOX", "* OK Still here")
        assert len(imap.asked("IDLE")) == 2
        time.move(seconds=IDLE_SECONDS)
        assert isinstance(await coming, Progress)
        coming = asyncio.ensure_future(anext(stream))
        await until_true(lambda: len(imap.asked("IDLE")) == 3)
        coming.cancel()
        await asyncio.wait((coming,))
    await until_true(lambda: not imap.sessions)
    assert {line.split()[0] for _, line in imap.commands} >= {"EXAMINE", "IDLE", "SEARCH", "FETCH"}
    assert not imap.asked("STORE") and not imap.asked("SELECT")


async def test_news_that_comes_between_the_search_and_idle_is_not_missed(imap: Server) -> None:
    reader = Reader(imap, time=ManualTime())
    async with reader.web() as web, aclosing(reader.source(web).posts(None)) as stream:  # type: ignore[type-var]
        await anext(stream)
        for number in range(20):
            imap.publish(letter(number=number))
        found = []
        async with asyncio.timeout(10):
            while len(found) < 20:
                item = await anext(stream)
                found += [item.post.native_id] if isinstance(item, Found) else []
    assert len(set(found)) == 20


async def test_a_server_without_idle_is_asked(imap: Server) -> None:
    imap.capabilities.remove("IDLE")
    imap.publish(letter(number=1))
    reader = Reader(imap, poll_seconds=30)
    cursor = last_cursor(await reader.read())
    polls = 0

    def arrive(items: Sequence[Collected]) -> bool:
        nonlocal polls
        polls += 1
        if polls == 3:
            imap.publish(letter(number=2))
        return bool(ids(items))

    assert len(ids(await reader.read(cursor, until=arrive))) == 1
    assert imap.asked("NOOP") and not imap.asked("IDLE")
    assert reader.time.pauses.count(30.0) >= 3


@pytest.mark.parametrize("fault", [None, "* BYE shutting down", "NO [UNAVAILABLE] later"])
@pytest.mark.parametrize("command", ["LOGIN", "EXAMINE", "SEARCH", "FETCH", "IDLE"])
async def test_what_breaks_off_goes_on_from_the_cursor(imap: Server, command: str, fault: str | None) -> None:
    for number in range(12):
        imap.publish(letter(number=number))
    reader = Reader(imap)
    imap.faults[command] = [fault, fault] if fault and fault.startswith("*") else [fault]
    items: list[Collected] = []

    def seen(found: Sequence[Collected]) -> bool:
        items.append(found[-1])
        return len(imap.asked("IDLE")) > 2 and isinstance(found[-1], Progress)

    for _ in range(3):
        saved = [item.cursor for item in items if item.cursor is not None]
        with suppress(SourceUnavailable):
            await reader.read(saved[-1] if saved else None, until=seen)
            break
    assert len(set(ids(items))) == len(ids(items)) == 12
    assert imap.opened > 1


async def test_connections_that_break_in_idle_are_made_anew(imap: Server) -> None:
    time = ManualTime()
    reader = Reader(imap, time=time)
    async with reader.web() as web, aclosing(reader.source(web).posts(None)) as stream:  # type: ignore[type-var]
        await anext(stream)
        for number in range(3):
            coming = asyncio.ensure_future(anext(stream))
            await until_true(lambda: imap.idling)
            time.move(minutes=1)
            await imap.drop()
            imap.publish(letter(number=number))
            assert isinstance(await coming, Found)
            assert isinstance(await anext(stream), Progress)
    assert imap.opened == 4
    labels = {"agent": "email:one", "error": "SourceUnavailable"}
    assert reader.metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 3


async def test_uids_that_begin_anew_lose_nothing(imap: Server) -> None:
    for number in range(150):
        imap.publish(letter(number=number), arrived=imap.now - timedelta(hours=150 - number))
    reader = Reader(imap, history=150)
    first = await reader.read()
    imap.publish(letter(number="new"))
    imap.renumber()
    again = await reader.read(last_cursor(first))
    assert len(set(ids(again)) - set(ids(first))) == 1
    assert len(ids(again)) < 60
    assert ids(await reader.read(last_cursor(again))) == []


async def test_of_a_new_folder_the_latest_messages_are_read(imap: Server) -> None:
    for number in range(10):
        imap.publish(letter(str(number), number=number, subject="Тема"), step=5)
    assert [text[-1] for text in texts(await Reader(imap, history=3).read())] == ["7", "8", "9"]
    nothing = await Reader(imap, history=0).read()
    assert ids(nothing) == []
    imap.publish(letter("news", number="n"))
    assert len(ids(await Reader(imap, history=0).read(last_cursor(nothing)))) == 1


async def test_messages_that_vanish_between_search_and_fetch(imap: Server) -> None:
    for number in range(12):
        imap.publish(letter(number=number))
    reader, gone = Reader(imap), False

    def vanish(items: Sequence[Collected]) -> bool:
        nonlocal gone
        if not gone:
            gone = True
            for uid in (9, 10, 11):
                imap.expunge(uid)
        return isinstance(items[-1], Progress)

    found = ids(await reader.read(until=vanish))
    assert 9 <= len(found) <= 12
    assert len(set(found)) == len(found)


async def test_a_message_that_the_server_cannot_give_holds_nothing_up(imap: Server) -> None:
    for number in range(7):
        imap.publish(letter(number=number))
    imap.unreadable = {3}
    items = await Reader(imap).read()
    assert len(ids(items)) == 6
    (rejected,) = [item for item in items if type(item).__name__ == "Rejected"]
    assert rejected.origin == f"{USER}/INBOX#3" and "RFC-822" in rejected.detail  # type: ignore[union-attr]


async def test_what_was_collected_is_marked_as_read_only_if_asked_for(imap: Server) -> None:
    imap.publish(letter(number=1))
    await Reader(imap).read()
    assert imap.boxes["INBOX"].messages[0].flags == set()
    await Reader(imap, mark_seen=True).read()
    assert imap.boxes["INBOX"].messages[0].flags == {"\\Seen"}


@pytest.mark.parametrize(
    ("given", "fault", "kind", "why"),
    [
        ({"password": "env:WRONG"}, {}, BadConfiguration, "is IMAP switched on|Is IMAP switched on"),
        ({}, {"LOGIN": ["NO [UNAVAILABLE] temporary"]}, SourceUnavailable, "temporary"),
        ({}, {"LOGIN": ["NO [LIMIT] too many connections"]}, Refused, "too many"),
        ({"folders": [{"folder": "Жалобы"}]}, {}, BadConfiguration, "no folder 'Жалобы'; there are INBOX"),
        ({"host": "localhost", "port": 1}, {}, SourceUnavailable, "localhost:1"),
    ],
)
async def test_what_a_person_must_mend(
    imap: Server,
    given: dict[str, object],
    fault: dict[str, list[str | None]],
    kind: type[Exception],
    why: str,
) -> None:
    imap.faults = fault
    with pytest.raises(kind, match=why) as told:
        await Reader(imap, **given).read()
    assert "correct horse" not in str(told.value)


async def test_a_damaged_cursor_is_told(imap: Server) -> None:
    with pytest.raises(CursorCorrupt):
        await Reader(imap).read("{}x")


async def test_a_period_of_the_past_also_after_kills(imap: Server) -> None:
    for number in range(240):
        at = imap.now - timedelta(hours=240 - number)
        imap.publish(letter(number=number, at=at), arrived=at)
    since, until = imap.now - timedelta(hours=120), imap.now - timedelta(hours=96)
    reader = Reader(imap, history=0)
    whole = await reader.past(since, until)
    assert 24 <= len(ids(whole)) <= 24 * 4
    for before, saved in list(kills(whole, None))[::7]:
        assert set(before) | set(ids(await reader.past(since, until, saved))) == set(ids(whole))
    assert ids(await reader.past(since, until, last_cursor(whole))) == []


async def test_a_day_without_growth(imap: Server) -> None:
    reader = Reader(imap, time=JumpingTime(imap.now))

    def publish(hour: int) -> None:
        imap.now = reader.time.clock()
        for number in range(5):
            imap.publish(letter("слово " * 2000, number=f"{hour}-{number}", at=imap.now))

    async with reader.web() as web:
        found = await lives_a_day(
            reader.source(web),
            reader.time,
            publish,
            connections=lambda: len(imap.sessions),
            most_connections=1,
            largest_cursor=120,
        )
    assert len(found) == len(set(found)) >= 5 * 22
    assert imap.opened == 1
    assert len(imap.asked("IDLE")) <= 24 * 3 + 60
