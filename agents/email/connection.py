"""One connection to a mail server: IMAPClient in a thread of its own, at an address that was checked."""

from __future__ import annotations

import asyncio
import imaplib
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final, Self, TypeVar

from imapclient import IMAPClient

from agents.base import SourceUnavailable
from agents.email.failures import told
from agents.email.options import Security

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 60.0
KEEPALIVE_SECONDS: Final = 120
MAX_LITERAL: Final = 33 * 1024 * 1024
"""More than the most that is ever asked for (`Options.max_bytes`)."""
EMPTY_READS: Final = 3
"""A connection that has something to read so often, and nothing comes, was closed."""
T = TypeVar("T")

logging.getLogger("imapclient").setLevel(logging.WARNING)  # its DEBUG has whole mails


class Wire(imaplib.IMAP4):
    """imaplib, connected to one of ``addresses``; TLS is checked against the name of the host."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], tls: ssl.SSLContext | None) -> None:
        self._addresses = addresses
        self._tls = tls
        super().__init__(host, port, CONNECT_SECONDS)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        for index, address in enumerate(self._addresses, start=1):
            try:
                plain = socket.create_connection((address, self.port), timeout or CONNECT_SECONDS)
                break
            except OSError:
                if index == len(self._addresses):
                    raise
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # commands are sent in pieces
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        if self._tls is None:
            return plain
        try:
            return self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def read(self, size: int) -> bytes:
        """A literal, of bounded size."""
        if size > MAX_LITERAL:
            raise self.abort(f"the server sends a literal of {size} bytes")
        return super().read(size)


class Client(IMAPClient):  # type: ignore[misc]  # no types
    """IMAPClient over `Wire`."""

    def __init__(
        self, host: str, port: int, addresses: Sequence[str], security: Security, trust: ssl.SSLContext
    ) -> None:
        self._wire = (addresses, trust if security == "tls" else None)
        super().__init__(host, port, ssl=security == "tls", timeout=READ_SECONDS)
        self._imap.debug = 0  # IMAPClient sets it; every line would be formatted for a log that nobody reads
        self.normalise_times = False  # aware times, not local ones
        try:
            if security == "starttls":
                self.starttls(trust)
        except BaseException:
            with suppress(OSError):
                self.shutdown()
            raise

    def _create_IMAP4(self) -> Wire:
        return Wire(self.host, self.port, *self._wire)

    def told_of_mail(self) -> bool:
        """Whether the server has told of new mail since this was last asked, beside what was asked of it.

        imaplib keeps all that it was told in this way for ever; here it is forgotten.
        """
        told = "EXISTS" in self._imap.untagged_responses
        self._imap.untagged_responses.clear()
        return told

    def begin_idle(self) -> None:
        """IDLE; what the server tells before it agrees is no refusal, as it is to `IMAPClient.idle`.

        Raises:
            IMAP4.error: it refuses.
            IMAP4.abort: it says good-bye.
        """
        wire = self._imap
        self._idle_tag = wire._command("IDLE")
        while wire._get_response() is not None:
            if wire.tagged_commands[self._idle_tag]:
                _, (said,) = wire.tagged_commands.pop(self._idle_tag)
                raise imaplib.IMAP4.error(f"IDLE is refused: {said!r}")
            if "BYE" in wire.untagged_responses:
                raise imaplib.IMAP4.abort(f"the server says {wire.untagged_responses['BYE'][-1]!r}")

    def pushed(self) -> list[bytes]:
        """The lines that came in during IDLE, without waiting; also those that came with its beginning, which
        `IMAPClient.idle_check` would leave in the buffer until the next ones come."""
        lines: list[bytes] = []
        self.socket().settimeout(0)
        try:
            while self._imap.file.peek(1):
                lines.append(self._imap._get_line())
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        finally:
            self.socket().settimeout(READ_SECONDS)
        return lines


class Connection:
    """Calls of a `Client`, one at a time; close it after use (``async with``)."""

    def __init__(self, place: str, user: str) -> None:
        self.place = place
        self._user = user
        self._client: Client | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(
        self, host: str, port: int, addresses: Sequence[str], security: Security, trust: ssl.SSLContext
    ) -> None:
        """Connect.

        Raises:
            SourceUnavailable: no connection, or no encryption.
        """

        def connect() -> None:
            self._client = Client(host, port, addresses, security, trust)

        await self._run(connect)

    async def call(self, what: Callable[[Client], T]) -> T:
        """Do something with the client, in its thread.

        Raises:
            BadConfiguration, SourceUnavailable: see `agents.email.failures.told`.
        """
        client = self._client
        if client is None:
            raise SourceUnavailable(f"{self.place}: the connection is closed")
        return await self._run(lambda: what(client))

    async def idle(self, enough: asyncio.Future[Any]) -> None:
        """IDLE until the server tells of new mail or ``enough`` is over; not where it has told of it already.

        Raises:
            NotGiven: the server refuses IDLE.
            SourceUnavailable: the connection is gone.
        """
        if await self.call(Client.told_of_mail):
            return
        await self.call(Client.begin_idle)
        news = await self.call(Client.told_of_mail) or telling(await self.call(Client.pushed))
        empty = 0
        while not news and not enough.done():
            with self._watched() as readable:
                await asyncio.wait((readable, enough), return_when=asyncio.FIRST_COMPLETED)
            if readable.done():
                lines = await self.call(Client.pushed)
                news, empty = telling(lines), 0 if lines else empty + 1
            if empty >= EMPTY_READS:
                raise SourceUnavailable(f"{self.place}: the server closed the connection")
        await self.call(lambda client: client.idle_done())

    async def close(self) -> None:
        """Close the connection, whatever its thread is doing, and end the thread."""
        if self._client is not None:
            with suppress(OSError):
                self._client.socket().shutdown(socket.SHUT_RDWR)
        self._thread.submit(self._end)
        await asyncio.to_thread(self._thread.shutdown)

    def _end(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                client.shutdown()

    @contextmanager
    def _watched(self) -> Iterator[asyncio.Future[None]]:
        """A future that is done when the server has sent something."""
        loop = asyncio.get_running_loop()
        client = self._client
        if client is None:
            raise SourceUnavailable(f"{self.place}: the connection is closed")
        number = client.socket().fileno()
        future: asyncio.Future[None] = loop.create_future()
        loop.add_reader(number, lambda: None if future.done() else future.set_result(None))
        try:
            yield future
        finally:
            loop.remove_reader(number)

    async def _run(self, work: Callable[[], T]) -> T:
        def said() -> T:
            with told(self.place, user=self._user):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, said)


def telling(lines: Sequence[bytes]) -> bool:
    """Whether something came in, or the server says good-bye; it also says that it is still there."""
    return any(b"EXISTS" in line.upper() or line.upper().startswith(b"* BYE") for line in lines)
