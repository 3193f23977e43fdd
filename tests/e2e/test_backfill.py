"""``molva backfill`` on a real stack: an object new to the watchlist is judged in its first hour."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Up, await_value, molva, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

T0 = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 9
TIMELINE = "replay:past"
CALM = ("Сегодня был в {}, всё как обычно.", "Офис {} на Ленина работает до восьми.", "{} открыл отделение.")
ANGRY = ("{} — ужасный банк, обманули с деньгами, кошмар!", "Ненавижу {}: украли деньги и хамят!")
OBJECTS = {"romashka": "Ромашка Банк", "vasilek": "Василёк Банк"}


def watchlist(path: Path, *ids: str) -> Path:
    lines = [
        f"- {{id: {name}, kind: brand, name: {OBJECTS[name]}, aliases: [{OBJECTS[name]}]}}" for name in ids
    ]
    lines.append("- {id: polus, kind: brand, name: Полюс Банк, aliases: [Полюс Банк]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def posts(start: datetime, end: datetime, apart: timedelta, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """A post about each object, now and then."""
    rows = []
    for number in range((end - start) // apart):
        at = start + number * apart
        for name, spoken in OBJECTS.items():
            text = texts[number % len(texts)].format(spoken)
            rows.append({"id": f"{name}-{at:%d%H%M%S}", "created_at": at.isoformat(), "text": text})
    return rows


PAST = posts(T0, T0 + timedelta(days=DAYS), timedelta(minutes=15), (*CALM, *CALM, ANGRY[0]))
BEGIN = T0 + timedelta(days=DAYS)
BURST = posts(BEGIN, BEGIN + timedelta(hours=1), timedelta(minutes=1), ANGRY)


def options(until: datetime = BEGIN) -> list[str]:
    return ["--from", T0.isoformat(), "--to", until.isoformat(), "--timeline", TIMELINE]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backfill")
    write_rows(folder / "past.jsonl", PAST)
    write_rows(folder / "burst.jsonl", BURST)
    watchlist(folder / "before.yaml")
    watchlist(folder / "after.yaml", *OBJECTS)
    return folder


def test_backfilled_from_clickhouse_a_burst_in_the_first_hour_is_found(
    files: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("stack")
    before = Up(data, watchlist=files / "before.yaml")
    before.start()
    assert before.replay(files / "past.jsonl", "--timeline", TIMELINE)["mentions"] == 0
    assert before.stop() == 0
    after = Up(data, watchlist=files / "after.yaml")
    after.start()
    try:
        missing = after.run("backfill", "romashka", "--watchlist", files / "after.yaml")
        assert missing.returncode == 2
        assert "timelines with mentions: none" in missing.stderr
        asked = ["backfill", "romashka", "--watchlist", files / "after.yaml", *options(), "--json"]
        dry = after.run(*asked, "--dry-run")
        assert dry.returncode == 0, dry.stderr
        done = after.run(*asked)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["published"] is True
        assert json.loads(dry.stdout)["objects"] == json.loads(done.stdout)["objects"]
        log = data / "logs" / "detection-1.log"
        await_value(lambda: "5m learned, 1h learned, 1d learned" in log.read_text())
        after.replay(files / "burst.jsonl", "--timeline", TIMELINE)
        query = (
            "SELECT object_id, resolution, opened_at FROM spikes "
            "WHERE timeline = %(timeline)s AND revision = 1"
        )
        spikes = after.rows(query, {"timeline": TIMELINE})
        assert {row[0] for row in spikes} == {"romashka"}, "nothing was known of the other one"
        assert ("romashka", "5m") in {row[:2] for row in spikes}
        assert all(row[2] > BEGIN for row in spikes), "nothing is told of the past"
    finally:
        assert after.stop() == 0


def test_a_dry_run_on_a_file_needs_no_server(files: Path) -> None:
    listed = files / "after.yaml"
    done = molva(
        *("backfill", "vasilek", "romashka", "--file", files / "past.jsonl", "--watchlist", listed),
        *(*options(), "--dry-run", "--json"),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["posts"] == len(PAST)
    assert [each["object"] for each in report["objects"]] == ["vasilek", "romashka"]
    for each in report["objects"]:
        assert each["mentions"] == len(PAST) / 2
        assert {one["resolution"]: one["ready"] for one in each["resolutions"]} == {
            "5m": True,
            "1h": True,
            "1d": True,
        }
        hourly = each["resolutions"][1]
        assert 3 < hourly["mentions_per_hour"] < 5
        assert 0.05 < hourly["share"] < 0.3
    shown = molva(
        *("backfill", "romashka", "--file", files / "past.jsonl", "--watchlist", listed),
        *(*options(), "--dry-run"),
    )
    assert "at once" in shown.stdout
    assert "nothing is published" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["rose"], "has no object rose; it has romashka, vasilek, polus"),
        (["polus", *options(), "--dry-run"], "mentions polus: nothing to learn from"),
        (["romashka", "--from", "2025-01-01", "--to", "2025-02-01", "--dry-run"], "no post is dated from"),
        (["romashka", "--to", "2099-01-01"], "is in the future"),
        (["romashka", "--from", "2026-03-02", "--to", "2026-03-01"], "is not after --from"),
        (["romashka", "--from", "yesterday"], "is no day or moment"),
    ],
)
def test_mistakes_are_told(files: Path, arguments: list[str], problem: str) -> None:
    done = molva("backfill", *arguments, "--file", files / "past.jsonl", "--watchlist", files / "after.yaml")
    assert done.returncode == 2, done.stdout
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_absent_servers_are_told(files: Path, tmp_path: Path) -> None:
    listed = ["--watchlist", files / "after.yaml", "--data-dir", tmp_path]
    nowhere = {"MOLVA_KAFKA_BOOTSTRAP": "127.0.0.1:9", "MOLVA_CLICKHOUSE_PORT": "9"}
    kafka = molva("backfill", "romashka", *listed, **nowhere)
    assert kafka.returncode == 3
    clickhouse = molva("backfill", "romashka", "--dry-run", *listed, **nowhere)
    assert clickhouse.returncode == 3
    assert "ClickHouse: " in clickhouse.stderr
