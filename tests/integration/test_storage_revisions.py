"""Edits and deletions through storage under kill -9: every version once, every post counted once."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.dead_letters.replaying import replay
from pipeline.settings import Settings
from pipeline.sink.writer import Writer
from schemas import DeadLetter, Deletion, Record
from tests.dead_letters.worlds import open_store
from tests.integration.test_storage_kill import start_worker
from tests.sink import samples
from tests.sink.test_revisions import deletion, mention, post
from tests.sink.worlds import Broker, World, new_world, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

POSTS = 400
EDITED, TWICE, GONE = 4, 8, 5
"""Every fourth post is edited, every eighth twice, every fifth deleted."""
RECOUNT = """
SELECT sum(m), sum(n) FROM (
    SELECT toInt64(count()) AS m, toInt64(countIf(label = 'negative')) AS n FROM mentions
    UNION ALL SELECT -toInt64(sum(mentions)), -toInt64(sum(negatives)) FROM mentions_{name})
"""


def versions(number: int) -> list[int]:
    """The revisions of a post."""
    return [0, *([5] if number % EDITED == 0 else []), *([9] if number % TWICE == 0 else [])]


def deliveries(seed: int) -> dict[str, Sequence[Record]]:
    """Each version in any order, and a third of them once more."""
    rng = random.Random(seed)
    every = [(number, revision) for number in range(POSTS) for revision in versions(number)]
    gone: list[Deletion] = [deletion(number) for number in range(0, POSTS, GONE)]
    mixed: dict[str, Sequence[Record]] = {
        topics.ENRICHED: [post(number, revision) for number, revision in every],
        topics.MENTIONS: [mention(number, revision) for number, revision in every],
        topics.DELETED: gone,
    }
    sent: dict[str, Sequence[Record]] = {}
    for topic, records in mixed.items():
        again = [*records, *rng.sample(records, len(records) // 3)]
        rng.shuffle(again)
        sent[topic] = again
    return sent


@pytest.fixture
async def world(
    settings: Callable[..., Settings], new_broker: Callable[[Path], Broker], tmp_path: Path
) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path, new_broker(tmp_path)) as made:
        yield made


async def test_versions_and_deletions_survive_kills(world: World) -> None:
    for topic, records in deliveries(seed=6).items():
        await world.send(topic, records)
    for at_least in (50, 200):
        worker = await start_worker(world.settings)
        await world.holds(f"SELECT count() >= {at_least} FROM posts", 1)
        worker.kill()
        await worker.wait()
    async with running(world.settings):
        for topic in (topics.ENRICHED, topics.MENTIONS, topics.DELETED):
            while await world.unread(topic) != {0}:
                await world.holds(f"SELECT count() <= {POSTS} FROM posts", 1)
    assert_exact(world)


def assert_exact(world: World) -> None:
    edits = sum(len(versions(number)) - 1 for number in range(POSTS))
    for base, key in (("post", "id"), ("mention", "id")):
        assert world.ask(f"SELECT count() FROM {base}s") == POSTS
        assert world.ask(f"SELECT uniqExact({key}) FROM {base}s") == POSTS
        kept = f"SELECT {key} AS k, revision FROM {base}s WHERE revision = 0 UNION ALL "
        kept += f"SELECT {key} AS k, revision FROM {base}_revisions"
        assert world.ask(f"SELECT count() FROM ({kept})") == POSTS + edits
        assert world.ask(f"SELECT uniqExact(k, revision) FROM ({kept})") == POSTS + edits
        assert world.ask(f"SELECT count() FROM latest_{base}s") == POSTS
        newest = world.ask(f"SELECT sum(revision) FROM latest_{base}s")
        assert newest == sum(max(versions(number)) for number in range(POSTS))
        assert world.ask(f"SELECT countIf(isNotNull(deleted_at)) FROM latest_{base}s") == POSTS // GONE
    assert world.ask("SELECT count() FROM deletions") == POSTS // GONE
    assert world.ask("SELECT uniqExact(post_id) FROM entities") == POSTS
    assert world.ask("SELECT count() FROM entities") == sum(
        len(samples.enriched(number).entities) for number in range(POSTS)
    )
    for name in ("5m", "1h", "1d"):
        assert world.ask(RECOUNT.format(name=name)) == 0
        assert world.ask(f"SELECT sum(mentions) FROM mentions_{name}") == POSTS


async def test_versions_around_a_rejected_one_and_the_replay_of_their_letters(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post counts though its first version cannot be stored; what is mended comes in as what it is."""
    rejected = {(post(1).id, 0), (post(2).id, 9)}
    letters: list[DeadLetter] = []
    insert = Writer.insert

    async def emit(letter: DeadLetter) -> None:
        letters.append(letter)

    def spoil(self: Writer, entries: Any, batch: Any) -> None:
        for each in entries:
            if (each.key, each.revision) in rejected:
                each.row["likes"] = 2**50
        insert(self, entries, batch)

    monkeypatch.setattr(Writer, "insert", spoil)
    await world.send(topics.ENRICHED, [post(1), post(1, 5), post(2), post(2, 9), post(2, 11), post(3)])
    async with running(world.settings, emit):
        await world.holds("SELECT count() FROM posts", 3)
        await world.holds("SELECT count() FROM post_revisions", 2)
    assert stored(world, "posts") == ["1@5", "2@0", "3@0"]
    assert stored(world, "post_revisions WHERE counted") == ["1@5"]
    monkeypatch.undo()
    with open_store(world.settings) as store:
        outcomes = await replay(world.settings, store, letters, "mended")
    assert [each.status for each in outcomes] == ["sent", "sent"]
    async with running(world.settings):
        await world.holds("SELECT count() FROM post_revisions", 4)
    assert stored(world, "posts") == ["1@5", "2@0", "3@0"]
    assert stored(world, "post_revisions") == ["1@0", "1@5", "2@11", "2@9"]
    assert stored(world, "latest_posts") == ["1@5", "2@11", "3@0"]


def stored(world: World, rows: str) -> list[str]:
    """``<last digit of the id>@<revision>`` of the rows."""
    listed = "arraySort(groupArray(concat(right(id, 1), '@', toString(revision))))"
    found: list[str] = world.ask(f"SELECT {listed} FROM {rows}")
    return found
