"""The tables that storage writes: which topic fills which, and where stored ids are looked up."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline import topics


@dataclass(frozen=True)
class Table:
    """A table that is keyed by ``key`` (an SQL expression over ``index``, the table that knows all keys).

    ``index`` is the table itself where it is ordered by the key, or a narrow table that a materialised view
    fills: a look-up of n keys reads about n small granules there, however large the table has become.
    """

    name: str
    index: str
    key: str
    revisions: str = ""
    """The table of the versions after an edit; empty: what the table holds is not edited."""
    content: tuple[str, ...] = ()
    """Columns that say what readers see of a version, and who dated it; empty: the table does not tell."""


CONTENT = (
    *("revision", "edited_at", "collected_at"),
    *("text", "rating", "media.kind", "media.url", "media.alt", "objects"),
)
POSTS = Table("posts", "post_ids", "id", "post_revisions", CONTENT)
MENTIONS = Table("mentions", "mention_ids", "id", "mention_revisions")
SPIKES = Table("spikes", "spikes", "concat(id, '#', toString(revision))")
ALERTS = Table("alerts", "alerts", "concat(id, '#', toString(revision))")
ACTIONS = Table("alert_actions", "alert_actions", "id")
DELETIONS = Table("deletions", "deletions", "id")
DEAD_LETTERS = Table("dead_letters", "dead_letters", "id")
ENTITIES = "entities"

BY_TOPIC = {
    topics.ENRICHED: POSTS,
    topics.MENTIONS: MENTIONS,
    topics.SPIKES: SPIKES,
    topics.ALERTS: ALERTS,
    topics.ACTIONS: ACTIONS,
    topics.DELETED: DELETIONS,
    topics.DEAD_LETTERS: DEAD_LETTERS,
}
