"""A period with edits and erased posts analysed again: what the run does not make anew stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline import topics
from pipeline.reprocess.stored import raw_post
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.erasure import Erasure
from pipeline.sink.reading import read
from pipeline.sink.rows import post_row
from pipeline.sink.writer import Writer
from schemas import Author, Channel, Record
from tests.reprocess.conftest import POSTS, Counts
from tests.reprocess.runs import FIRST, PERIOD, reprocess
from tests.sink import samples
from tests.sink.test_revisions import deletion, mention, post

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

INSIDE = next(n for n in range(FIRST, FIRST + POSTS) if samples.raw_post(n).created_at >= PERIOD.since)
EDITED, GONE = INSIDE + 1, INSIDE + 2
LATER = FIRST + POSTS


def store(writer: Writer, topic: str, *records: Record) -> None:
    batch = Batch("edits", topic, 0, 0, len(records) - 1)
    reading = read([samples.stored(each, at, topic=topic) for at, each in enumerate(records)], batch)
    writer.insert(writer.select(reading.entries, batch, resumed=False).entries, batch)


def test_mentions_of_an_edit_and_erased_posts_stay(filled: Settings) -> None:
    clients = Clients(lambda: connect(filled))
    writer = Writer(clients)
    store(writer, topics.ENRICHED, post(EDITED, 9, "теперь и Ромашка", ["sberbank", "romashka"]))
    store(writer, topics.MENTIONS, mention(EDITED, 9), mention(EDITED, 9, "romashka"))
    store(writer, topics.DELETED, deletion(GONE))
    clients.close()
    edited, gone = samples.raw_post(EDITED).id, samples.raw_post(GONE).id
    with connect(filled) as client:
        assert Erasure(client, "", samples.START + timedelta(days=1)).run()["posts"] == 1
        kept = f"SELECT * FROM posts WHERE id = '{gone}'"
        before = client.execute(kept)
        reprocess(filled)
        assert client.execute(kept) == before
        about = f"SELECT object_id, revision, version FROM mentions WHERE post_id = '{edited}' ORDER BY 1"
        assert ("romashka", 9, "") in client.execute(about)
        assert client.execute(f"SELECT version FROM mentions WHERE post_id = '{gone}'") == [("",)]
        assert client.execute("SELECT count() FROM post_revisions") == [(1,)]
    counts = Counts(filled)
    assert counts.posts == (POSTS, POSTS)
    assert counts.wrong == []


def test_a_post_that_was_first_met_after_its_edit_is_analysed_anew(filled: Settings) -> None:
    """Readers see the row of its table, which the run has made, not the copy among the versions."""
    clients = Clients(lambda: connect(filled))
    writer = Writer(clients)
    at = samples.raw_post(INSIDE).created_at
    first = post(LATER, 9)
    moved = first.model_copy(update={"post": first.post.model_copy(update={"created_at": at})})
    store(writer, topics.ENRICHED, moved)
    store(writer, topics.MENTIONS, mention(LATER, 9).model_copy(update={"created_at": at}))
    clients.close()
    of = f"WHERE {{}} = '{first.id}' ORDER BY ALL"
    with connect(filled) as client:
        assert client.execute(f"SELECT object_id FROM latest_mentions {of.format('post_id')}") == [
            ("sberbank",)
        ]
        reprocess(filled)
        newest = f"SELECT version, revision, arraySort(objects) FROM latest_posts {of.format('id')}"
        assert client.execute(newest) == [("second", 9, ["moscow", "sberbank"])]
        told = f"SELECT object_id, version, revision FROM latest_mentions {of.format('post_id')}"
        assert client.execute(told) == [("moscow", "second", 9), ("sberbank", "second", 9)]
        history = f"SELECT arraySort(objects), counted FROM post_history {of.format('id')}"
        assert client.execute(history) == [(["moscow", "sberbank"], True)]
    counts = Counts(filled)
    assert (counts.posts, counts.wrong) == ((POSTS + 1, POSTS + 1), [])


def test_a_stored_version_is_the_post_again() -> None:
    made = post(3, 9)
    said = made.post.model_copy(
        update={
            "channel": Channel(id="-1", handle="bank", own=True),
            "author": Author(id="7", own=True),
        }
    )
    row = post_row(made.model_copy(update={"post": said}))
    assert raw_post(row) == said
    assert replace(PERIOD, objects=("sberbank",)).condition.count("deletions") == 1
