"""Edits that are found twice: what storage compares, and how it finds what is stored."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipeline import topics
from pipeline.sink.rows import Entry
from pipeline.sink.versions import Version, place
from pipeline.sink.writer import Writer
from tests.sink import samples
from tests.sink.test_revisions import Log, post, undated
from tests.sink.test_versions import entry


@pytest.fixture
def posts(writer: Writer) -> Log:
    return Log(writer, topics.ENRICHED)


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        ({}, False),
        ({"rating": 4.1}, True),
        ({"objects": ["bank"]}, True),
        ({"media.kind": ["photo"], "media.url": ["https://a.example/1.jpg"], "media.alt": [""]}, True),
    ],
)
def test_what_makes_a_version(cells: dict[str, Any], kept: bool) -> None:
    first = entry("a", 0, 0)
    stored = [Version(0, True, [1], first.row)]
    edit = entry("a", 7, 1, dated=False, **cells)
    assert len(place([edit], {"a": [1]}, {"a": stored}, ())) == kept
    again = entry("a", 9, 1, dated=False, **{**cells, "rating": cells.get("rating") and 4.099999904632568})
    assert place([again], {"a": [1]}, {"a": [*stored, Version(7, False, [2], edit.row)]}, ()) == []


def test_signed_addresses_of_the_same_photo_are_no_edit() -> None:
    def with_media(kind: str, url: str, revision: int) -> Entry:
        cells: dict[str, Any] = {"media.kind": [kind], "media.url": [url], "media.alt": [""]}
        return entry("a", revision, revision, dated=False, **cells)

    for kind, one, other, kept in (
        ("photo", "https://sun1.example/1.jpg?sign=a", "https://sun9.example/1.jpg?sign=b", 1),
        ("photo", "https://sun1.example/1.jpg", "https://sun1.example/2.jpg", 2),
        ("photo", "https://[", "https://[", 1),
        ("link", "https://news.example/item?id=1", "https://news.example/item?id=2", 2),
    ):
        assert len(place([with_media(kind, one, 5), with_media(kind, other, 7)], {}, {}, ())) == kept


@pytest.mark.integration
def test_an_edit_that_is_noticed_twice_is_one_version(posts: Log, client: Any) -> None:
    posts.store(post(1, text="до"), post(9))
    assert posts.store(undated(1, 0, "после")) == 0
    assert posts.store(undated(1, 2_000, "после")) == 1, "its agent died before it had noted the first"
    assert posts.store(undated(1, -2_000, "после"), undated(9, 1, "иначе"), undated(9, 5, "иначе")) == 2
    assert posts.store(undated(1, 3_000, "до"), undated(1, 4_000, "после")) == 0, "back, and again"
    query = "SELECT text_before, text FROM post_history WHERE version > 1 ORDER BY id, version"
    edits = [("до", "после"), ("после", "до"), ("до", "после")]
    assert client.execute(query) == [*edits, (post(9).post.text, "иначе")]


@pytest.mark.integration
def test_a_rated_post_with_media_is_compared_as_it_was_stored(posts: Log, client: Any) -> None:
    same = post(36)
    assert same.post.media and same.post.rating
    rated = same.model_copy(update={"post": same.post.model_copy(update={"rating": 4.1})})
    posts.store(rated)
    edit = undated(36, 5, rated.post.text)
    for rating, skipped in ((4.1, 1), (1.2, 0)):
        changed = edit.post.model_copy(update={"rating": rating})
        assert posts.store(edit.model_copy(update={"post": changed})) == skipped
    assert client.execute("SELECT count() FROM post_revisions") == [(1,)]


@pytest.mark.integration
def test_the_look_up_of_edited_posts_reaches_the_primary_key(posts: Log, client: Any) -> None:
    for number in range(0, 40_000, 10_000):
        posts.store(*(post(each) for each in range(number, number + 10)))
    asked = {
        "name": "asked",
        "structure": [("hour", "DateTime('UTC')"), ("key", "String")],
        "data": [(samples.START, "twitter:1")],
    }
    look_up = "SELECT id AS key, text FROM posts WHERE (toStartOfHour(created_at), key) IN asked"
    plan = "\n".join(
        line for (line,) in client.execute(f"EXPLAIN indexes = 1 {look_up}", external_tables=[asked])
    )
    assert re.search(r"Min-Max.*Parts: 1/4", plan, re.DOTALL), plan
    assert re.search(r"PrimaryKey.*toStartOfHour.*id\n.*Granules: 0/1", plan, re.DOTALL), plan
