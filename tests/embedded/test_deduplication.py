"""A note of an insert whose part is not there is forgotten: the insert is not lost when it is repeated."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.deduplication import forget_absent
from tests.embedded.clients import client_of

SCRIPT = Path(__file__).parents[2] / "deploy" / "clickhouse" / "forget-absent-parts.sh"
Forget = Callable[[Path], list[str]]

PARTS = ("201407_1_12_3", "201407_1_4_1", "201408_15_31_4_40", "tmp_insert_201408_33_33_0", "detached")
HELD = "1\t201407_12_12_1\ta\n1\t201408_15_15_1\tb\n2\t201408_90_90_1\tc\n"


def table_of(data: Path, *logs: str) -> Path:
    table = data / "store" / "dec" / "decba2ad-aed2-4768-bdb5-b9e11713a02a"
    notes = table / "deduplication_logs"
    notes.mkdir(parents=True)
    for part in PARTS:
        (table / part).mkdir()
    for number, text in enumerate(logs, start=1):
        (notes / f"deduplication_log_{number}.txt").write_text(text, encoding="utf-8")
    return table


def by_python(data: Path) -> list[str]:
    return [f"{table}: {part}" for table, part in forget_absent(data)]


def by_script(data: Path) -> list[str]:
    """As in the container: before the server, whose command it then runs."""
    done = subprocess.run(
        ["/bin/sh", SCRIPT, "echo", "the server starts"],
        env={**os.environ, "CLICKHOUSE_DATA": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "the server starts\n"
    told = [line.removesuffix(" was cut short; it may be repeated") for line in done.stderr.splitlines()]
    return [line.replace(": the insert of ", ": ") for line in told]


def logs_of(table: Path) -> list[Path]:
    return sorted((table / "deduplication_logs").iterdir())


@pytest.mark.parametrize("forget", [by_python, by_script])
def test_only_notes_without_a_part_go(forget: Forget, tmp_path: Path) -> None:
    last = "1\t201408_33_33_1\td\n"
    table = table_of(tmp_path, HELD + last, "1\t201409_34_34_1\te\n" + HELD, last)
    absent = [f"{table}: {part}" for part in ("201408_33_33_1", "201409_34_34_1", "201408_33_33_1")]
    assert forget(tmp_path) == absent
    assert [log.read_text(encoding="utf-8") for log in logs_of(table)] == [HELD, HELD, ""]
    assert forget(tmp_path) == []


@pytest.mark.parametrize("forget", [by_python, by_script])
def test_where_nothing_is_missing_nothing_is_written(forget: Forget, tmp_path: Path) -> None:
    table = table_of(tmp_path, HELD, "", "what is this\n")
    before = [log.stat().st_mtime_ns for log in logs_of(table)]
    assert forget(tmp_path) == [] == forget(tmp_path / "nothing yet")
    assert before == [log.stat().st_mtime_ns for log in logs_of(table)]


def insert(server: EmbeddedClickHouse, token: str) -> int:
    """Insert ten rows of two months under a token; how many rows the table has then."""
    with client_of(server) as client:
        client.execute(
            "INSERT INTO counted SELECT toDate('2026-01-27') + number FROM numbers(10)",
            settings={"insert_deduplicate": 1, "insert_deduplication_token": token},
        )
        ((rows,),) = client.execute("SELECT count() FROM counted")
    return int(rows)


@pytest.mark.integration
def test_the_cut_short_half_of_an_insert_is_taken_when_it_is_repeated(tmp_path: Path) -> None:
    with EmbeddedClickHouse(tmp_path) as server:
        with client_of(server) as client:
            client.execute(
                "CREATE TABLE counted (day Date) ENGINE = MergeTree PARTITION BY toYYYYMM(day)"
                " ORDER BY day SETTINGS non_replicated_deduplication_window = 100"
            )
        assert [insert(server, token) for token in "abb"] == [10, 20, 20]
        with client_of(server) as client:
            ((path,),) = client.execute(
                "SELECT path FROM system.parts WHERE table = 'counted' AND partition = '202602'"
                " ORDER BY min_block_number DESC LIMIT 1"
            )
        server.stop()
        shutil.rmtree(path)  # as if the kill had come before it got its name
        server.start()
        assert [insert(server, token) for token in "bba"] == [20, 20, 20]
