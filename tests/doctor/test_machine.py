"""What the doctor sees without a server: each fault is made, found, and has its cure."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline.checks import Part
from pipeline.doctor import machine
from pipeline.doctor.examination import without_secrets
from pipeline.doctor.machine import check_machine
from pipeline.doctor.variables import check_settings, check_variables
from pipeline.nlp import load
from pipeline.settings import Settings
from tests.doctor.findings import wrong
from tests.e2e.conftest import WATCHLIST, molva


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(**{"data_dir": tmp_path / "data", "watchlist": WATCHLIST, **changes})


def test_a_machine_that_is_well(tmp_path: Path) -> None:
    parts = check_machine(settings(tmp_path))
    assert wrong(parts) == {}
    assert {part.name for part in parts} == {"python", "disk", "data dir", "models", "watchlist"}


def test_a_data_dir_that_is_a_file_and_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    assert str(file) in wrong(check_machine(settings(tmp_path, data_dir=file)))["data dir"].detail
    monkeypatch.setattr(machine, "MIN_FREE_BYTES", shutil.disk_usage(tmp_path).total + 1)
    assert "free some space" in wrong(check_machine(settings(tmp_path)))["disk"].cure


def test_a_model_that_is_missing_and_one_that_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    shutil.copytree(load.MODELS, models)
    monkeypatch.setattr(load, "MODELS", models)
    here = settings(tmp_path, sentiment_model="open", sentiment_tier="fast")
    assert wrong(check_machine(here)) == {}
    weights = models / "open" / "sentiment.npz"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert wrong(check_machine(here))["models"].detail.startswith("open, fast: ")
    weights.unlink()
    missing = wrong(check_machine(here))["models"]
    assert missing.detail == f"open, fast: no such file: {weights}"
    assert "install Molva again" in missing.cure


def test_a_strong_model_that_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    shutil.copytree(load.MODELS, models)
    monkeypatch.setattr(load, "MODELS", models)
    encoder = models / "open" / load.ENCODER_FILE
    if not encoder.exists():
        encoder = models / "full" / load.ENCODER_FILE
    encoder.write_bytes(encoder.read_bytes()[:5000])
    here = settings(tmp_path, sentiment_model=encoder.parent.name, sentiment_tier="strong")
    assert "models" in wrong(check_machine(here))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "none: nothing is watched"),
        ("- {id: a, kind: brnd, name: А}\n", "brnd"),
        ("objects: []\n", ""),
    ],
)
def test_a_watchlist_that_is_missing_wrong_or_empty(tmp_path: Path, text: str | None, words: str) -> None:
    file = None if text is None else tmp_path / "watchlist.yaml"
    if file is not None:
        file.write_text(text or "", encoding="utf-8")
    assert words in wrong(check_machine(settings(tmp_path, watchlist=file)))["watchlist"].detail


def test_feeds_and_alerts_that_are_wrong(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("- {nonsense: [\n", encoding="utf-8")
    here = settings(tmp_path, rss_feeds=file, alerts=file, agents=file, http_callers=file)
    assert str(file) in wrong(check_machine(here))["feeds"].detail
    assert f"{file}:" in wrong(check_machine(here))["agents"].detail
    assert f"{file}:" in wrong(check_machine(here))["callers"].detail
    assert "molva alerts check" in wrong(check_settings(here, {}))["alerts"].cure


@pytest.mark.parametrize(
    ("changes", "detail", "cure"),
    [
        ({"kafka_security": "SASL_SSL"}, "without user or password", "MOLVA_KAFKA_USERNAME"),
        (
            {"kafka_username": "molva", "kafka_password": SecretStr("hush-hush")},
            "Kafka's user molva is not used",
            "MOLVA_KAFKA_SECURITY=SASL_SSL",
        ),
        ({"kafka_ca_file": Path(__file__)}, "is not used with", "MOLVA_KAFKA_SECURITY"),
        ({"kafka_security": "SSL", "kafka_ca_file": Path("/no/such.pem")}, "no such file", "CA certificates"),
        ({"kafka_bootstrap": "kafka"}, "no list of host:port", "kafka-1:9092"),
        ({"clickhouse_secure": True}, "port 9000", "9440"),
        ({"clickhouse_port": 9440}, "port for TLS", "MOLVA_CLICKHOUSE_SECURE"),
    ],
)
def test_settings_that_contradict_each_other(
    tmp_path: Path, changes: dict[str, Any], detail: str, cure: str
) -> None:
    (found,) = wrong(check_settings(settings(tmp_path, **changes), {})).values()
    assert detail in found.detail
    assert cure in found.cure
    assert "hush-hush" not in str(found)


def test_a_misspelt_variable_is_found_and_foreign_ones_are_left_alone() -> None:
    environ = {"MOLVA_KAFKA_BOOTSTRP": "x", "MOLVA_TELEGRAM_TOKEN": "x", "MOLVA_DATA": "x", "PATH": "x"}
    (part,) = check_variables(environ)
    assert (part.detail, part.cure) == (
        "MOLVA_KAFKA_BOOTSTRP is no setting",
        "do you mean MOLVA_KAFKA_BOOTSTRAP?",
    )
    assert check_variables({"MOLVA_PARTITIONS": "4", "MOLVA_ALERTS_DIR": "x"}) == []


def test_secrets_are_blacked_out(tmp_path: Path) -> None:
    here = settings(tmp_path, clickhouse_password=SecretStr("hush-hush"), http_token=SecretStr("abc"))
    (part,) = without_secrets([Part("x", False, "no user with hush-hush at abc", "cure")], here)
    assert part.detail == "no user with *** at abc"


@pytest.mark.e2e
def test_a_wrong_value_is_a_finding_and_the_exit_code_is_1(tmp_path: Path) -> None:
    done = molva("doctor", "--json", MOLVA_PARTITIONS="many", MOLVA_DATA_DIR=str(tmp_path))
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["healthy"] is False
    (finding,) = document["findings"]
    assert "MOLVA_PARTITIONS" in finding["detail"]
    assert "docs/settings.md" in finding["cure"]
    unknown = molva("doctor", "--as", "somebody", MOLVA_DATA_DIR=str(tmp_path))
    assert unknown.returncode == 2
    assert "molva-storage" in unknown.stderr
