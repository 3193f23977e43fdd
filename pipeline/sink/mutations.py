"""Changes of stored rows: one ALTER at a time per table, awaited by asking, however long ClickHouse rewrites.

For ``molva erase``. A connection that waited for a month of posts to be rewritten would time out, and every
repetition would add another rewriting to those under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from pipeline.errors import MolvaError

POLL_S: Final = 0.1

Told = Callable[[str, int], object]
"""Hears of a table and of how many of its parts are still to be rewritten, when that changes."""


class MutationFailed(MolvaError):
    """ClickHouse cannot rewrite the rows; it goes on trying."""


class Mutations:
    """Changes of the tables of one database.

    Args:
        client: a clickhouse-driver client of a user who may alter the tables and read ``system.mutations``.
        cluster: where tables are replicated, the ClickHouse cluster; empty: one server.
        sleep: waits for so many seconds.
    """

    def __init__(
        self, client: Any, cluster: str, told: Told, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._client = client
        self._everywhere = f" ON CLUSTER {cluster}" if cluster else ""
        self._listed = f"clusterAllReplicas('{cluster}', system.mutations)" if cluster else "system.mutations"
        self._told = told
        self._sleep = sleep

    def alter(self, table: str, change: str) -> None:
        """Change the rows of a table when no earlier change is under way, and return when it is done.

        Raises:
            MutationFailed: a change under way fails; this one was not submitted, or fails itself.
        """
        self._settle(table)
        self._client.execute(
            f"ALTER TABLE {table}{self._everywhere} {change}", settings={"mutations_sync": 0}
        )
        self._settle(table)

    def _settle(self, table: str) -> None:
        before = 0
        while left := self._left(table):
            if left != before:
                self._told(table, left)
            before = left
            self._sleep(POLL_S)

    def _left(self, table: str) -> int:
        """Parts that changes under way have still to rewrite; at least 1 while there is one."""
        query = f"""
            SELECT count(), sum(parts_to_do), anyIf(latest_fail_reason, latest_fail_reason != '')
            FROM {self._listed} WHERE database = %(database)s AND table = %(table)s AND NOT is_done"""
        database = self._client.execute("SELECT currentDatabase()")[0][0]
        found, parts, reason = self._client.execute(query, {"database": database, "table": table})[0]
        if reason:
            raise MutationFailed(
                f"ClickHouse cannot rewrite {table}: {reason.splitlines()[0][:300]}. It goes on trying: "
                "mend the cause and run the command again, or end it with "
                f"KILL MUTATION WHERE database = '{database}' AND table = '{table}'"
            )
        return max(1, parts) if found else 0
