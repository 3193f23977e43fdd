"""How fast the agent notices new mail, and how long it leaves a server alone that refuses or breaks off."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import timedelta

import pytest

from agents.base import Collected, Refused
from agents.email.connection import Client, Connection
from agents.manual_time import ManualTime
from tests.agents.email.letters import letter
from tests.agents.email.reading import Reader
from tests.agents.email.server import PASSWORD, USER, Server
from tests.agents.telegram.items import ids


@pytest.mark.parametrize("command", ["SEARCH", "FETCH"])
async def test_mail_that_is_told_of_while_something_else_is_answered_is_noticed_at_once(
    imap: Server, command: str
) -> None:
    imap.publish(letter(number=1))
    imap.during[command] = lambda: imap.publish(letter(number=2))
    reader = Reader(imap, time=ManualTime())  # no time passes: IDLE is never begun anew
    async with asyncio.timeout(20):
        found = await reader.read(until=lambda items: len(ids(items)) == 2)
    assert len(set(ids(found))) == 2


async def test_what_is_told_before_idle_is_agreed_to_is_no_refusal(imap: Server) -> None:
    imap.early = "* OK still here"
    reader = Reader(imap, time=ManualTime())

    async def publish() -> None:
        while not imap.idling:  # noqa: ASYNC110 (a poll with the deadline below)
            await asyncio.sleep(0.005)
        imap.publish(letter(number=1))

    async with asyncio.timeout(20):
        publishing = asyncio.ensure_future(publish())
        assert len(ids(await reader.read(until=lambda items: bool(ids(items))))) == 1
        await publishing
    assert imap.opened == 1


async def test_a_server_that_refuses_idle_is_asked_instead(imap: Server) -> None:
    imap.faults["IDLE"] = ["NO not for you"] * 3
    reader = Reader(imap, poll_seconds=30)

    def arrive(items: Sequence[Collected]) -> bool:
        if len(imap.asked("NOOP")) >= 3 and not imap.boxes["INBOX"].messages:  # may be asked on meanwhile
            imap.publish(letter(number=1))
        return bool(ids(items))

    assert len(ids(await reader.read(until=arrive))) == 1
    assert len(imap.asked("IDLE")) == 1 and imap.opened == 1
    assert reader.time.pauses.count(30.0) >= 3


async def test_a_server_that_wants_to_be_left_alone_is(imap: Server) -> None:
    imap.faults["IDLE"] = ["NO [LIMIT] too many connections"]
    with pytest.raises(Refused, match="too many") as told:
        await Reader(imap).read(until=lambda items: False)
    assert told.value.retry_after == timedelta(minutes=5)
    assert imap.opened == 1


@pytest.mark.parametrize("command", ["SEARCH", "IDLE"])
async def test_connections_that_never_last_are_made_ever_more_seldom(imap: Server, command: str) -> None:
    """In an hour of breaks. The runner alone would make one a second: before each something was collected."""
    imap.publish(letter(number=1))
    imap.faults[command] = [None] * 1000
    reader = Reader(imap, time=ManualTime())
    ends = imap.now + timedelta(hours=1)
    async with reader.web() as web:
        source = reader.source(web)
        while reader.time.clock() < ends:
            with pytest.raises(Refused) as told:
                async for _ in source.posts(None):
                    pass
            assert told.value.retry_after is not None
            reader.time.move(seconds=max(0.5, told.value.retry_after.total_seconds()))
    assert 55 <= imap.opened <= 70


async def test_the_limit_of_the_kind_is_kept(imap: Server) -> None:
    """Ten a second after the first twenty: commands that look for mail, and logins."""
    for number in range(600):
        imap.publish(letter(number=number))
    reader = Reader(imap, limited=True, history=600)
    began = imap.now
    assert len(ids(await reader.read())) == 600
    asked = [
        at for at, line in imap.commands if line.split()[0] in ("LOGIN", "SEARCH", "FETCH", "IDLE", "NOOP")
    ]
    assert len(asked) > 120
    for number, at in enumerate(asked, start=1):
        assert number <= 20 + 10 * (at - began).total_seconds() + 1, f"{number} commands after {at - began}"


async def test_what_the_server_tells_unasked_does_not_pile_up(imap: Server) -> None:
    connection = Connection("here", USER)
    async with connection:
        await connection.open(
            "127.0.0.1", imap.port, ["127.0.0.1"], "none", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        await connection.call(lambda client: client.login(USER, PASSWORD))
        await connection.call(lambda client: client.select_folder("INBOX", readonly=True))
        assert await connection.call(Client.told_of_mail)
        for _ in range(100):
            imap.tell("INBOX", "* 5 EXPUNGE", "* 3 RECENT")
            await connection.call(lambda client: client.noop())
            assert not await connection.call(Client.told_of_mail)
        held = await connection.call(lambda client: dict(client._imap.untagged_responses))
    assert held == {}
