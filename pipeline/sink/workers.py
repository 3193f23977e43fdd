"""Which workers write to ClickHouse, and how much of its schema they know: table ``workers``.

A contract step of the schema asks it whether a worker of an older release still runs (`migrations.migrate`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple

from pipeline.sink.clickhouse import ROOM, Clients, SinkError

EVERY_S: Final = 60.0
SEEN_MINUTES: Final = 10
"""A worker that has not been seen for so long is taken for gone: it misses ten of its reports."""

log = logging.getLogger("molva.storage")


class Worker(NamedTuple):
    """A worker that has reported; ``schema`` is the newest migration that it knows."""

    stage: str
    worker: str
    version: str
    schema: int


def older_than(client: Any, schema: int) -> list[Worker]:
    """Workers seen in the last ten minutes that do not know migration ``schema``."""
    if client.execute("EXISTS TABLE workers") != [(1,)]:
        return []
    query = f"""SELECT stage, worker, version, schema FROM workers FINAL
                WHERE seen_at > now() - INTERVAL {SEEN_MINUTES} MINUTE AND schema < %(schema)s
                ORDER BY 1, 2"""
    return [Worker(*row) for row in client.execute(query, {"schema": schema})]


class Heartbeat:
    """Reports one worker every minute; a report that fails is logged, and the next one is made."""

    def __init__(self, clients: Clients, executor: Executor, stage: str, version: str, schema: int) -> None:
        self._clients = clients
        self._executor = executor
        self._row = (stage, f"{socket.gethostname()}:{os.getpid()}", version, schema)

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            try:
                await asyncio.get_running_loop().run_in_executor(self._executor, self.report)
            except SinkError as error:
                log.warning("cannot report this worker to ClickHouse: %s", error)
            await asyncio.sleep(EVERY_S)

    def report(self) -> None:
        """Report once, in the calling thread.

        Raises:
            SinkError: ClickHouse does not take it.
        """
        with self._clients.client() as client:
            query = "INSERT INTO workers (stage, worker, version, schema) VALUES"
            client.execute(query, [self._row], settings=ROOM)
