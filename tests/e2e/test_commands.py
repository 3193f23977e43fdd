"""The commands as a user types them, with and without servers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import main
from pipeline.cli.language import batches_of_lines
from pipeline.topics import TOPICS
from tests.e2e.conftest import WATCHLIST, Up, clean_environment, molva, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["demo"],
        ["up"],
        ["replay"],
        ["agent", "http"],
        ["agent", "rss"],
        ["agent", "check"],
        ["agents"],
        ["agents", "run"],
        ["agents", "check-file"],
        ["agents", "backfill"],
        ["agents", "forget"],
        ["worker"],
        ["annotate"],
        ["detect"],
        ["backtest"],
        ["backfill"],
        ["alerts"],
        ["train"],
        ["train", "sentiment"],
        ["train", "signals"],
        ["eval"],
        ["eval", "sentiment"],
        ["eval", "mentions"],
        ["eval", "entities"],
        ["bench"],
        ["bench", "entities"],
        ["sql"],
        ["topics"],
        ["migrate"],
        ["erase"],
        ["status"],
        ["doctor"],
        ["dead-letters", "list"],
        ["dead-letters", "show"],
        ["dead-letters", "replay"],
        ["dead-letters", "purge"],
        ["schemas"],
        ["schemas", "export"],
    ],
    ids=" ".join,
)
def test_every_command_explains_itself_with_an_example(command: list[str]) -> None:
    done = molva(*command, "--help")
    assert done.returncode == 0
    assert "Usage: molva" in done.stdout
    if command and command not in (["train"], ["eval"], ["schemas"], ["bench"], ["alerts"]):
        assert "Example:" in done.stdout


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["replay", "no-such-file.jsonl"], 2, "no-such-file.jsonl: no such file"),
        (["replay", "."], 2, ".: it is no file"),
        (["worker", "cooking"], 2, "enrichment, detection, storage"),
        (["agent", "cooking"], 2, "No such command 'cooking'"),
        (["agent", "check", "vk:banks"], 2, "no agents.yaml: name it with --file or MOLVA_AGENTS"),
        (["agents", "run", "--file", "no-such.yaml"], 2, "no-such.yaml: cannot be read"),
        (["agents"], 3, "MOLVA_KAFKA_BOOTSTRAP"),
        (["annotate", "no-such-file"], 2, "cannot read no-such-file"),
        (["annotate", "-", "--watchlist", "no-such.yaml"], 2, "no-such.yaml"),
        (["detect", "no-such.csv"], 2, "cannot read no-such.csv"),
        (["sql", "SELECT 1"], 3, "molva up"),
        (["topics"], 3, "MOLVA_KAFKA_BOOTSTRAP"),
        (["migrate"], 3, "MOLVA_CLICKHOUSE_HOST"),
        (["frobnicate"], 2, "frobnicate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_told_in_one_message(command: list[str], code: int, words: str, tmp_path: Path) -> None:
    nobody = {"MOLVA_DATA_DIR": str(tmp_path), "MOLVA_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    done = molva(*command, MOLVA_CLICKHOUSE_PORT="1", MOLVA_CLICKHOUSE_HTTP_PORT="1", **nobody)
    assert done.returncode == code, done.stderr
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    done = molva("schemas", "export", taken)
    assert done.returncode == 2
    assert f"{taken}: File exists" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = molva("topics", MOLVA_PARTITIONS="many", MOLVA_DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "MOLVA_PARTITIONS" in done.stderr


@pytest.mark.parametrize("stage", ["enrichment", "detection"])
def test_a_worker_whose_watchlist_is_wrong_names_the_line(stage: str, tmp_path: Path) -> None:
    watchlist = tmp_path / "watchlist.yaml"
    text = "- {id: a, kind: brand, name: А, aliases: [Аа],\n   sensitivity: {1h: 3}}\n"
    watchlist.write_text(text, encoding="utf-8")
    nobody = {"MOLVA_DATA_DIR": str(tmp_path), "MOLVA_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    done = molva("worker", stage, MOLVA_WATCHLIST=str(watchlist), **nobody)
    assert done.returncode == 2
    assert f"{watchlist}:2: object 'a': the sensitivity of `1h` is '3'" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_without_servers_is_not_ready(tmp_path: Path) -> None:
    nobody = {"MOLVA_DATA_DIR": str(tmp_path), "MOLVA_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    done = molva("status", "--json", MOLVA_CLICKHOUSE_PORT="1", **nobody)
    assert done.returncode == 1
    assert json.loads(done.stdout)["ready"] is False


def test_annotate_answers_line_by_line() -> None:
    lines = [
        json.dumps({"text": "Рассвет Банк опять лежит, это ужас и позор"}),
        "not json",
        json.dumps({"text": ""}),
        json.dumps({"text": "Был вчера у Ивана Петрова в Казани", "targets": ["Казань", "rassvet"]}),
        json.dumps({"text": 7}),
        '{"text": "половина \\ud83d пары"}',
        "",
        '{"text": "x", "targets": null}',
        '{"text": "x", "targets": [" "]}',
    ]
    done = molva("annotate", "-", "--watchlist", WATCHLIST, stdin="\n".join(lines) + "\n")
    assert done.returncode == 1, done.stderr
    first, broken, empty, asked, wrong, half, blank, none, nameless = map(
        json.loads, done.stdout.splitlines()
    )
    assert first["lang"] == "ru"
    assert first["mentions"][0]["object"] == "rassvet"
    assert first["mentions"][0]["span"] == [0, 12]
    assert first["mentions"][0]["sentiment"]["label"] == "negative"
    assert sum(first["sentiment"]["p"].values()) == pytest.approx(1, abs=1e-3)
    assert "error" in broken
    assert "error" in wrong
    assert (empty["entities"], empty["mentions"]) == ([], [])
    assert {(entity["normal"], entity["type"]) for entity in asked["entities"]} >= {("Казань", "LOC")}
    mentions = {mention["object"]: mention["span"] for mention in asked["mentions"]}
    assert mentions == {"Казань": [28, 34], "rassvet": None}
    assert "error" not in half
    assert blank == {"error": "the line is empty"}
    assert none["mentions"] == []
    assert "error" in nameless
    assert "4 lines could not be annotated" in done.stderr


def test_annotate_answers_while_its_input_is_still_open() -> None:
    command = [sys.executable, "-m", "pipeline.cli", "annotate", "-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": clean_environment()}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        for text in ("первая", "вторая"):
            process.stdin.write(json.dumps({"text": text}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["lang"] == "ru"


@given(st.lists(st.binary(max_size=8)), st.integers(1, 5), st.integers(1, 3))
def test_lines_come_whole_and_in_order(pieces: list[bytes], buffer: int, size: int) -> None:
    text = b"\n".join(pieces)
    raw = io.BytesIO(text)
    with io.BufferedReader(raw, buffer) as stream:  # type: ignore[arg-type]
        batches = list(batches_of_lines(stream, size))
    assert [line for batch in batches for line in batch] == [line.rstrip(b"\n") for line in io.BytesIO(text)]
    assert all(1 <= len(batch) <= size for batch in batches)


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.cli.commands.run", interrupted)
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 130


def test_detect_prints_spikes_and_scores(tmp_path: Path) -> None:
    rows = ["object,bucket,negative,total"]
    for hour in range(24 * 5):
        negative = 40 if hour >= 110 else 2
        rows.append(f"bank,2026-03-{2 + hour // 24:02}T{hour % 24:02}:00:00Z,{negative},{negative + 20}")
    file = tmp_path / "counts.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = molva("detect", file)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["status"] for event in events][:1] == ["opened"]
    assert events[0]["opened_at"].startswith("2026-03-06T15") or events[0]["opened_at"].startswith(
        "2026-03-06T16"
    )
    scored = molva("detect", file, "--scores")
    assert len(scored.stdout.splitlines()) == len(rows) - 1
    file.write_text("object,bucket,negative,total\nbank,yesterday,1,2\n", encoding="utf-8")
    bad = molva("detect", file)
    assert bad.returncode == 2
    assert "line 2" in bad.stderr


def test_schemas_export_writes_a_schema_per_record_and_asyncapi(tmp_path: Path) -> None:
    done = molva("schemas", "export", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == set(json.loads(done.stdout)["files"])
    assert len(written) == len({record for topic in TOPICS for record in topic.records}) + 1
    assert json.loads((tmp_path / "out" / "asyncapi.json").read_text())["asyncapi"] == "3.0.0"


def test_status_topics_sql_and_doctor_of_a_running_stack(one: Up) -> None:
    status = one.run("status", "--json")
    assert status.returncode == 0, status.stdout
    parts = {part["name"] for part in json.loads(status.stdout)["parts"]}
    assert {"kafka", "topics", "clickhouse", "schema", "enrichment-1", "detection-1", "storage-1"} <= parts
    topics = json.loads(one.run("topics", "--json").stdout)["topics"]
    assert {topic["topic"]: topic["partitions"] for topic in topics}["molva.posts.raw"] == 4
    assert one.run("sql", "SELECT 1 AS x", "--format", "JSONEachRow").stdout == '{"x":1}\n'
    assert one.run("sql", "-", "--format", "CSV", stdin="SELECT 2").stdout == "2\n"
    wrong = one.run("sql", "SELECT FROM WHERE")
    assert wrong.returncode == 2
    assert "Syntax error" in wrong.stderr
    assert json.loads(one.run("migrate", "--json").stdout)["applied"] == []
    doctor = one.run("doctor", "--json")
    assert [part for part in json.loads(doctor.stdout)["findings"] if not part["ready"]] == []
    assert doctor.returncode == 0


def test_a_second_stack_on_the_same_folder_is_refused(one: Up) -> None:
    done = molva("up", "--data-dir", one.data_dir, "--watchlist", WATCHLIST)
    assert done.returncode == 1
    assert "in use by process" in done.stderr
    assert one.run("status", "--json").returncode == 0


def test_the_same_posts_in_another_file_are_told_to_be_there_already(one: Up, tmp_path: Path) -> None:
    rows = [{"id": n, "created_at": "2026-03-02T10:00:00Z", "text": "снова"} for n in range(3)]
    assert one.replay(write_rows(tmp_path / "twice.jsonl", rows))["posts"] == 3
    done = one.run("replay", write_rows(tmp_path / "twice.ndjson", rows), "--wait", "--json")
    report = json.loads(done.stdout)
    assert (report["published"], report["posts"]) == (3, 0)
    assert "repeat an id" in done.stderr
    assert "--source" in done.stderr


def test_bench_entities_compares_with_natasha(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    texts = ["Иван Петров приехал в Казань", "Сбербанк открыл офис в Туле", "просто текст без имён"]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    done = molva("bench", "entities", file, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["posts"], report["entities"]) == (3, 4)
    assert [report[part]["differing_share"] for part in ("ner", "full")] == [0, 0]
    assert report["full"]["ratio"] > 0
