"""A local IMAP server (RFC 3501, 2177, 4959): folders of messages, IDLE, literals, TLS, STARTTLS, faults."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from agents.manual_time import NOON

USER, PASSWORD, TOKEN = "help@teplobank.example", "correct horse", "ya29.token"
LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")
WORDS = re.compile(r'"((?:[^"\\]|\\.)*)"|(\([^)]*\))|([^\s]+)')


@dataclass
class Stored:
    """A message in a folder."""

    uid: int
    content: bytes
    arrived: datetime
    flags: set[str] = field(default_factory=set)


@dataclass
class Box:
    """A folder."""

    validity: int = 1000
    next: int = 1
    messages: list[Stored] = field(default_factory=list)


class Server:
    """``publish`` puts a message into a folder and tells the connections that have it open.

    ``faults`` maps a command (``FETCH``) to answers that are given instead, in turn: a line (``NO busy``), or
    None to drop the connection. ``during`` maps a command to what happens once while it is answered.
    ``commands`` has what was asked, with the moment by ``clock``.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, starttls: bool = False) -> None:
        self.boxes: dict[str, Box] = {"INBOX": Box()}
        self.capabilities = ["IMAP4rev1", "IDLE", "LITERAL+", "SASL-IR"]
        self.faults: dict[str, list[str | None]] = {}
        self.during: dict[str, Callable[[], object]] = {}
        self.early = ""
        """A line that is sent before IDLE is agreed to."""
        self.unreadable: set[int] = set()
        self.commands: list[tuple[datetime, str]] = []
        self.now = NOON
        self.clock: Callable[[], datetime] = lambda: self.now
        self.password, self.token = PASSWORD, TOKEN
        self.idling = 0
        self.sessions: set[Any] = set()
        self.opened = 0
        self.url = ""
        self.port = 0
        self._tls, self.starttls = tls, starttls
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        implicit = None if self.starttls else self._tls
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=implicit, limit=1 << 24)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self.drop()

    @property
    def upgrade(self) -> ssl.SSLContext | None:
        return self._tls if self.starttls else None

    def publish(self, content: bytes, folder: str = "INBOX", **fields: Any) -> Stored:
        box = self.boxes.setdefault(folder, Box())
        made = Stored(
            box.next, content, fields.pop("arrived", None) or self.now, set(fields.pop("flags", ()))
        )
        box.next += fields.pop("step", 1)
        box.messages.append(made)
        self.tell(folder, f"* {len(box.messages)} EXISTS")
        return made

    def expunge(self, uid: int, folder: str = "INBOX") -> None:
        box = self.boxes[folder]
        number = next(at for at, each in enumerate(box.messages, 1) if each.uid == uid)
        del box.messages[number - 1]
        self.tell(folder, f"* {number} EXPUNGE")

    def renumber(self, folder: str = "INBOX", *, validity: int = 2000) -> None:
        """All UIDs begin anew, as after the folder was made again."""
        box = self.boxes[folder]
        box.validity = validity
        for uid, message in enumerate(box.messages, start=1):
            message.uid = uid
        box.next = len(box.messages) + 1

    def tell(self, folder: str, *lines: str) -> None:
        for session in tuple(self.sessions):
            if session.folder == folder:
                session.pending += lines
                session.flush()

    async def drop(self) -> None:
        """End all connections."""
        for session in tuple(self.sessions):
            session.writer.transport.abort()
        while self.sessions:  # noqa: ASYNC110 (a poll with the deadline of the test)
            await asyncio.sleep(0)

    def asked(self, command: str) -> list[str]:
        return [line for _, line in self.commands if line.split(" ")[0] == command]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from tests.agents.email.session import Session  # the two know each other

        session = Session(self, reader, writer)
        self.sessions.add(session)
        self.opened += 1
        try:
            await session.run()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.sessions.discard(session)
            writer.transport.abort()
