"""Versions of posts in a real ClickHouse: each stored once, none counted twice, whatever the order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from pipeline import topics
from pipeline.sink.batch import Batch
from pipeline.sink.reading import read
from pipeline.sink.rows import Entry
from pipeline.sink.writer import Writer
from schemas import Deletion, EnrichedPost, Mention, Record
from tests.sink import samples

pytestmark = pytest.mark.integration

LATER = 1_772_366_400_000
"""The revision of an edit."""


def post(
    number: int, revision: int = 0, text: str = "", objects: Sequence[str] = ("sberbank",)
) -> EnrichedPost:
    made = samples.enriched(number)
    edited_at = samples.START + timedelta(milliseconds=revision) if revision else None
    said = made.post.model_copy(
        update={"revision": revision, "edited_at": edited_at, "text": text or made.post.text}
    )
    return made.model_copy(update={"post": said, "objects": tuple(objects)})


def mention(number: int, revision: int = 0, object_id: str = "sberbank") -> Mention:
    return samples.mention(number, object_id=object_id).model_copy(update={"revision": revision})


Change = Callable[[Sequence[Entry]], Sequence[Entry]]


def posts_alone(entries: Sequence[Entry]) -> list[Entry]:
    """What is stored when the worker dies before the revisions."""
    return [entry._replace(revision=0) for entry in entries if entry.counted]


class Log:
    """A partition of a topic, read by storage batch after batch."""

    def __init__(self, writer: Writer, topic: str) -> None:
        self._writer = writer
        self._topic = topic
        self._end = 0

    def store(self, *records: Record, resumed: bool = False, change: Change = tuple) -> int:
        """Store a batch (again, where ``resumed``); the number of records that were left out.

        Args:
            change: what an attempt that dies, or an older release, inserts instead.
        """
        lo = self._end - len(records) if resumed else self._end
        self._end = lo + len(records)
        batch = Batch("c1", self._topic, 0, lo, self._end - 1)
        kept = [samples.stored(each, lo + at, topic=self._topic) for at, each in enumerate(records)]
        reading = read(kept, batch)
        assert not reading.dead_letters
        selection = self._writer.select(reading.entries, batch, resumed=resumed)
        self._writer.insert(change(selection.entries), batch)
        return selection.skipped


@pytest.fixture
def posts(writer: Writer) -> Log:
    return Log(writer, topics.ENRICHED)


@pytest.fixture
def mentions(writer: Writer) -> Log:
    return Log(writer, topics.MENTIONS)


def ids(client: Any, table: str, key: str = "id") -> list[tuple[int, int]]:
    """(number, revision) of the rows, ascending; a row that is there twice is told twice."""
    rows = client.execute(
        f"SELECT toInt64(splitByChar(':', {key})[2]) - {samples.FIRST}, revision FROM {table}"
    )
    return sorted(rows)


def test_an_edit_is_kept_beside_the_post_and_counted_nowhere(posts: Log, client: Any) -> None:
    posts.store(post(1), post(2))
    assert posts.store(post(1, 5, "иначе")) == 0
    assert ids(client, "posts") == [(1, 0), (2, 0)]
    assert ids(client, "post_revisions") == [(1, 5)]
    assert client.execute("SELECT count() FROM entities WHERE post_id LIKE '%01'") == [(2,)]
    assert client.execute("SELECT text, counted FROM post_revisions") == [("иначе", False)]


def test_a_post_that_is_first_met_after_its_edit_counts(posts: Log, client: Any) -> None:
    posts.store(post(1, 5))
    posts.store(post(1, 7), post(1, 5))
    assert ids(client, "posts") == [(1, 5)]
    assert ids(client, "post_revisions") == [(1, 5), (1, 7)]
    posts.store(post(1))  # as first published, but last to come
    assert posts.store(post(1), post(1, 5), post(1, 7)) == 3
    assert ids(client, "posts") == [(1, 5)]
    assert ids(client, "post_revisions") == [(1, 0), (1, 5), (1, 7)]


def test_versions_of_one_batch(posts: Log, client: Any) -> None:
    batch = (post(1, 5), post(2), post(1), post(1, 5), post(2, 9), post(2))
    assert posts.store(*batch) == 2
    assert posts.store(*batch, resumed=True) == 2
    assert posts.store(*batch) == 6
    assert ids(client, "posts") == [(1, 5), (2, 0)]
    assert ids(client, "post_revisions") == [(1, 0), (1, 5), (2, 9)]


def undated(number: int, revision: int, text: str) -> EnrichedPost:
    """An edit that its source does not date: the revision is when it was noticed."""
    made = post(number, text=text)
    noticed = samples.COLLECTED + timedelta(milliseconds=revision)
    moment = round(noticed.timestamp() * 1000)
    said = made.post.model_copy(update={"revision": moment, "collected_at": noticed})
    return made.model_copy(update={"post": said})


def test_a_crash_between_posts_and_their_revisions(posts: Log, client: Any) -> None:
    batch = (post(1, 5), post(1, 6), post(2), undated(2, 1, "иначе"), undated(2, 2, "иначе"))
    posts.store(*batch, change=posts_alone)
    assert (ids(client, "posts"), ids(client, "post_revisions")) == ([(1, 5), (2, 0)], [])
    assert posts.store(*batch, resumed=True) == 1
    assert posts.store(*batch, resumed=True) == 1
    assert ids(client, "posts") == [(1, 5), (2, 0)]
    assert client.execute("SELECT text, counted FROM post_revisions ORDER BY id, revision") == [
        (post(1).post.text, True),
        (post(1).post.text, False),
        ("иначе", False),
    ]


def test_a_mention_that_an_edit_adds_counts_once(mentions: Log, client: Any) -> None:
    mentions.store(mention(1), mention(1, 5), mention(1, 5, "vtb"))
    mentions.store(mention(1, 8), mention(1, 8, "vtb"), mention(1, 5), mention(1))
    counted = client.execute("SELECT object_id, revision FROM mentions ORDER BY 1")
    assert counted == [("sberbank", 0), ("vtb", 5)]
    for rollup in ("mentions_5m", "mentions_1h", "mentions_1d"):
        assert client.execute(f"SELECT object_id, sum(mentions) FROM {rollup} GROUP BY 1 ORDER BY 1") == [
            ("sberbank", 1),
            ("vtb", 1),
        ]
    kept = client.execute("SELECT object_id, revision, counted FROM mention_revisions ORDER BY 1, 2")
    assert kept == [("sberbank", 5, 0), ("sberbank", 8, 0), ("vtb", 5, 1), ("vtb", 8, 0)]


def test_the_newest_version_of_each_post(posts: Log, client: Any) -> None:
    posts.store(post(1), post(2), post(3, 4, "в"), post(4))
    posts.store(post(2, 6, "б"), post(2, 5, "а"), post(3))
    query = "SELECT id, revision, text FROM latest_posts WHERE timeline = 'live' ORDER BY id"
    newest = {row[0][-1]: row[1:] for row in client.execute(query)}
    assert newest == {
        "1": (0, post(1).post.text),
        "2": (6, "б"),
        "3": (4, "в"),
        "4": (0, post(4).post.text),
    }


def test_the_history_of_a_post(posts: Log, client: Any) -> None:
    posts.store(post(1, text="банк украл"), post(2), post(1, 9, "банк вернул"), post(1, 4, "банк молчит"))
    query = "SELECT version, revision, text_before, text, counted FROM post_history ORDER BY id, version"
    assert client.execute(query) == [
        (1, 0, "", "банк украл", True),
        (2, 4, "банк украл", "банк молчит", False),
        (3, 9, "банк молчит", "банк вернул", False),
    ]


def test_the_newest_version_decides_what_a_post_is_about(posts: Log, mentions: Log, client: Any) -> None:
    posts.store(post(1), post(2), post(3, 3, objects=("vtb",)), post(1, 5, objects=("vtb",)))
    mentions.store(mention(1), mention(2), mention(3, 3, "vtb"), mention(1, 5, "vtb"))
    query = "SELECT object_id, revision FROM latest_mentions ORDER BY post_id"
    assert client.execute(query) == [("vtb", 5), ("sberbank", 0), ("vtb", 3)]
    assert client.execute("SELECT count() FROM mentions") == [(4,)]


def test_deletions_are_stored_once_and_mark_the_views(
    writer: Writer, posts: Log, mentions: Log, client: Any
) -> None:
    deletions = Log(writer, topics.DELETED)
    deletions.store(deletion(2))  # before the post
    posts.store(post(1), post(2), post(2, 5))
    mentions.store(mention(1), mention(2), mention(2, 5))
    assert deletions.store(deletion(2), deletion(2, minutes=9), deletion(7)) == 2
    assert client.execute("SELECT count(), min(deleted_at) FROM deletions FINAL WHERE id LIKE '%2'") == [
        (1, samples.START)
    ]
    for view in ("latest_posts", "latest_mentions"):
        query = f"SELECT count(), any(revision) FROM {view} WHERE deleted_at IS NOT NULL"
        assert client.execute(query) == [(1, 5)]
        assert client.execute(f"SELECT count() FROM {view} WHERE deleted_at IS NULL") == [(1,)]


def deletion(number: int, minutes: int = 0) -> Deletion:
    native = samples.raw_post(number).native_id
    made = samples.deletion(1)
    return made.model_copy(
        update={
            "id": f"twitter:{native}",
            "native_id": native,
            "deleted_at": made.deleted_at + timedelta(minutes=minutes),
        }
    )


def test_revision_tables_have_the_columns_of_their_tables(client: Any) -> None:
    """In their order, by which the views put the rows of both together."""
    query = """SELECT name, type, default_kind FROM system.columns
               WHERE database = currentDatabase() AND table = %(t)s ORDER BY position"""
    for table in ("post", "mention"):
        base = client.execute(query, {"t": f"{table}s"})
        later = client.execute(query, {"t": f"{table}_revisions"})
        assert later == [*base, ("counted", "Bool", "")]


def test_look_ups_of_revisions_reach_the_primary_key(posts: Log, mentions: Log, client: Any) -> None:
    posts.store(*(post(number, 5) for number in range(10)))
    mentions.store(*(mention(number, 5) for number in range(10)))
    for table in ("post_revisions", "mention_revisions"):
        plan = client.execute(f"EXPLAIN indexes = 1 SELECT revision FROM {table} WHERE id IN ('a', 'b')")
        text = "\n".join(line for (line,) in plan)
        assert re.search(r"PrimaryKey.*Granules: 0/1", text, re.DOTALL), text
