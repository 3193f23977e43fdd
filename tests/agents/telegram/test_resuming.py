"""After a kill at any item nothing is lost; gaps are filled; pages that shift lose nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from telethon.tl import types

from agents.base import CursorCorrupt
from tests.agents.telegram.items import ids, kills, last_cursor, posts, rounds
from tests.agents.telegram.pieces import photo
from tests.agents.telegram.reading import Reader
from tests.agents.telegram.server import Server
from tests.agents.telegram.world import Room


def busy(telegram: Server, *, closed: bool = False) -> tuple[Room, Room]:
    """Two channels, the first with comments."""
    world = telegram.world
    first, second = world.room("teplobank"), world.room("other_bank")
    world.discussed(first, None if closed else "teplo_chat", closed=closed)
    for number in range(7):
        telegram.publish(first, f"новость {number}")
        telegram.publish(second, f"другое {number}")
        world.person(number + 1, f"Человек {number}")
        world.comment(first, 1, f"комментарий {number}", number + 1)
    for number in range(7):
        telegram.publish(first, "", media=photo(number), grouped_id=100 + number // 3)
    return first, second


def later(telegram: Server, first: Room, second: Room) -> None:
    world = telegram.world
    telegram.publish(first, "ещё")
    world.edit(first, 3, "правка", at=world.now + timedelta(minutes=1))
    world.delete(second, 2)
    for number in range(3):
        telegram.publish(first, "", media=photo(number), grouped_id=200)
        world.comment(first, 5, f"новый {number}", 1)
    telegram.publish(second, "и ещё")


@pytest.mark.parametrize("closed", [False, True])
async def test_nothing_is_lost_by_a_kill_at_any_item(
    telegram: Server, closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.telegram.room.PAGE", 4)
    telegram.methods.page = 4
    rooms = busy(telegram, closed=closed)
    reader = Reader(telegram, "teplobank", "other_bank")
    whole = await reader.read()
    assert len(set(ids(whole))) == 7 + 7 + 3 + 7
    for before, saved in kills(whole, None):
        assert set(before) | set(ids(await reader.read(saved))) == set(ids(whole))
    cursor = last_cursor(whole)
    later(telegram, *rooms)
    news = await reader.read(cursor)
    assert {"teplobank/3@", "-other_bank/2", "teplobank/15", "other_bank/8"} < set(ids(news))
    for before, saved in kills(news, cursor):
        assert set(before) | set(ids(await reader.read(saved))) == set(ids(news))


async def test_a_gap_that_is_too_long_is_filled_from_the_history(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    for number in range(5):
        telegram.publish(room, f"новость {number}")
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    room.forgets = 10
    for number in range(250):
        telegram.publish(room, f"лавина {number}")
    telegram.world.edit(room, 4, "правка", at=telegram.world.now + timedelta(minutes=1))
    found = ids(await reader.read(cursor))
    assert set(found) == {"teplobank/4@", *(f"teplobank/{number}" for number in range(6, 256))}
    lost = {"agent": "telegram:one", "error": "EventsLost"}
    assert reader.metrics.registry.get_sample_value("molva_agent_errors_total", lost) == 1


async def test_a_place_that_telegram_forgot_is_found_again(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    telegram.publish(room, "одна")
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    telegram.publish(room, "две")
    telegram.failures.append(("GetChannelDifference", 400, "PERSISTENT_TIMESTAMP_INVALID"))
    assert ids(await reader.read(cursor)) == ["teplobank/2"]


async def test_pages_that_shift_while_they_are_read(
    telegram: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.telegram.room.PAGE", 5)
    room = telegram.world.room("teplobank")
    for number in range(40):
        telegram.publish(room, f"новость {number}")
    old = {f"teplobank/{number}" for number in range(1, 41)}

    def shift(method: str) -> None:
        if method == "GetHistory" and len(room.messages) > 30:
            telegram.world.delete(room, *sorted(room.messages)[1:3])
            telegram.publish(room, "новее")

    telegram.before = shift
    found = set(ids(await Reader(telegram, "teplobank").read()))
    there = {f"teplobank/{number}" for number in room.messages}
    assert there <= found, "whatever still exists was read"
    assert found - there <= old | {f"-{each}" for each in old}


async def test_another_account_looks_the_channels_up_again(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    telegram.publish(room, "одна")
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    telegram.methods.me = types.User(id=778, is_self=True, access_hash=1, first_name="Other")
    room.access_hash += 1  # hashes differ from account to account
    telegram.publish(room, "две")
    assert ids(await reader.read(cursor)) == ["teplobank/2"]


async def test_a_channel_that_changes_its_name_keeps_its_ids(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    telegram.publish(room, "одна")
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    room.handle = "warm_bank"
    telegram.publish(room, "две")
    found = posts(await reader.read(cursor))
    assert list(found) == ["teplobank/2"]
    assert found["teplobank/2"].channel.handle == "warm_bank"


async def test_another_channel_under_the_same_name_gets_ids_of_its_own(telegram: Server) -> None:
    world = telegram.world
    room = world.room("teplobank")
    telegram.publish(room, "одна")
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    room.handle, room.closed = None, True
    heir = world.room("teplobank")
    telegram.publish(heir, "новый хозяин")
    reader.time.move(days=2)
    items = await reader.read(cursor, until=rounds(2))
    assert ids(items) == [f"c/{heir.id}/1"]


async def test_a_damaged_cursor_is_told(telegram: Server) -> None:
    with pytest.raises(CursorCorrupt):
        await Reader(telegram, "teplobank").read("{}x")
