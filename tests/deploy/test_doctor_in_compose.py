"""The doctor in Compose, as docs/operations.md runs it: the settings of its service give no finding."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.doctor.machine import check_machine
from pipeline.doctor.variables import check_settings, check_variables
from pipeline.settings import Settings
from tests.deploy.test_compose import example, substituted
from tests.doctor.findings import wrong


def service_of_the_doctor(root: Path) -> str:
    """The service that docs/operations.md runs the doctor with."""
    operations = (root / "docs/operations.md").read_text(encoding="utf-8")
    (name,) = set(re.findall(r"docker compose run --rm --no-deps (\w+) doctor", operations))
    return name


def environment(root: Path, service: dict[str, Any]) -> dict[str, str]:
    """Of the container, with its mounted files where they are here, and any password."""
    values = {variable: value or "any-secret" for variable, value in example(root).items()}
    found = {name: substituted(str(value), values) for name, value in service["environment"].items()}
    for mount in service["volumes"]:
        source, target, *_ = substituted(mount, values).split(":")
        found = {name: str(root / source) if value == target else value for name, value in found.items()}
    return found


def bytes_of_the_data_dir(service: dict[str, Any]) -> int:
    (mebibytes,) = (re.findall(r"size=(\d+)m", each) for each in service["tmpfs"] if "/var/lib/molva" in each)
    return int(mebibytes[0]) * 1024**2


def test_the_doctor_finds_nothing_wrong_with_the_settings_of_its_service(
    root: Path, services: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = services[service_of_the_doctor(root)]
    given = environment(root, service) | {"MOLVA_DATA_DIR": str(tmp_path)}
    for name in [name for name in os.environ if name.startswith("MOLVA_")]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    size = bytes_of_the_data_dir(service)
    usage = shutil.disk_usage(tmp_path)._replace(total=size, used=0, free=size)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    settings = Settings()
    parts = [*check_variables(given), *check_settings(settings, given), *check_machine(settings)]
    assert wrong(parts) == {}
    details = {part.name: part.detail for part in parts}
    assert details["disk"].startswith("64 MiB free")
    assert "objects in" in details["watchlist"]


def test_the_service_of_the_doctor_may_ask_clickhouse(
    root: Path, services: dict[str, dict[str, Any]]
) -> None:
    given = services[service_of_the_doctor(root)]["environment"]
    assert {"MOLVA_CLICKHOUSE_USER", "MOLVA_CLICKHOUSE_PASSWORD"} <= set(given)
