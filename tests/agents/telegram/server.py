"""A Telegram server for tests: MTProto on 127.0.0.1 over a small `World`, for one account."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from telethon.crypto import AuthKey
from telethon.sessions import StringSession
from telethon.tl import functions, types

from tests.agents.telegram.methods import Methods, RpcFailure
from tests.agents.telegram.mtproto import BrokenPacket, Envelope, Incoming, Wire, inner_messages, rpc_result
from tests.agents.telegram.world import Room, World

DATA_CENTRE = 2
SALT = 0x1122334455667788
WRAPPERS = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.InvokeWithoutUpdatesRequest,
)


class Server:
    """``async with Server() as server``: ``server.session`` is what an agent logs in with.

    ``requests`` counts methods, ``times`` has the moment of each by ``clock``. ``failures`` are errors that
    are answered in turn: (method, code, message). ``silent`` methods get no answer. ``before`` is called
    with each method before it is answered.
    """

    def __init__(self, clock: Any = None) -> None:
        self.world = World()
        self.methods = Methods(self.world)
        self.clock = clock or (lambda: self.world.now)
        self.requests: Counter[str] = Counter()
        self.times: list[Any] = []
        self.failures: list[tuple[str, int, str]] = []
        self.silent: set[str] = set()
        self.revoked = False
        self.before: Callable[[str], None] = lambda method: None
        self.port = 0
        self.key = os.urandom(256)
        self.connections: set[_Connection] = set()
        self.most_connections = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        await asyncio.gather(*(connection.over.wait() for connection in self.connections))
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def session(self) -> str:
        """A session string of Telethon that is logged in here."""
        session = StringSession()
        session.set_dc(DATA_CENTRE, "127.0.0.1", self.port)
        session.auth_key = AuthKey(self.key)
        return str(session.save())

    def drop(self) -> None:
        """Close all connections, as Telegram does it now and then."""
        for connection in self.connections:
            connection.wire.close()

    def publish(self, room: Room | str, text: str = "", **fields: Any) -> Any:
        """A new message in a room; a handle makes the channel where there is none."""
        if isinstance(room, str):
            known = (each for each in self.world.rooms.values() if each.handle == room)
            room = next(known, None) or self.world.room(room)
        return self.world.publish(room, text, **fields)

    async def push(self) -> None:
        """Send what happened in joined rooms since the last time to all connections."""
        heard, self.world.heard = self.world.heard, []
        for update in heard:
            message = [update.message] if hasattr(update, "message") else []
            chats, users = self.world.known(message)
            body = bytes(types.Updates([update], users, chats, self.world.now, 0))
            for connection in self.connections:
                await connection.send(body, answer=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, Wire(reader, writer))
        self.connections.add(connection)
        self.most_connections = max(self.most_connections, len(self.connections))
        try:
            await connection.run()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.connections.discard(connection)
            connection.over.set()
            writer.close()

    def failure(self, method: str) -> tuple[int, str] | None:
        """The error that comes next for a method."""
        if self.revoked:
            return 401, "AUTH_KEY_UNREGISTERED"
        for index, (name, code, message) in enumerate(self.failures):
            if name in (method, "*"):
                del self.failures[index]
                return code, message
        return None


class _Connection:
    """One client."""

    def __init__(self, server: Server, wire: Wire) -> None:
        self.wire = wire
        self.over = asyncio.Event()
        self._server = server
        self._envelope = Envelope(server.key)
        self._session = 0
        self._sequence = 0

    async def run(self) -> None:
        while True:
            try:
                message = self._envelope.open(await self.wire.read())
            except BrokenPacket:
                await self.wire.write(struct.pack("<i", -404))
                raise
            await self._received(message)

    async def _received(self, message: Incoming) -> None:
        if message.session != self._session:
            self._session = message.session
            await self.send(bytes(types.NewSessionCreated(message.id, 1, SALT)), answer=False)
        if message.salt != SALT:
            refusal = types.BadServerSalt(message.id, message.sequence, 48, SALT)
            await self.send(bytes(refusal), answer=False)
            return
        for number, _, content in inner_messages(message):
            await self._answer(number, content)

    async def _answer(self, number: int, content: Any) -> None:
        match content:
            case types.MsgsAck():
                return
            case functions.PingRequest(ping_id=ping) | functions.PingDelayDisconnectRequest(ping_id=ping):
                await self.send(bytes(types.Pong(number, ping)), answer=True)
                return
        while isinstance(content, WRAPPERS):
            content = content.query
        method = type(content).__name__.removesuffix("Request")
        self._server.requests[method] += 1
        self._server.times.append(self._server.clock())
        self._server.before(method)
        if method not in self._server.silent:
            await self.send(rpc_result(number, self._result(method, content)), answer=True)

    def _result(self, method: str, request: Any) -> bytes:
        if (failure := self._server.failure(method)) is not None:
            return bytes(types.RpcError(*failure))
        try:
            return self._server.methods.call(request)
        except RpcFailure as error:
            return bytes(types.RpcError(error.code, error.message))

    async def send(self, body: bytes, *, answer: bool) -> None:
        """One message; the sequence number counts those that want an acknowledgement."""
        sequence = self._sequence * 2 + 1
        self._sequence += 1
        packet = self._envelope.seal(body, session=self._session, salt=SALT, answer=answer, sequence=sequence)
        await self.wire.write(packet)
