"""Prometheus, Alertmanager and Grafana: valid, and speaking only of metrics and services that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from pipeline.alerts import alertmanager
from pipeline.metrics import Metrics

FOREIGN = re.compile(r"up|ALERTS|(ClickHouse|prometheus_|alertmanager_)\w+")
"""Metrics of the other servers and of Prometheus itself."""
WRAPPERS = (
    promql_parser.AggregateExpr,
    promql_parser.SubqueryExpr,
    promql_parser.ParenExpr,
    promql_parser.UnaryExpr,
)


def load(file: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def tool(name: str) -> str:
    """The path of a tool of Prometheus; the test is skipped where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install prometheus prometheus-alertmanager)")
    return path


def check(*command: str) -> None:
    """Run a checker; its complaint where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rules(root: Path) -> list[dict[str, Any]]:
    """Every rule of every group."""
    return [
        rule
        for group in load(root / "deploy/prometheus/rules/molva.yml")["groups"]
        for rule in group["rules"]
    ]


def boards(root: Path) -> list[dict[str, Any]]:
    """Grafana's dashboards."""
    files = sorted((root / "deploy/grafana/dashboards").glob("*.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def board_expressions(root: Path) -> list[str]:
    """The PromQL of every dashboard."""
    return [
        target["expr"]
        for board in boards(root)
        for panel in [*board["panels"], {"targets": board["annotations"]["list"]}]
        for target in panel.get("targets", [])
        if "expr" in target
    ]


def selectors(node: Any) -> Iterator[Any]:
    """Every selector of a parsed PromQL expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    elif isinstance(node, promql_parser.BinaryExpr):
        yield from selectors(node.lhs)
        yield from selectors(node.rhs)
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from selectors(argument)
    elif isinstance(node, WRAPPERS):
        yield from selectors(node.expr)


def exported() -> dict[str, set[str]]:
    """Name -> labels of every sample that a Molva process exports."""
    found: dict[str, set[str]] = {}
    for name, collector in vars(Metrics()).items():
        if name == "registry":
            continue
        labels = set(collector._labelnames)
        for metric in collector.describe():
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(
                metric.type, [""]
            )
            for suffix in suffixes:
                found[metric.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def test_every_metric_and_label_that_is_asked_for_exists(root: Path) -> None:
    known = exported()
    recorded = {rule["record"] for rule in rules(root) if "record" in rule}
    target_labels = {"job", "service", "instance"}
    for expression in [*(rule["expr"] for rule in rules(root)), *board_expressions(root)]:
        asked = list(selectors(promql_parser.parse(expression)))
        assert asked, expression
        for selector in asked:
            name = selector.name
            assert name in known or name in recorded or FOREIGN.fullmatch(name), f"{name} in {expression}"
            if name in known:
                matched = {matcher.name for matcher in selector.matchers.matchers}
                assert matched <= known[name] | target_labels, expression


def test_every_metric_is_on_a_dashboard_or_in_a_rule(root: Path) -> None:
    everything = " ".join([*(rule["expr"] for rule in rules(root)), *board_expressions(root)])
    for family in {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported()}:
        assert family in everything, f"{family} is shown nowhere"


def test_every_alert_says_how_urgent_it_is_and_where_to_read_on(root: Path) -> None:
    operations = (root / "docs/operations.md").read_text(encoding="utf-8")
    headings = {line.strip("# ").lower() for line in operations.splitlines() if line.startswith("#")}
    for rule in rules(root):
        if "alert" not in rule:
            continue
        assert rule["labels"]["severity"] in {"page", "ticket", "info", "none"}, rule["alert"]
        assert {"summary", "description", "runbook"} == set(rule["annotations"]), rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in headings, f"docs/operations.md has no section {rule['alert']}"


def test_every_worker_and_agent_is_scraped(root: Path, services: dict[str, dict[str, Any]]) -> None:
    config = load(root / "deploy/prometheus/prometheus.yml")
    (discovery,) = next(job for job in config["scrape_configs"] if job["job_name"] == "molva")[
        "dns_sd_configs"
    ]
    molva = {
        name
        for name, service in services.items()
        if service.get("command", [""])[0] in {"worker", "agent", "agents"}
    }
    assert set(discovery["names"]) == molva
    for name in molva:
        assert services[name]["environment"]["MOLVA_METRICS_PORT"] == str(discovery["port"])


def test_every_other_target_is_a_service(root: Path, services: dict[str, dict[str, Any]]) -> None:
    config = load(root / "deploy/prometheus/prometheus.yml")
    jobs = [job for job in config["scrape_configs"] if "static_configs" in job] + config["alerting"][
        "alertmanagers"
    ]
    hosts = {
        target.split(":")[0] for job in jobs for part in job["static_configs"] for target in part["targets"]
    }
    assert hosts <= set(services) | {"127.0.0.1"}


def test_alertmanager_needs_no_secret_by_default_and_examples_read_theirs_from_files(root: Path) -> None:
    folder = root / "deploy/alertmanager"
    assert load(folder / "alertmanager.yml")["receivers"] == [{"name": "nobody"}, {"name": "page-only"}]
    for file in (folder / "examples").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        assert "/etc/alertmanager/secrets/" in text, file.name
        assert not re.search(
            r"^\s*(bot_token|auth_password|credentials|password|api_key):", text, re.MULTILINE
        )


def test_inhibitions_name_alerts_that_exist(root: Path) -> None:
    known = {rule["alert"] for rule in rules(root) if "alert" in rule} | {alertmanager.NAME}
    base = load(root / "deploy/alertmanager/alertmanager.yml")["inhibit_rules"]
    assert set(re.findall(r"Molva\w+", str(base))) <= known
    for file in (root / "deploy/alertmanager/examples").glob("*.yml"):
        assert load(file)["inhibit_rules"] == base, file.name


def test_the_dashboards_use_provisioned_sources(root: Path) -> None:
    sources = load(root / "deploy/grafana/provisioning/datasources/molva.yml")["datasources"]
    known = {source["uid"]: source["type"] for source in sources}
    for board in boards(root):
        for source in re.findall(r'\{"type": "[\w-]+", "uid": "[\w-]+"\}', json.dumps(board)):
            found = json.loads(source)
            assert known[found["uid"]] == found["type"]
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))


def test_promtool_accepts_the_configuration_and_the_rules(root: Path) -> None:
    promtool = tool("promtool")
    check(promtool, "check", "config", "--syntax-only", str(root / "deploy/prometheus/prometheus.yml"))
    check(promtool, "check", "rules", str(root / "deploy/prometheus/rules/molva.yml"))


def test_the_alerts_fire_when_they_should(root: Path) -> None:
    check(tool("promtool"), "test", "rules", *map(str, (root / "deploy/prometheus/tests").glob("*.yml")))


def test_every_alert_is_seen_firing_and_seen_quiet(root: Path) -> None:
    asked = [
        check
        for file in (root / "deploy/prometheus/tests").glob("*.yml")
        for test in load(file)["tests"]
        for check in test.get("alert_rule_test", [])
    ]
    alerts = {rule["alert"] for rule in rules(root) if "alert" in rule}
    assert {check["alertname"] for check in asked if check.get("exp_alerts")} == alerts
    assert {check["alertname"] for check in asked if not check.get("exp_alerts")} == alerts


@pytest.mark.parametrize("name", ["alertmanager", "examples/email", "examples/telegram", "examples/webhook"])
def test_amtool_accepts_the_configuration(root: Path, name: str) -> None:
    amtool = tool("amtool")
    version = subprocess.run([amtool, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)\.(\d+)", version.stdout + version.stderr)
    assert found, version
    if name == "examples/telegram" and (int(found[1]), int(found[2])) < (0, 26):
        pytest.skip(f"amtool {found[0]} is older than bot_token_file (0.26); the image has 0.28")
    check(amtool, "check-config", str(root / f"deploy/alertmanager/{name}.yml"))
