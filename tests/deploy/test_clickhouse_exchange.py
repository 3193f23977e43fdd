"""What `molva reprocess` does to partitions, step by step, as the molva_owner of deploy/clickhouse."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from clickhouse_driver import Client, errors

from pipeline.reprocess.ledger import Run
from pipeline.reprocess.period import Period, ReprocessError
from pipeline.reprocess.replacement import Replacement, release
from pipeline.reprocess.shadow import Shadow
from pipeline.reprocess.storage import StoragePosition
from pipeline.settings import Settings
from pipeline.sink.migrations import migrate

pytestmark = pytest.mark.integration

Connect = Callable[..., Client]

THROWN = 395
STARTED = datetime(2020, 5, 1, tzinfo=UTC)
INSERT = (
    "INSERT INTO mentions (object_id, object_kind, timeline, post_id, created_at, label, source) "
    "SELECT 'bank', 'brand', 'live', 'vk:{0}', '{0} 00:00:00', 'negative', 'vk'"
)


def test_the_owner_may_exchange_partitions_and_the_writer_is_held_off_meanwhile(clickhouse: Connect) -> None:
    migrate(clickhouse("molva_owner", database="default"), "molva")
    owner = clickhouse("molva_owner", database="molva")
    writer = clickhouse("molva_writer", database="molva")
    writer.execute(INSERT.format("2020-05-01"))
    StoragePosition(Settings(), owner).check_permission()
    with pytest.raises(ReprocessError, match=r"GRANT SELECT ON system\.processes"):
        StoragePosition(Settings(), writer).check_permission()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(writer.execute, "SELECT sleep(2)")
        seen = "SELECT count() FROM system.processes WHERE user = 'molva_writer'"
        while owner.execute(seen) != [(1,)]:
            assert not slow.done(), "the owner does not see what the writer runs"
        slow.result()
    shadow = Shadow(owner, "molva")
    replacement = Replacement(owner, shadow, Run("v", Period("live", STARTED, STARTED), "", (202005,), 0))
    shadow.create()
    replacement.hold()
    with pytest.raises(errors.ServerException, match="molva reprocess replaces 202005") as raised:
        writer.execute(INSERT.format("2020-05-02"))
    assert raised.value.code == THROWN
    writer.execute(INSERT.format("2020-06-01"))
    for step in (
        replacement.copy_rest,
        replacement.build_rollups,
        replacement.verify,
        replacement.remember_ids,
    ):
        step()
    for step in (replacement.keep_old, replacement.replace, replacement.drop_old, shadow.drop_next):
        step()
    release(owner)
    writer.execute(INSERT.format("2020-05-02"))
    assert owner.execute("SELECT count() FROM mentions") == [(3,)]
    assert owner.execute("SELECT sum(mentions) FROM mentions_1d") == [(3,)]
