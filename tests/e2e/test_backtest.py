"""``molva backtest`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.backtest.past import START, csv, hours
from tests.e2e.conftest import molva, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backtest") / "счёт.csv"
    lines = [*csv("Ромашка", hours(24, {240, 241})), *csv("quiet", hours(24))]
    path.write_text("object,bucket,negative,total\n" + "".join(lines), encoding="utf-8")
    return path


def test_counts_give_a_table_a_sweep_and_a_page(counts: Path, tmp_path: Path) -> None:
    page = tmp_path / "chart.html"
    done = molva("backtest", counts, "--sweep", "least_negatives=5,1000", "--chart", page)
    assert done.returncode == 0, done.stderr
    assert "2014-08-07 01:00" in done.stdout
    assert "1 spike in 6.9 object-weeks" in done.stdout
    assert "suggested: the one that" in done.stdout
    assert "sweep, against the parameters above" in done.stdout
    assert "drew 2 objects" in done.stderr
    assert "Ромашка" in page.read_text(encoding="utf-8")


def test_everything_as_one_json_document(counts: Path) -> None:
    done = molva(
        "backtest", "-", "--json", "--sweep", "open_at=8:12:4", stdin=counts.read_text(encoding="utf-8")
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    (spike,) = report["spikes"]
    assert spike["severity"] == "warning"
    assert (spike["object"], spike["opened_at"]) == ("Ромашка", "2014-08-07T01:00:00Z")
    assert {one["object"]: one["spikes"] for one in report["objects"]} == {"Ромашка": 1, "quiet": 0}
    assert [one["parameters"] for one in report["sweep"]] == [{"open_at": 8}, {"open_at": 12}]
    assert report["sweep"][1]["missed"] == []


def test_the_period_and_a_changed_threshold(counts: Path) -> None:
    later = molva("backtest", counts, "--from", "2014-08-10", "--object", "Ромашка", "--json")
    assert json.loads(later.stdout)["spikes"] == []
    deaf = json.loads(molva("backtest", counts, "--set", "least_negatives=1000", "--json").stdout)
    assert all(spike["signal"] == "volume" for spike in deaf["spikes"])


def test_the_watchlist_tells_the_thresholds_of_counts(counts: Path, tmp_path: Path) -> None:
    watchlist = tmp_path / "watchlist.yaml"
    text = "- {id: quiet, kind: brand, name: Тихо, aliases: [Тихоня], sensitivity: {1h: 30}}\n"
    watchlist.write_text(text, encoding="utf-8")
    done = molva("backtest", counts, "--watchlist", watchlist)
    assert done.returncode == 0, done.stderr
    assert "to paste into the watchlist, each under its object:" in done.stdout
    assert "# quiet" in done.stdout
    judged = json.loads(molva("backtest", counts, "--watchlist", watchlist, "--json").stdout)
    assert {one["object"]: one["open_at"] for one in judged["objects"]} == {"Ромашка": 12, "quiet": 30}
    same = json.loads(
        molva("backtest", counts, "--watchlist", watchlist, "--set", "open_at=14", "--json").stdout
    )
    assert {one["open_at"] for one in same["objects"]} == {14}
    watchlist.write_text(text.replace("30", "3"), encoding="utf-8")
    wrong = molva("backtest", counts, "--watchlist", watchlist)
    assert wrong.returncode == 2
    assert "the sensitivity of `1h` is '3'" in wrong.stderr


def test_labelled_posts_need_no_models(tmp_path: Path) -> None:
    rows = []
    for second, negative, total in hours(5, {100, 101}):
        for number in range(total):
            label = "negative" if number < negative else "neutral"
            rows.append(
                {"id": f"{second}-{number}", "created_at": second, "text": "", "targets": {"acme": label}}
            )
    done = molva("backtest", write_rows(tmp_path / "labelled.jsonl", rows), "--labels", "--json")
    assert done.returncode == 0, done.stderr
    assert [spike["object"] for spike in json.loads(done.stdout)["spikes"]] == ["acme"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["no-such.csv"], "cannot read no-such.csv"),
        (["COUNTS", "--sweep", "threshold=1,2"], "no parameter 'threshold'"),
        (["COUNTS", "--set", "open_at"], "NAME=VALUE"),
        (["COUNTS", "--from", "yesterday"], "--from 'yesterday'"),
        (["COUNTS", "--from", "2014-08-02", "--to", "2014-08-01"], "is not after --from"),
        (["COUNTS", "--object", "nobody"], "nothing to judge"),
        (["COUNTS", "--chart", "chart.pdf"], "ends in .html or .png"),
        (["COUNTS", "--chart", "no/such/folder/chart.png"], "there is no folder"),
        (["BROKEN"], "line 2: negative 3 is more than total 2"),
        (["POSTS"], "--watchlist"),
    ],
)
def test_a_mistake_is_told_in_one_message(
    options: list[str], words: str, counts: Path, tmp_path: Path
) -> None:
    broken, posts = tmp_path / "broken.csv", tmp_path / "posts.jsonl"
    broken.write_text("acme,2014-07-28T00:00Z,1,2\nacme,2014-07-28T01:00Z,3,2\n", encoding="utf-8")
    write_rows(posts, [{"id": "1", "created_at": START, "text": "Ромашка"}])
    files = {"COUNTS": str(counts), "BROKEN": str(broken), "POSTS": str(posts)}
    done = molva("backtest", *(files.get(option, option) for option in options))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_clickhouse_that_is_away_is_told_in_one_message(tmp_path: Path) -> None:
    done = molva("backtest", "clickhouse", MOLVA_CLICKHOUSE_PORT="1", MOLVA_DATA_DIR=str(tmp_path))
    assert done.returncode == 3
    assert "molva up" in done.stderr
