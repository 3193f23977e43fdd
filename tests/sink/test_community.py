"""Response analysis in a real ClickHouse: who was answered in their own communities, and how fast."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import topics
from pipeline.sink.writer import Writer
from schemas import Author, Channel, Deletion, EnrichedPost, Record
from tests.sink import samples
from tests.sink.test_revisions import Log

pytestmark = pytest.mark.integration


def said(
    number: int,
    minutes: float,
    *,
    by: str = "",
    place: str = "bank",
    reply_to: str | None = None,
    thread_root: str | None = None,
    revision: int = 0,
) -> EnrichedPost:
    """A post of VK; ``by``: the object that speaks, empty: the public; ``place``: whose community it is."""
    made = samples.enriched(3)
    post = made.post.model_copy(
        update={
            "id": f"vk:{number}",
            "source": "vk",
            "native_id": str(number),
            "kind": "comment" if reply_to or thread_root else "post",
            "created_at": samples.START + timedelta(minutes=minutes),
            "channel": Channel(id=f"-{place}", own=bool(place)),
            "author": Author(id=f"a{number}", own=bool(by)),
            "reply_to": reply_to,
            "thread_root": thread_root,
            "revision": revision,
            "edited_at": samples.START if revision else None,
        }
    )
    update = {"id": post.id, "post": post, "spoken_by": tuple(filter(None, [by]))}
    return made.model_copy(update={**update, "community_of": tuple(filter(None, [place]))})


def deletion(number: int, minutes: float) -> Deletion:
    at = samples.START + timedelta(minutes=minutes)
    return Deletion(
        id=f"vk:{number}", source="vk", native_id=str(number), deleted_at=at, collected_at=samples.COLLECTED
    )


class Community:
    """What storage has written of a community."""

    def __init__(self, writer: Writer, client: Any) -> None:
        self._client = client
        self.posts = Log(writer, topics.ENRICHED)
        self.deletions = Log(writer, topics.DELETED)

    def answered(self) -> dict[int, float | None]:
        """Number of a question -> minutes to its answer."""
        rows = self._client.execute("SELECT post_id, seconds_to_answer FROM community_posts")
        return {int(name[3:]): None if seconds is None else seconds / 60 for name, seconds in rows}

    def shares(self, columns: str) -> tuple[Any, ...]:
        ((row),) = self._client.execute(f"SELECT {columns} FROM community_response")
        return tuple(row)


@pytest.fixture
def community(writer: Writer, client: Any) -> Iterator[Community]:
    yield Community(writer, client)


def test_the_first_answer_to_each_post(community: Community) -> None:
    community.posts.store(
        said(1, 0, by="bank"),  # the company's own post asks nothing
        said(2, 1, thread_root="vk:1", reply_to="vk:1"),
        said(3, 2, thread_root="vk:1"),
        said(4, 3),
        said(5, 10, by="bank", thread_root="vk:1", reply_to="vk:2"),
        said(6, 20, by="bank", thread_root="vk:1", reply_to="2"),  # a native id, and too late to be the first
        said(7, 33, by="bank", thread_root="vk:4"),
        said(8, 5, thread_root="vk:4", reply_to="vk:4"),
        said(9, 9, by="rival", reply_to="vk:3"),  # another company, which has nothing to answer for here
        said(10, 1, place="", reply_to="vk:4"),  # not in the community
    )
    assert community.answered() == {2: 9, 3: None, 4: 30, 8: None, 9: None}


def test_edits_and_repetitions_change_nothing(community: Community) -> None:
    log = community.posts
    log.store(said(1, 0), said(2, 7, by="bank", reply_to="vk:1"))
    log.store(said(1, 0, revision=8), said(2, 7, by="bank", reply_to="vk:1", revision=9), said(1, 0))
    assert community.answered() == {1: 7}
    assert community.shares("posts, answered") == (1, 1)


def test_a_deleted_answer_is_none_and_a_deleted_question_counts_as_long_as_it_stood(
    community: Community,
) -> None:
    community.posts.store(
        said(1, 0),
        said(2, 5, by="bank", reply_to="vk:1"),
        said(3, 50, by="bank", reply_to="vk:1"),
        said(4, 0),  # withdrawn after half an hour: nobody had an hour to answer
        said(5, 0),  # withdrawn after three hours
        said(6, 0),  # unanswered
        said(7, 0),  # answered on the next day
        said(8, 30 * 60, by="bank", reply_to="vk:7"),
    )
    community.deletions.store(deletion(2, 20), deletion(4, 30), deletion(5, 180), deletion(99, 1))
    assert community.answered() == {1: 50, 4: None, 5: None, 6: None, 7: 1800}
    assert community.shares("posts, deleted, answered") == (5, 2, 2)
    assert community.shares("answered_1h, due_1h, share_1h") == (1, 4, 0.25)
    assert community.shares("answered_24h, due_24h, share_24h") == (1, 3, pytest.approx(1 / 3))
    assert community.shares("median_seconds, p90_seconds") == pytest.approx((925 * 60, 1625 * 60))


def test_a_community_whose_object_is_not_known_counts_under_no_name(
    community: Community, client: Any
) -> None:
    question = said(1, 0, place="")
    in_own = question.post.model_copy(update={"channel": Channel(id="-9", own=True)})
    answer = said(2, 3, place="", reply_to="vk:1")
    by_own = answer.post.model_copy(update={"author": Author(id="x", own=True), "channel": in_own.channel})
    community.posts.store(
        question.model_copy(update={"post": in_own}), answer.model_copy(update={"post": by_own})
    )
    assert community.answered() == {1: 3}
    assert client.execute("SELECT object_id, share_1h FROM community_response") == [("", 1.0)]


RECORDS = [
    said(1, 0),
    said(1, 0, revision=4),
    said(2, 30, by="bank", reply_to="vk:1"),
    said(2, 30, by="bank", reply_to="vk:1", revision=4),
    said(3, 90, by="bank", reply_to="vk:1"),
    said(4, 1),
    deletion(2, 60),
    deletion(4, 10),
]


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(RECORDS), st.lists(st.sampled_from(RECORDS), max_size=6))
def test_any_order_of_versions_and_deletions_gives_the_same(
    writer: Writer, client: Any, order: list[Record], again: list[Record]
) -> None:
    for table in ("posts", "post_ids", "post_revisions", "deletions", "entities"):
        client.execute(f"TRUNCATE TABLE {table}")
    community = Community(writer, client)
    for gone, records in groupby((*order, *again), key=lambda record: isinstance(record, Deletion)):
        (community.deletions if gone else community.posts).store(*records)
    assert community.answered() == {1: 90, 4: None}
    newest = client.execute(
        "SELECT id, max(revision), isNotNull(any(deleted_at)), count() FROM latest_posts GROUP BY 1"
    )
    assert sorted(newest) == [("vk:1", 4, 0, 1), ("vk:2", 4, 1, 1), ("vk:3", 0, 0, 1), ("vk:4", 0, 1, 1)]
    history = client.execute(
        "SELECT id, groupArray(revision) FROM (SELECT * FROM post_history ORDER BY version) GROUP BY 1"
    )
    assert sorted(history) == [("vk:1", [0, 4]), ("vk:2", [0, 4])]
