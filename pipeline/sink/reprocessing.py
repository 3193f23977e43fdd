"""Whether ``molva reprocess`` is between old rows and new: what changes tables or rows waits for its end."""

from __future__ import annotations

from typing import Any, Final

from pipeline.errors import MolvaError

UNFINISHED: Final = ("planned", "kept")
"""Steps (``analysis_versions``) after which a run has still to replace the rows that readers see."""
HOLD: Final = "held_by_reprocess"
"""The constraint that keeps inserts off the months of a run; a table made like a held one has it, too."""


class Reprocessing(MolvaError):
    """A run of ``molva reprocess`` is unfinished; nothing was changed."""


def refuse_reprocessing(client: Any, database: str, what: str) -> None:
    """Return where no run is unfinished, or there has never been one.

    Args:
        what: the command that has to wait, for the message.

    Raises:
        Reprocessing: one is; the message says how to end it.
    """
    where = {"database": database}
    there = "SELECT count() FROM system.tables WHERE database = %(database)s AND name = 'analysis_versions'"
    if client.execute(there, where) == [(0,)]:
        return
    runs = f"""SELECT name FROM {database}.analysis_versions GROUP BY name
               HAVING argMax(step, (at, step)) IN {UNFINISHED}"""
    held = f"""SELECT name FROM system.tables WHERE database = %(database)s
               AND create_table_query LIKE '%%CONSTRAINT {HOLD} %%'"""
    if found := client.execute(runs):
        raise Reprocessing(
            f"version {found[0][0]} of `molva reprocess` is unfinished, and {what} would break it: "
            "end it first with `molva reprocess --resume` or `molva reprocess --abandon`"
        )
    if client.execute(held, where):
        raise Reprocessing(
            "`molva reprocess` was killed before it let storage in again: run `molva reprocess --resume`, "
            f"then {what}"
        )
