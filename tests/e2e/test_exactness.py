"""The same posts give the same rows and the same spikes, whoever dies meanwhile and however many work."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Up, await_value, spike_events, story_rows, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MENTIONS = "SELECT object_id, label, count() FROM mentions WHERE timeline = %(timeline)s GROUP BY 1, 2"
ENTITIES = "SELECT count() FROM entities WHERE timeline = %(timeline)s"
POSTS = "SELECT count(), uniqExact(id) FROM posts WHERE timeline = %(timeline)s"


class Outcome:
    """What ClickHouse holds of one replay."""

    def __init__(self, up: Up, file: Path) -> None:
        self.timeline = f"replay:{file.name}"
        parameters = {"timeline": self.timeline}
        self.posts = up.rows(POSTS, parameters)[0]
        self.mentions = set(up.rows(MENTIONS, parameters))
        self.entities = up.rows(ENTITIES, parameters)[0][0]
        self.spikes = spike_events(up, self.timeline)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return story_rows()


@pytest.fixture(scope="module")
def reference(one: Up, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    file = write_rows(tmp_path_factory.mktemp("reference") / "reference.jsonl", rows, "reference")
    report = one.replay(file)
    assert (report["published"], report["posts"], report["dead_letters"]) == (len(rows), len(rows), 0)
    outcome = Outcome(one, file)
    assert outcome.posts == (len(rows), len(rows))
    assert outcome.spikes
    return outcome


def test_the_same_file_again_changes_nothing(one: Up, reference: Outcome, tmp_path: Path) -> None:
    again = write_rows(tmp_path / "reference.jsonl", story_rows(), "reference")
    report = one.replay(again)
    assert report["posts"] == report["published"] == reference.posts[0]
    outcome = Outcome(one, again)
    assert (outcome.posts, outcome.mentions, outcome.spikes) == (
        reference.posts,
        reference.mentions,
        reference.spikes,
    )


def test_rollups_count_what_the_base_table_holds(one: Up, reference: Outcome) -> None:
    recount = one.rows(
        "SELECT object_id, count() FROM mentions WHERE timeline = %(timeline)s AND NOT own GROUP BY 1",
        {"timeline": reference.timeline},
    )
    rolled = one.rows(
        "SELECT object_id, toUInt64(sum(mentions)) FROM net_sentiment WHERE timeline = %(timeline)s "
        "GROUP BY 1",
        {"timeline": reference.timeline},
    )
    assert sorted(recount) == sorted(rolled)


def test_two_workers_per_stage_find_the_same(
    two: Up, reference: Outcome, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = write_rows(tmp_path / "two.jsonl", rows, "two")
    two.replay(file)
    outcome = Outcome(two, file)
    assert (outcome.posts, outcome.mentions) == (reference.posts, reference.mentions)
    assert outcome.entities == reference.entities
    assert outcome.spikes == reference.spikes


@pytest.mark.parametrize(
    "killed", [("enrichment-1", "storage-1"), ("detection-1", "ClickHouse")], ids="-".join
)
def test_kill_9_loses_and_doubles_nothing(
    two: Up, killed: tuple[str, str], reference: Outcome, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Two at once."""
    tag = "-".join(killed)
    file = write_rows(tmp_path / f"killed-{tag}.jsonl", rows, tag)
    parameters = {"timeline": f"replay:{file.name}"}
    published = two.run("replay", file, "--json")
    assert published.returncode == 0, published.stderr
    seen = "SELECT count() FROM mentions WHERE timeline = %(timeline)s"
    await_value(lambda: two.rows(seen, parameters)[0][0] > 200)
    before = two.rows(POSTS, parameters)[0][0]
    pids = {worker: two.pid(worker) for worker in killed}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    assert before < len(rows), "they were killed when all was over: no test"
    await_value(lambda: all(two.pid(worker) != pid for worker, pid in pids.items()))
    two.replay(write_rows(tmp_path / "after.jsonl", rows[:1], f"after-{tag}"))  # waits for all of it
    outcome = Outcome(two, file)
    assert (outcome.posts, outcome.mentions) == (reference.posts, reference.mentions)
    assert outcome.entities == reference.entities
    assert outcome.spikes == reference.spikes
