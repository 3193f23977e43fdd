"""The test server speaks MTProto: Telethon's own client agrees with it on transports, keys and salts."""

from __future__ import annotations

import os

import pytest
from telethon import TelegramClient, functions, types
from telethon.crypto import AuthKey
from telethon.network import ConnectionTcpFull, ConnectionTcpIntermediate
from telethon.network.mtprotostate import MTProtoState
from telethon.sessions import StringSession

from tests.agents.telegram.mtproto import BrokenPacket, Envelope
from tests.agents.telegram.server import Server


@pytest.mark.parametrize("transport", [ConnectionTcpFull, ConnectionTcpIntermediate])
async def test_telethons_client_logs_in_and_reads(telegram: Server, transport: type) -> None:
    room = telegram.world.room("teplobank")
    for number in range(100):
        telegram.publish(room, f"длинная новость {number} " * 20)
    client = TelegramClient(
        StringSession(telegram.session), 1, "x", connection=transport, auto_reconnect=False
    )
    await client.connect()
    try:
        me = await client.get_me()
        peer = await client.get_input_entity("teplobank")
        found = await client(functions.messages.GetHistoryRequest(peer, 0, None, 0, 100, 0, 0, 0))
        both = await client(
            [functions.contacts.ResolveUsernameRequest("teplobank"), functions.updates.GetStateRequest()]
        )
        with pytest.raises(ValueError, match='No user has "nobody_here"'):
            await client.get_input_entity("nobody_here")
    finally:
        await client.disconnect()
    assert me.first_name == "Collector"
    assert len(found.messages) == 100, "a packed answer"
    assert [type(each) for each in both] == [types.contacts.ResolvedPeer, types.updates.State]


def test_a_message_that_was_changed_on_the_way_is_refused() -> None:
    key = os.urandom(256)
    state = MTProtoState(AuthKey(key), loggers={"telethon.network.mtprotostate": None})
    sealed = state.encrypt_message_data(bytes(16))
    envelope = Envelope(key)
    for place in (0, 10, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(BrokenPacket):
            envelope.open(bytes(changed))
    with pytest.raises(BrokenPacket):
        Envelope(os.urandom(256)).open(sealed)
