"""Broken input through the whole pipeline: a message or a dead letter each, the posts around unharmed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.e2e.conftest import WATCHLIST, Up, molva

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def row(number: int, text: str = "Рассвет Банк опять лежит, ужас", **fields: object) -> str:
    fields = {"id": f"n{number}", "created_at": "2026-03-02T10:00:00Z", "text": text, **fields}
    return json.dumps({name: value for name, value in fields.items() if value is not None})


LINES = [
    row(1),
    '{"id": "n2", "created_at": "2026-03-02T10:00:00Z", "text": "обор',
    row(3),
    row(4, text="x" * 5_000_000),
    row(5, created_at="31.02.2026"),
    row(6, created_at="1970-01-01T00:00:00Z"),
    row(7, created_at="2100-01-01T00:00:00Z"),
    row(8, text="нуль\x00внутри, Рассвет Банк"),
    '{"id": "n9", "created_at": "2026-03-02T10:00:00Z", "text": "половина \\ud83d эмодзи, Рассвет Банк"}',
    row(10, text="😀" * 10_000 + " Рассвет Банк"),
    row(11, text=""),
    row(3),
    row(13, mood="grim", nested={"a": [1]}),
    "[1, 2]",
    row(15, rating="ten stars"),
    row(16),
]
BAD = {
    2: "not_json",
    4: "too_large",
    5: "invalid",
    6: "implausible_time",
    7: "implausible_time",
    14: "invalid",
}
BAD[15] = "invalid"
GOOD = {"n1", "n3", "n8", "n9", "n10", "n11", "n13", "n16"}


@pytest.fixture(scope="module")
def replayed(one: Up, tmp_path_factory: pytest.TempPathFactory) -> Up:
    file = tmp_path_factory.mktemp("bad") / "broken.jsonl"
    file.write_bytes(
        "\n".join(LINES).encode() + b"\n\xff\xfe not utf-8 at all\n\n" + row(18).encode() + b"\n"
    )
    report = one.replay(file)
    assert report["published"] == len(GOOD) + 2  # n3 stands there twice
    assert report["rejected"] == len(BAD) + 1
    return one


def test_every_good_post_is_stored_once(replayed: Up) -> None:
    found = replayed.rows("SELECT id FROM posts WHERE source = 'broken'")
    assert sorted(found) == sorted((f"broken:{native}",) for native in {*GOOD, "n18"})


def test_every_bad_line_is_a_dead_letter_with_its_origin_and_reason(replayed: Up) -> None:
    found = replayed.rows("SELECT origin, reason FROM dead_letters WHERE origin LIKE 'broken.jsonl:%'")
    expected = {(f"broken.jsonl:{line}", reason) for line, reason in BAD.items()}
    assert set(found) == {*expected, ("broken.jsonl:17", "not_json")}
    assert len(found) == len(set(found))


def test_a_dead_letter_tells_the_size_of_what_it_was(replayed: Up) -> None:
    ((size, kept),) = replayed.rows(
        "SELECT payload_size, length(payload) FROM dead_letters WHERE origin = 'broken.jsonl:4'"
    )
    assert size > 5_000_000
    assert kept <= 40_000


def test_texts_survive_in_a_defined_form(replayed: Up) -> None:
    texts = dict(
        replayed.rows(
            "SELECT native_id, text FROM (SELECT splitByChar(':', id)[2] AS native_id, text "
            "FROM posts WHERE source = 'broken')"
        )
    )
    assert texts["n8"] == "нульвнутри, Рассвет Банк"
    assert texts["n9"] == "половина \ufffd эмодзи, Рассвет Банк"
    assert texts["n10"].count("😀") == 10_000
    assert texts["n11"] == ""


def test_mentions_of_odd_texts_are_found(replayed: Up) -> None:
    found = replayed.rows(
        "SELECT post_id FROM mentions WHERE post_id LIKE 'broken:%' AND object_id = 'rassvet' ORDER BY 1"
    )
    expected = sorted(f"broken:{native}" for native in {*GOOD, "n18"} - {"n11"})
    assert found == [(name,) for name in expected]


def test_unknown_fields_are_kept(replayed: Up) -> None:
    ((extras,),) = replayed.rows("SELECT extras FROM posts WHERE id = 'broken:n13'")
    assert json.loads(extras) == {"mood": "grim", "nested": {"a": [1]}}


def test_a_file_that_ends_early_says_so_and_keeps_what_came_before(one: Up, tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(row(number) for number in range(2000)).encode())
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(whole[: len(whole) // 2])
    done = one.run("replay", file, "--wait", "--json")
    assert done.returncode == 2
    assert "cut.jsonl.gz" in done.stderr
    assert "Traceback" not in done.stderr
    stored = one.rows("SELECT count() FROM posts WHERE source = 'cut'")[0][0]
    assert 0 <= stored < 2000


def test_a_watchlist_with_an_error_stops_the_start_and_names_the_line(tmp_path: Path) -> None:
    broken = tmp_path / "watchlist.yaml"
    broken.write_text(
        WATCHLIST.read_text(encoding="utf-8").replace("kind: brand", "kind: brnd", 1), encoding="utf-8"
    )
    done = molva("up", "--data-dir", tmp_path / "data", "--watchlist", broken)
    assert done.returncode == 2
    assert "brnd" in done.stderr
    assert f"{broken}:5: object 'rassvet'" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "stack.json").exists()
