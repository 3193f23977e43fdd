"""A disk that runs full: inserts are refused before ClickHouse writes what it cannot read again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.clickhouse_config import KEEP_FREE_BYTES
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.clickhouse import FREE_BYTES, Clients, Unavailable, connect
from pipeline.sink.migrations import migrate
from pipeline.sink.writer import _EXACT, Writer
from tests.sink import samples
from tests.sink.test_writer import entries
from tests.small_disk import small_disk

pytestmark = pytest.mark.integration
BATCH = Batch("c1", topics.ENRICHED, 0, 0, 9)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 640) as folder:
        if folder is None:
            pytest.skip("a small disk of its own takes root (a tmpfs is mounted)")
        yield folder


def leave_free(disk: Path, free: int) -> Path:
    """A file that leaves so many bytes of the disk."""
    ballast, stat = disk / "ballast", os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_frsize - free)
    return ballast


def parts(client: Any) -> list[Any]:
    query = "SELECT table, name FROM system.parts WHERE database = currentDatabase() ORDER BY ALL"
    return list(client.execute(query))


def test_nothing_is_written_on_a_disk_that_is_nearly_full(disk: Path) -> None:
    chosen = entries([samples.enriched(number) for number in range(10)], BATCH)
    with EmbeddedClickHouse(disk) as server:
        own = {f"clickhouse_{name}": getattr(server, name) for name in ("host", "port", "user", "password")}
        settings = Settings(**own)
        with connect(settings, "default") as client:
            migrate(client, settings.clickhouse_database)
        clients = Clients(lambda: connect(settings))
        with connect(settings) as client:
            before = parts(client)
            ballast = leave_free(disk, min(FREE_BYTES, KEEP_FREE_BYTES) - 32 * 1024 * 1024)
            with pytest.raises(Unavailable, match="space"):
                Writer(clients).insert(chosen, BATCH)
            assert parts(client) == before
            ballast.unlink()
            for _ in range(2):
                Writer(clients).insert(chosen, BATCH)
            assert client.execute("SELECT count() FROM posts") == [(10,)]
            assert client.execute("SELECT count() FROM post_ids") == [(10,)]
        clients.close()


def test_any_server_is_told_how_much_must_stay_free(
    writer: Writer, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_EXACT, "min_free_disk_bytes_to_perform_insert", 10**15)
    with pytest.raises(Unavailable, match="free space"):
        writer.insert(entries([samples.enriched(1)], BATCH), BATCH)
    assert client.execute("SELECT count() FROM posts") == [(0,)]
