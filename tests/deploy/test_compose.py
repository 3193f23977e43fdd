"""docker-compose.yml, deploy/env.example, deploy/Dockerfile: valid, hardened, complete; needs no engine."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.settings import Settings

Services = dict[str, dict[str, Any]]

STAGES = {"enrichment", "detection", "storage", "notification"}
AGENTS = {"rss", "http", "agents"}
ONE_SHOTS = {"topics", "migrate"}
MOLVA = STAGES | AGENTS | ONE_SHOTS
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::?([-?])([^}]*))?\}")
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|CLUSTER_ID")


def run(*command: str, cwd: Path) -> str:
    """The output of a tool of the virtual environment; its complaint where it fails."""
    tool = Path(sys.executable).with_name(command[0])
    done = subprocess.run([str(tool), *command[1:]], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def substituted(text: str, values: dict[str, str]) -> str:
    """The text as Compose reads it: ``${NAME:-default}`` and ``${NAME:?message}`` replaced."""
    return VARIABLE.sub(lambda found: values.get(found[1]) or (found[3] if found[2] == "-" else ""), text)


def example(root: Path) -> dict[str, str]:
    """deploy/env.example as a mapping."""
    lines = (root / "deploy/env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_it_is_valid_by_the_compose_specification(root: Path) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml", cwd=root)


def test_it_is_valid_with_its_variables_filled_in(root: Path, tmp_path: Path) -> None:
    text = (root / "docker-compose.yml").read_text(encoding="utf-8")
    values = {name: value or "x" for name, value in example(root).items()}
    resolved = yaml.safe_load(substituted(text, values))
    (tmp_path / "resolved.yml").write_text(yaml.safe_dump(resolved), encoding="utf-8")
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "resolved.yml", cwd=tmp_path)


def test_the_security_linter_finds_nothing_above_what_is_accepted(root: Path) -> None:
    # CL-0019: digests of images cannot be known offline.
    # CL-0007: Kafka, ClickHouse and Grafana write files beside their data.
    report = json.loads(run("compose-lint", "--no-env", "--format", "json", "docker-compose.yml", cwd=root))
    found = {(finding["rule_id"], finding["service"]) for finding in report["findings"]}
    accepted = {("CL-0007", "kafka"), ("CL-0007", "clickhouse"), ("CL-0007", "grafana")}
    assert {finding for finding in found if finding[0] != "CL-0019"} <= accepted


def test_there_is_a_service_for_every_part(services: Services) -> None:
    assert set(services) == MOLVA | {"kafka", "clickhouse", "prometheus", "alertmanager", "grafana"}
    for stage in STAGES:
        assert services[stage]["command"] == ["worker", stage]
    for agent in AGENTS - {"agents"}:
        assert services[agent]["command"] == ["agent", agent]
    assert services["agents"]["command"] == ["agents", "run"]


def test_every_service_has_a_health_check_limits_a_log_limit_and_a_restart_policy(services: Services) -> None:
    for name, service in services.items():
        health = service["healthcheck"]
        assert health == {"disable": True} if name in ONE_SHOTS else health["test"], name
        assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), name
        assert service["logging"]["options"]["max-size"], name
        assert service["restart"] == ("on-failure:5" if name in ONE_SHOTS else "unless-stopped"), name


def test_every_image_is_pinned_to_a_version(services: Services, root: Path) -> None:
    for name, service in services.items():
        image = substituted(service["image"], example(root))
        assert re.fullmatch(r"[a-z/-]+:v?\d+(\.\d+)+", image), f"{name}: {image}"


def test_nothing_waits_for_what_cannot_become_ready(services: Services) -> None:
    for name, service in services.items():
        for other, condition in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONE_SHOTS else "service_healthy"
            assert condition == {"condition": expected}, f"{name} on {other}"
    for name in STAGES | AGENTS:
        assert {"kafka", "topics"} <= set(services[name]["depends_on"]), name
    assert {"clickhouse", "migrate"} <= set(services["storage"]["depends_on"])


def test_containers_of_molva_have_no_privileges(services: Services) -> None:
    for name in MOLVA:
        service = services[name]
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert not service.get("privileged"), name
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_ports_are_published_on_loopback_only(services: Services) -> None:
    published = {name: port for name, service in services.items() for port in service.get("ports", [])}
    assert set(published) == {"kafka", "clickhouse", "http", "prometheus", "alertmanager", "grafana"}
    for name, port in published.items():
        assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_the_workers_are_on_the_closed_network_only(compose: dict[str, Any], services: Services) -> None:
    assert compose["networks"]["pipeline"] == {"internal": True}
    for name in (STAGES | ONE_SHOTS) - {"notification"}:  # which tells people outside
        assert services[name]["networks"] == ["pipeline"], name


def test_every_mounted_file_exists_and_is_read_only(root: Path, services: Services) -> None:
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source, target, *mode = substituted(mount, {}).split(":")
            if source.startswith("."):
                assert (root / source).exists(), f"{name} mounts {source}"
                assert mode == ["ro"], f"{name}: {target}"


def test_every_named_volume_is_declared_and_used(compose: dict[str, Any], services: Services) -> None:
    used = {
        mount.split(":")[0]
        for service in services.values()
        for mount in service.get("volumes", [])
        if mount[0] not in ".$"
    }
    assert used == set(compose["volumes"])


def test_every_variable_is_documented_with_the_default_that_applies(root: Path) -> None:
    text = (root / "docker-compose.yml").read_text(encoding="utf-8")
    documented = example(root)
    used = {found[1] for found in VARIABLE.finditer(text)}
    assert used == set(documented)
    for name, kind, default in VARIABLE.findall(text):
        if kind == "-":
            assert documented[name] == default, name


def test_secrets_are_required_and_have_no_default(root: Path, services: Services) -> None:
    text = (root / "docker-compose.yml").read_text(encoding="utf-8")
    for name, kind, _ in VARIABLE.findall(text):
        assert (kind == "?") == bool(SECRET.search(name)), name
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert VARIABLE.fullmatch(str(value)), f"{name}: {variable} is written in the file"
    for name, value in example(root).items():
        assert bool(SECRET.search(name)) == (value == ""), name


def test_every_molva_variable_is_a_setting(services: Services) -> None:
    known = {f"MOLVA_{name.upper()}" for name in Settings.model_fields}
    for name in MOLVA:
        given = {variable for variable in services[name]["environment"] if variable.startswith("MOLVA_")}
        assert given <= known, name


@pytest.mark.parametrize("name", sorted(MOLVA))
def test_the_settings_of_a_container_are_accepted(
    root: Path, services: Services, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in [variable for variable in os.environ if variable.startswith("MOLVA_")]:
        monkeypatch.delenv(variable)
    values = {variable: value or "secret" for variable, value in example(root).items()}
    for variable, value in services[name]["environment"].items():
        monkeypatch.setenv(variable, substituted(str(value), values))
    settings = Settings()
    assert settings.kafka_bootstrap == "kafka:19092"
    assert settings.kafka_kind == "kafka"
    assert settings.metrics_port == 9100
    assert (settings.clickhouse_user == "default") == (name not in {"storage", "migrate"})


def test_the_generated_env_has_fresh_secrets_that_only_the_owner_reads(root: Path, tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        target = tmp_path / name
        command = [sys.executable, "-I", str(root / "deploy/new_env.py"), str(target)]
        subprocess.run(command, check=True, capture_output=True)
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        written.append(
            dict(line.split("=", 1) for line in target.read_text().splitlines() if "=" in line[:40])
        )
        again = subprocess.run(command, check=False, capture_output=True, text=True)
        assert again.returncode == 1
        assert "exists" in again.stderr
    secrets = {name for name in written[0] if SECRET.search(name)}
    assert len(secrets) == 6
    for name in secrets:
        assert len(written[0][name]) >= 22
        assert written[0][name] != written[1][name]
    assert len(base64.urlsafe_b64decode(written[0]["KAFKA_CLUSTER_ID"] + "==")) == 16


def test_the_dockerfile_is_clean(root: Path) -> None:
    run("hadolint", "deploy/Dockerfile", cwd=root)
    text = (root / "deploy/Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", text, re.MULTILINE)
    assert all(
        re.match(r"FROM python:3\.12\.\d+-slim-\w+", line)
        for line in text.splitlines()
        if "FROM " in line[:5]
    )


def test_the_image_is_built_from_files_that_the_context_holds(root: Path) -> None:
    allowed = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (root / "deploy/Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            sources = set(line.split()[1:-1])
            assert sources <= allowed
            assert all((root / source).exists() for source in sources), line
