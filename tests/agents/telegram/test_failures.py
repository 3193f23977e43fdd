"""What goes wrong at Telegram: pauses, private channels, void logins, silence, broken connections."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from agents.base import BadConfiguration, Collected, Refused, SourceUnavailable
from agents.telegram import Options
from tests.agents.telegram.items import ids, last_cursor, rounds
from tests.agents.telegram.reading import Reader, options_of
from tests.agents.telegram.server import Server


def errors(reader: Reader, kind: str) -> float:
    labels = {"agent": "telegram:one", "error": kind}
    return reader.metrics.registry.get_sample_value("molva_agent_errors_total", labels) or 0.0


async def test_a_flood_wait_is_obeyed_and_told(telegram: Server) -> None:
    telegram.publish(telegram.world.room("teplobank"), "новость")
    reader = Reader(telegram, "teplobank")
    telegram.failures.append(("GetHistory", 420, "FLOOD_WAIT_300"))
    with pytest.raises(Refused, match="@teplobank: Telegram wants a pause of 300 s") as told:
        await reader.read()
    assert told.value.retry_after == timedelta(seconds=300)


async def test_after_a_flood_wait_nothing_is_asked_before_its_end(telegram: Server) -> None:
    telegram.publish(telegram.world.room("teplobank"), "новость")
    reader = Reader(telegram, "teplobank")
    async with reader.web() as web:
        telegram.failures.append(("GetHistory", 420, "FLOOD_WAIT_90"))
        with pytest.raises(Refused):
            await reader.read(web=web)
        refused_at, asked = reader.time.clock(), len(telegram.times)
        await reader.read(web=web)
    assert telegram.times[asked] - refused_at >= timedelta(seconds=90)


async def test_a_pause_for_looking_names_up_holds_up_no_known_channel(telegram: Server) -> None:
    world = telegram.world
    telegram.publish(world.room("teplobank"), "новость")
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    reader.options = options_of(telegram, "other_bank", "teplobank")
    telegram.publish(world.room("other_bank"), "другое")
    telegram.publish(next(iter(world.rooms.values())), "ещё")
    telegram.failures.append(("ResolveUsername", 420, "FLOOD_WAIT_40000"))
    assert ids(await reader.read(cursor)) == ["teplobank/2"]
    assert errors(reader, "Postponed") == 1


@pytest.mark.parametrize(
    ("handle", "why"),
    [
        ("nobody_here", "@nobody_here does not exist: nobody has this name"),
        ("hidden_bank", "@hidden_bank is private, or the account was banned from it"),
        ("petya_ivanov", "@petya_ivanov is a person or a bot, not a channel or a public group"),
    ],
)
async def test_a_channel_that_cannot_be_read_is_told_and_harms_no_other(
    telegram: Server, handle: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = telegram.world
    telegram.publish(world.room("teplobank"), "новость")
    world.room("hidden_bank", closed=True)
    world.person(5, "Пётр", username="petya_ivanov")
    assert ids(await Reader(telegram, handle, "teplobank").read()) == ["teplobank/1"]
    assert why in caplog.text
    with pytest.raises(BadConfiguration, match=f"none of the channels can be read: {why[:20]}"):
        await Reader(telegram, handle).read()


async def test_a_channel_that_telegram_cannot_give_is_tried_again(telegram: Server) -> None:
    world = telegram.world
    broken = world.room("broken_bank", broken=True)
    telegram.publish(broken, "позже")
    telegram.publish(world.room("teplobank"), "новость")
    reader = Reader(telegram, "broken_bank", "teplobank")

    def mended(items: Sequence[Collected]) -> bool:
        if reader.time.clock() - world.now > timedelta(hours=1):
            broken.broken = False
        return "broken_bank/1" in ids(items)

    items = await reader.read(until=mended)
    assert ids(items) == ["teplobank/1", "broken_bank/1"]
    assert 3 <= errors(reader, "Troubled") <= 8, "ever more seldom"


async def test_an_error_of_telegram_is_one_of_its_channel(telegram: Server) -> None:
    world = telegram.world
    for handle in ("teplobank", "other_bank"):
        telegram.publish(world.room(handle), "новость")
    telegram.failures.append(("GetFullChannel", 500, "INTERNAL_SERVER_ERROR"))
    assert ids(await Reader(telegram, "teplobank", "other_bank").read()) == ["other_bank/1"]


@pytest.mark.parametrize(
    ("code", "message", "why"),
    [
        (401, "AUTH_KEY_UNREGISTERED", "not logged in"),
        (401, "SESSION_REVOKED", "not logged in"),
        (401, "USER_DEACTIVATED_BAN", "banned the account"),
        (406, "AUTH_KEY_DUPLICATED", "two places at once"),
        (420, "FROZEN_METHOD_INVALID", "frozen"),
        (400, "API_ID_INVALID", "api_id"),
    ],
)
async def test_a_void_login_is_told_to_a_person(telegram: Server, code: int, message: str, why: str) -> None:
    telegram.publish(telegram.world.room("teplobank"), "новость")
    telegram.failures.append(("GetFullChannel", code, message))
    with pytest.raises(BadConfiguration, match=why):
        await Reader(telegram, "teplobank").read()


async def test_a_session_that_was_ended_is_told(telegram: Server) -> None:
    telegram.revoked = True
    with pytest.raises(BadConfiguration, match="not logged in"):
        await Reader(telegram, "teplobank").read()


async def test_a_key_that_telegram_does_not_know_is_told(telegram: Server) -> None:
    async with Server() as other:
        reader = Reader(telegram, "teplobank", session=telegram.session)
        telegram.key = other.key
        with pytest.raises(BadConfiguration, match="does not know the session"):
            await reader.read()


async def test_a_bot_is_told_apart(telegram: Server) -> None:
    telegram.methods.me.bot = True
    telegram.methods.me.bot_info_version = 1
    with pytest.raises(BadConfiguration, match="a bot's"):
        await Reader(telegram, "teplobank").read()


@pytest.mark.parametrize("text", ["", "1abc", "not a session", "1" + "A" * 352])
async def test_a_session_string_that_is_none_is_told_without_showing_it(telegram: Server, text: str) -> None:
    reader = Reader(telegram, "teplobank", session=text or "x")
    with pytest.raises(BadConfiguration) as told:
        await reader.read()
    assert "session" in str(told.value)
    assert text[:8] not in str(told.value) or not text


async def test_silence_about_a_channel_holds_up_no_other(telegram: Server) -> None:
    world = telegram.world
    for handle in ("teplobank", "other_bank"):
        telegram.publish(world.room(handle), "новость")
    reader = Reader(telegram, "teplobank", "other_bank")
    reader.answer_seconds = 0.3
    telegram.silent.add("GetHistory")

    def speak_again(items: Sequence[Collected]) -> bool:
        telegram.silent.clear()
        return len(ids(items)) == 2

    assert ids(await reader.read(until=speak_again)) == ["other_bank/1", "teplobank/1"]
    assert errors(reader, "Troubled") == 1


async def test_a_broken_connection_is_an_outage(telegram: Server) -> None:
    telegram.publish(telegram.world.room("teplobank"), "новость")
    telegram.before = lambda method: telegram.drop() if method == "GetChannelDifference" else None
    with pytest.raises(SourceUnavailable):
        await Reader(telegram, "teplobank").read()


async def test_a_place_that_is_lost_again_and_again_ends(telegram: Server) -> None:
    telegram.publish(telegram.world.room("teplobank"), "новость")
    telegram.failures += [("GetChannelDifference", 400, "PERSISTENT_TIMESTAMP_INVALID")] * 5
    reader = Reader(telegram, "teplobank")
    assert ids(await reader.read()) == ["teplobank/1"]
    assert errors(reader, "Troubled") == 1


async def test_a_server_that_is_not_there_is_an_outage(telegram: Server, unused_tcp_port: int) -> None:
    telegram.port = unused_tcp_port
    reader = Reader(telegram, "teplobank")
    with pytest.raises(SourceUnavailable):
        await reader.read()


async def test_a_connection_that_breaks_while_nothing_is_due_is_noticed(telegram: Server) -> None:
    telegram.publish(telegram.world.room("teplobank"), "новость")
    reader = Reader(telegram, "teplobank")
    reader.time.sleep = _never  # type: ignore[method-assign]

    def cut(items: Sequence[Collected]) -> bool:
        if ids(items):
            asyncio.get_running_loop().call_later(0.05, telegram.drop)
        return False

    with pytest.raises(SourceUnavailable):
        await reader.read(until=cut)


async def _never(seconds: float) -> None:
    await asyncio.Event().wait()


async def test_secrets_are_in_no_log_and_no_error(telegram: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    telegram.publish(telegram.world.room("teplobank"), "новость")
    reader = Reader(telegram, "teplobank")
    await reader.read(until=rounds(2))
    shown = caplog.text + repr(reader.options) + str(reader.options.model_dump())
    for secret in (telegram.session, telegram.session[20:60], "0123456789abcdef"):
        assert secret not in shown


def test_private_chats_are_refused_with_a_reason() -> None:
    for name in ("https://t.me/+AbCdEf", "t.me/joinchat/AbCd"):
        with pytest.raises(ValueError, match="private chat"):
            Options.model_validate({"name": "a", "kind": "telegram", "channels": [name]})


async def test_a_long_pause_is_waited_for_by_the_runner(telegram: Server) -> None:
    telegram.publish(telegram.world.room("teplobank"), "новость")
    reader = Reader(telegram, "teplobank")
    async with reader.web() as web:
        telegram.failures.append(("GetHistory", 420, "FLOOD_WAIT_3600"))
        with pytest.raises(Refused):
            await reader.read(web=web)
        asked = len(telegram.times)
        with pytest.raises(Refused) as told:
            await reader.read(web=web)
        assert told.value.retry_after == timedelta(seconds=3600)
        assert len(telegram.times) == asked, "not even a connection was opened"
        reader.time.move(seconds=3600)
        assert ids(await reader.read(web=web)) == ["teplobank/1"]
