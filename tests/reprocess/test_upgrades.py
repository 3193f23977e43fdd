"""molva reprocess and what changes its tables: migrations wait for its end, kept rows follow them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.local import Local
from pipeline.plan import Plan
from pipeline.reprocess.period import ReprocessError
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.erasure import Erasure
from pipeline.sink.migrations import Migration, known, migrate, pending
from pipeline.sink.reprocessing import Reprocessing, refuse_reprocessing
from tests.reprocess.conftest import POSTS, Counts
from tests.reprocess.runs import PERIOD, WATCHLIST, analysis, job, reprocess
from tests.reprocess.test_edited_posts import GONE
from tests.reprocess.test_killed import killed
from tests.reprocess.test_reprocess import left
from tests.sink import samples
from tests.sink.test_revisions import deletion

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LATER = Migration(
    99,
    "0099_later",
    "-- expand: a column and an index\n"
    "ALTER TABLE posts ADD COLUMN IF NOT EXISTS mood LowCardinality(String) DEFAULT 'calm' AFTER kind;\n"
    "ALTER TABLE posts ADD INDEX IF NOT EXISTS by_mood mood TYPE set(4) GRANULARITY 1;\n"
    "CREATE TABLE IF NOT EXISTS more AS posts;\n",
)
STEPS = (*known(), LATER)
MIDNIGHT = datetime(2014, 8, 1, tzinfo=UTC)


def molva(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    chosen = {"MOLVA_WATCHLIST": str(WATCHLIST), "MOLVA_SENTIMENT_TIER": "fast", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        env={**os.environ, **settings.environment(), **chosen},
        capture_output=True,
        text=True,
        check=False,
    )


def forget_newest(client: Any, settings: Settings) -> str:
    """The database of the last release, as far as Molva can tell; the name of the migration that it lacks."""
    newest = known()[-1]
    client.execute(
        f"ALTER TABLE schema_migrations DELETE WHERE version = {newest.version}",
        settings={"mutations_sync": 1},
    )
    assert pending(client, settings.clickhouse_database) == [newest.name]
    return newest.name


def test_a_migration_waits_for_the_end_of_a_run(filled: Settings) -> None:
    database = filled.clickhouse_database
    with connect(filled) as client:
        working = job(filled, client)
        working.begin("second", PERIOD, "digest")
        assert migrate(client, database) == [], "where nothing is to be done nothing is refused"
        with pytest.raises(
            Reprocessing, match=r"version second of .* `molva migrate` would break it: end it"
        ):
            migrate(client, database, STEPS)
        assert pending(client, database, STEPS) == ["0099_later"]
        working.abandon()
        assert migrate(client, database, STEPS) == ["0099_later"]


def test_a_run_that_a_migration_has_overtaken_says_so_and_can_be_given_up(filled: Settings) -> None:
    with connect(filled) as client:
        working = job(filled, client)
        run = working.begin("second", PERIOD, "digest")
        for statement in LATER.statements:
            client.execute(statement)
        with pytest.raises(ReprocessError, match=r"second was begun before an upgrade: run .*--abandon"):
            working.make(run, analysis(), lambda _: None)
        working.abandon()
        assert left(client) == []
    assert reprocess(filled).step == "replaced"


def test_rows_kept_from_before_an_upgrade_follow_it(filled: Settings) -> None:
    """The first run keeps the rows of July, the second, after the upgrade, those of August beside them."""
    reprocess(filled, "july", replace(PERIOD, until=MIDNIGHT))
    old = "SELECT id, text, label FROM old_posts WHERE toYYYYMM(created_at) = 201407 ORDER BY id"
    with connect(filled) as client:
        kept = client.execute(old)
        assert kept
        migrate(client, filled.clickhouse_database, STEPS)
        run = reprocess(filled, "august", replace(PERIOD, since=MIDNIGHT))
        assert run.months == (201408,)
        assert client.execute(old) == kept
        assert client.execute("SELECT DISTINCT mood FROM old_posts") == [("calm",)]
        months = client.execute("SELECT DISTINCT toYYYYMM(created_at) FROM old_posts ORDER BY 1")
        assert months == [(201407,), (201408,)]
        assert not client.execute("SHOW TABLES LIKE 'recast_%'")
    after = Counts(filled)
    assert (after.posts, after.wrong) == ((POSTS, POSTS), [])


def test_a_run_killed_between_old_and_new_is_ended_before_the_upgrade(filled: Settings) -> None:
    killed(filled, "replacing")
    with connect(filled) as client:
        lacking = forget_newest(client, filled)
        refused = molva(filled, "migrate")
        assert (refused.returncode, refused.stderr.startswith("molva: version second of")) == (1, True)
        erasing = molva(filled, "erase")
        assert erasing.returncode == 2, "the schema comes first there"
        begun = molva(filled, "reprocess", "--from", "2014-07-01", "--to", "2014-07-02")
        assert (begun.returncode, "run `molva migrate` first" in begun.stderr) == (2, True)
        ended = molva(filled, "reprocess", "--resume")
        assert ended.returncode == 0, ended.stderr
        assert molva(filled, "migrate").stdout == f"applied {lacking}\n"
    after = Counts(filled)
    assert (after.posts, after.wrong) == ((POSTS, POSTS), [])


def test_no_run_begins_while_rows_are_being_erased(filled: Settings) -> None:
    with connect(filled) as client:
        client.execute("SYSTEM STOP MERGES posts")
        client.execute("ALTER TABLE posts UPDATE url = '' WHERE 1", settings={"mutations_sync": 0})
        with pytest.raises(ReprocessError, match="rows of posts are being changed"):
            job(filled, client).begin("second", PERIOD, "digest")
        assert left(client) == []
        client.execute("SYSTEM START MERGES posts")


def test_a_stack_starts_all_the_same_as_ending_a_run_needs_its_servers(filled: Settings) -> None:
    said: list[str] = []
    with connect(filled) as client:
        working = job(filled, client)
        working.begin("second", PERIOD, "digest")
        lacking = forget_newest(client, filled)
        stack = Local(filled, Plan(), said.append)
        stack._migrate(filled)
        assert len(said) == 1 and said[0].endswith("`molva reprocess --abandon`; storage waits until then")
        working.abandon()
        stack._migrate(filled)
        assert said[1:] == [f"applied migrations {lacking}"]


def test_a_hold_that_a_run_left_behind_is_not_copied_into_new_tables(filled: Settings) -> None:
    with connect(filled) as client:
        client.execute("ALTER TABLE posts ADD CONSTRAINT held_by_reprocess CHECK 1")
        with pytest.raises(Reprocessing, match="run `molva reprocess --resume`, then `molva migrate`"):
            migrate(client, filled.clickhouse_database, STEPS)
        job(filled, client).tidy()
        migrate(client, filled.clickhouse_database, STEPS)


def test_erasing_waits_and_what_it_has_erased_already_keeps_its_analysis(filled: Settings) -> None:
    gone = samples.raw_post(GONE).id
    stored = f"SELECT label, version, text FROM posts WHERE id = '{gone}'"
    with connect(filled) as client:
        ((label, _, _),) = client.execute(stored)
        working = job(filled, client)
        run = working.begin("second", PERIOD, "digest")
        refused = molva(filled, "erase")
        assert (refused.returncode, "and `molva erase` would break it" in refused.stderr) == (1, True), (
            refused.stderr
        )
        told = deletion(GONE)
        client.execute(
            "INSERT INTO deletions (id, source, deleted_at) VALUES", [(told.id, told.source, told.deleted_at)]
        )
        # as one that began before the run would
        assert Erasure(client, "", samples.START + timedelta(days=1)).run()["posts"] == 1
        working.make(run, analysis(), lambda _: None)
        assert working.exchange(run).step == "replaced"
        assert client.execute(stored) == [(label, "", "")]
        refuse_reprocessing(client, filled.clickhouse_database, "`molva erase`")
    after = Counts(filled)
    assert (after.posts, after.wrong) == ((POSTS, POSTS), [])
