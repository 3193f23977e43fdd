"""Puts the new version in the place of the old rows: whole partitions, while storage is held off them.

Storage goes on with other months; its inserts into these are refused, and it tries again until they go in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from clickhouse_driver import Client

from pipeline.reprocess.ledger import Run
from pipeline.reprocess.period import ReprocessError
from pipeline.reprocess.shadow import Shadow
from pipeline.sink.clickhouse import ROOM
from pipeline.sink.reprocessing import HOLD

HELD: Final = ("posts", "mentions")
"""The tables that storage writes first; entities follow a post that is in, and must be let in with it."""
_COPY: Final[dict[str, Any]] = {"insert_deduplicate": 0, "max_partitions_per_insert_block": 0, **ROOM}


def release(client: Client) -> None:
    """Let inserts in again, whichever run has held them off."""
    for table in HELD:
        client.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {HOLD}")


class Replacement:
    """The exchange of one run; every method may be called again after a kill."""

    def __init__(self, client: Client, shadow: Shadow, run: Run) -> None:
        self._client = client
        self._shadow = shadow
        self._run = run
        self._values = {"months": list(run.months), "version": run.name}

    def hold(self) -> None:
        """Refuse inserts into the months of the run; those under way may still end."""
        months = ", ".join(map(str, self._run.months))
        says = f"molva reprocess replaces {months}; if it was killed, run molva reprocess --resume"
        for table in HELD:
            self._client.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT IF NOT EXISTS {HOLD} "
                f"CHECK throwIf(toYYYYMM(created_at) IN ({months}), '{says}') = 0"
            )

    def copy_rest(self) -> None:
        """Copy the rows of these months that the run does not replace and that are not copied yet.

        A mention or entity of a post with a new analysis is of the old one, whenever it came: it is left out.
        What an edit of a post made of it a mention stays: that version was not analysed anew.
        """
        remade = "SELECT id FROM next_posts WHERE version = %(version)s"
        versions = "SELECT id, revision FROM next_posts WHERE version = %(version)s"
        self._copy("posts", "id NOT IN (SELECT id FROM next_posts)")
        self._copy(
            "mentions",
            f"(post_id, revision) NOT IN ({versions})"
            " AND (post_id, object_id) NOT IN (SELECT post_id, object_id FROM next_mentions)",
        )
        key = "post_id, start, type, normal"
        self._copy(
            "entities", f"post_id NOT IN ({remade}) AND ({key}) NOT IN (SELECT {key} FROM next_entities)"
        )

    def build_rollups(self) -> None:
        """Count the shadow tables anew, as the materialised views count what is inserted."""
        for rollup in self._shadow.rollups:
            self._client.execute(f"TRUNCATE TABLE next_{rollup.name}")
            names = ", ".join(self._shadow.columns(rollup.name))
            self._client.execute(
                f"INSERT INTO next_{rollup.name} ({names}) SELECT {names} FROM ({rollup.select})",
                settings=_COPY,
            )

    def remember_ids(self) -> None:
        """Tell the index of ids the mentions that are new, and old ones that may still come."""
        self._client.execute(
            """
            INSERT INTO mention_ids (id, _batch, stored_at)
            SELECT id, 0, now() FROM (
                SELECT concat(post_id, '#', object_id) AS id FROM next_mentions WHERE version = %(version)s
                UNION DISTINCT
                SELECT concat(id, '#', arrayJoin(objects)) FROM posts
                WHERE toYYYYMM(created_at) IN %(months)s
                    AND id IN (SELECT id FROM next_posts WHERE version = %(version)s)
            ) WHERE id NOT IN (SELECT id FROM mention_ids)
            """,
            self._values,
            settings=_COPY,
        )

    def verify(self) -> None:
        """Compare the shadow tables with what they are to replace, and with themselves.

        Raises:
            ReprocessError: something does not add up; nothing was replaced.
        """
        old = "SELECT count(), uniqExact(id) FROM posts WHERE toYYYYMM(created_at) IN %(months)s"
        new = "SELECT count(), uniqExact(id) FROM next_posts"
        self._equal("posts before and after", self._ask(old), self._ask(new))
        count, distinct = self._ask("SELECT count(), uniqExact(post_id, object_id) FROM next_mentions")
        self._equal("mentions and different mentions", count, distinct)
        for rollup in self._shadow.rollups:
            if rollup.base == "mentions" and "`mentions`" in self._shadow.columns(rollup.name):
                (total,) = self._ask(f"SELECT sum(mentions) FROM next_{rollup.name}")
                self._equal(f"mentions in {rollup.name} and in the table", total, count)

    def verify_rollups(self) -> None:
        """Check that the months can be counted anew: that no row expired which a rollup still counts.

        Raises:
            ReprocessError: the rollups know more than the tables.
        """
        within = "WHERE toYYYYMM(created_at) IN %(months)s"
        (counted,) = self._ask("SELECT sum(mentions) FROM mentions_1d WHERE toYYYYMM(bucket) IN %(months)s")
        (stored,) = self._ask(f"SELECT count() FROM mentions {within}")
        if stored < counted:
            raise ReprocessError(
                f"mentions_1d counts {counted} mentions in the months of this period, but only {stored} are "
                "stored: the others have expired, and a new count would forget them. Choose a later period"
            )

    def keep_old(self) -> None:
        """Put the rows that readers see now aside, in ``old_*``; no data is copied."""
        for table in self._shadow.tables:
            self._exchange(f"old_{table}", table)

    def replace(self) -> None:
        """Let readers see the new version: atomic for each table and month."""
        for table in self._shadow.tables:
            self._exchange(table, f"next_{table}")

    def drop_old(self) -> None:
        """Remove the rows from before this run."""
        for table in self._shadow.tables:
            for month in self._run.months:
                self._client.execute(f"ALTER TABLE old_{table} DROP PARTITION {month}")
        if not any(self._shadow.parts(f"old_{table}") for table in self._shadow.tables):
            for table in self._shadow.tables:
                self._client.execute(f"DROP TABLE old_{table} SYNC")

    def _exchange(self, target: str, source: str) -> None:
        filled = self._shadow.parts(source)
        for month in self._run.months:
            if month in filled:
                self._client.execute(f"ALTER TABLE {target} REPLACE PARTITION {month} FROM {source}")
            else:
                self._client.execute(f"ALTER TABLE {target} DROP PARTITION {month}")

    def _copy(self, table: str, condition: str) -> None:
        names = ", ".join(self._shadow.columns(table))
        self._client.execute(
            f"INSERT INTO next_{table} ({names}) SELECT {names} FROM {table} "
            f"WHERE toYYYYMM(created_at) IN %(months)s AND {condition}",
            self._values,
            settings=_COPY,
        )

    def _ask(self, query: str) -> Sequence[Any]:
        row: Sequence[Any] = self._client.execute(query, self._values)[0]
        return row

    def _equal(self, what: str, one: object, other: object) -> None:
        if one != other:
            raise ReprocessError(
                f"the new version {self._run.name} does not add up ({what}: {one}, {other}); nothing was "
                "replaced. Run `molva reprocess --abandon` and report it"
            )
