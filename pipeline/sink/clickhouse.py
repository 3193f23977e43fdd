"""The connection to ClickHouse: clients that survive its traps, and errors sorted by what to do about them.

SinkError
|-- Unavailable    the server, the network or the schema: try the same rows again, later
`-- RowsRejected   ClickHouse cannot hold some of the rows: find them, set them aside
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Final

from clickhouse_driver import Client, errors

from pipeline.settings import Settings

FREE_BYTES: Final = 256 * 1024 * 1024
ROOM: Final = {"min_free_disk_bytes_to_perform_insert": FREE_BYTES}
"""Setting of every insert: it is refused where the disk has less. On a disk that runs full ClickHouse
confirms parts that it could not write, and finds them empty at its next start (docs/chaos.md)."""

_ROW_CODES = frozenset(
    getattr(errors.ErrorCodes, name)
    for name in (
        "TYPE_MISMATCH",
        "ARGUMENT_OUT_OF_BOUND",
        "CANNOT_CONVERT_TYPE",
        "CANNOT_PARSE_TEXT",
        "CANNOT_PARSE_DATETIME",
        "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
        "INCORRECT_DATA",
        "TOO_LARGE_STRING_SIZE",
        "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
        "VIOLATED_CONSTRAINT",
    )
    if hasattr(errors.ErrorCodes, name)
)
_ENCODING_ERRORS = (
    errors.TypeMismatchError,
    errors.TooLargeStringSize,
    errors.LogicalError,
    ArithmeticError,
    AttributeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What clickhouse-driver raises for a value that its column cannot hold, before anything is sent."""


INTERRUPT_SECONDS = 0.2


class SinkError(Exception):
    """ClickHouse did not take what it was given."""


class Unavailable(SinkError):
    """Not the rows' fault: network, restart, memory, too many parts, a missing table, a view that throws."""


class RowsRejected(SinkError):
    """Some of the rows do not fit their columns."""


def connect(settings: Settings, database: str | None = None) -> Client:
    """A client for one thread; it connects with its first query.

    Args:
        database: instead of ``settings.clickhouse_database`` (which may not exist yet: see migrations).
    """
    return Client(
        settings.clickhouse_host,
        port=settings.clickhouse_port,
        user=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
        database=settings.clickhouse_database if database is None else database,
        secure=settings.clickhouse_secure,
        client_name="molva",
        connect_timeout=5,
        send_receive_timeout=60,
        tcp_keepalive=True,
        compression="lz4",
        # From 54451 on the server tells its counters in every query: a third of the client's time for a small
        # one. Not `send_profile_events=0`: the client waits for them then, until its time-out.
        client_revision=54450,
        # Since 26.x the server answers in ZSTD unless told otherwise, which the lz4 client cannot read.
        settings={"network_compression_method": "lz4"},
    )


class Clients:
    """One client per thread, made when the thread needs it."""

    def __init__(self, opener: Callable[[], Client]) -> None:
        self._opener = opener
        self._by_thread: dict[int, Client] = {}

    @contextmanager
    def client(self) -> Iterator[Client]:
        """This thread's client. If anything goes wrong inside, it is given up and a new one follows.

        Raises:
            Unavailable, RowsRejected: instead of the errors of clickhouse-driver.
        """
        thread = threading.get_ident()
        client = self._by_thread.get(thread)
        if client is None:
            client = self._by_thread[thread] = self._opener()
        try:
            yield client
        except BaseException as error:
            self._by_thread.pop(thread, None)
            client.disconnect()
            if isinstance(error, (errors.Error, OSError, EOFError, *_ENCODING_ERRORS)):
                raise sort_error(error) from error
            raise

    def close(self) -> None:
        """Close every connection; nobody may be using one."""
        for client in list(self._by_thread.values()):
            client.disconnect()

    def interrupt(self) -> None:
        """Cut off the queries under way in other threads: they fail as `Unavailable`, however long they wait.

        Only the sockets are touched: a client that another thread works with must not be closed under its
        hands (clickhouse-driver then raises anything).
        """
        for client in list(self._by_thread.values()):
            if (connected := client.connection.socket) is not None:
                with suppress(OSError):  # not connected, or closed meanwhile: nothing waits for it
                    connected.shutdown(socket.SHUT_RDWR)


async def end_threads(executor: Executor, clients: Clients) -> None:
    """Return when no thread of the executor uses a client any more, and close the clients.

    A server that hangs would else keep a thread, and with it the process, for the whole time-out of a query.
    """
    ending = asyncio.ensure_future(asyncio.to_thread(executor.shutdown, cancel_futures=True))
    while not ending.done():
        clients.interrupt()  # again: a thread that was just connecting waits in its first query now
        await asyncio.wait((ending,), timeout=INTERRUPT_SECONDS)
    await ending
    clients.close()


def sort_error(error: Exception) -> SinkError:
    """What an error of clickhouse-driver means for the rows."""
    text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:500]
    if isinstance(error, errors.ServerException):
        lines = " ".join(str(error).split())[:500]
        return RowsRejected(lines) if error.code in _ROW_CODES else Unavailable(lines)
    return RowsRejected(text) if isinstance(error, _ENCODING_ERRORS) else Unavailable(text)
