"""deploy/kubernetes without a cluster: against the schemas of Kubernetes, and against what Molva itself says.

The schemas are those that the package kubernetes-validate ships; they have none of KEDA's. Where ``kubectl``
or ``kustomize`` is there, what it builds is checked too; elsewhere those tests say that they were skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from agents.email.options import PORTS
from agents.vk_callback.options import Options as VkCallbackOptions
from pipeline.drain import HOPS
from pipeline.endpoint import HEALTH, READY
from pipeline.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
KUBERNETES = "1.33"
STAGES = ("enrichment", "detection", "storage", "notification")
SCALED = ("enrichment", "detection", "storage")
FLEET = {"app.kubernetes.io/component": "agents"}
Document = dict[str, Any]


def documents(text: str) -> list[Document]:
    return [document for document in yaml.safe_load_all(text) if document]


def read(name: str) -> list[Document]:
    return documents((FOLDER / name).read_text(encoding="utf-8"))


KUSTOMIZATION = read("kustomization.yaml")[0]
RESOURCES = [document for name in KUSTOMIZATION["resources"] for document in read(name)]


def name_of(document: Document) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


def of_kind(kind: str, among: list[Document]) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in among if each["kind"] == kind}


def pods(among: list[Document]) -> Iterator[tuple[str, Document]]:
    """(what, pod specification) of everything that runs."""
    for document in among:
        if document["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield name_of(document), document["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def built() -> list[Document]:
    """What kustomize makes of the folder."""
    for tool in (["kubectl", "kustomize"], ["kustomize", "build"]):
        if shutil.which(tool[0]):
            done = subprocess.run([*tool, str(FOLDER)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return documents(done.stdout)
    pytest.skip("neither kubectl nor kustomize is installed: what they build was not checked")


def of_kubernetes(among: list[Document]) -> list[Document]:
    return [each for each in among if not each["apiVersion"].startswith("keda.sh/")]


OPTIONAL = [*read("secrets.example.yaml"), *read("callbacks.yaml")]


@pytest.mark.parametrize("document", of_kubernetes([*RESOURCES, *OPTIONAL]), ids=name_of)
def test_every_resource_fits_the_schema_of_kubernetes(document: Document) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_what_kustomize_builds_fits_too(built: list[Document]) -> None:
    assert len(built) == len(RESOURCES) + len(KUSTOMIZATION["configMapGenerator"])
    for document in of_kubernetes(built):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    for document in built:
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "molva"


def test_every_pod_is_hardened_and_pinned(built: list[Document]) -> None:
    found = dict(pods(built))
    assert set(found) == {
        *(f"Deployment-{stage}" for stage in STAGES),
        *(
            "Deployment-agents",
            "StatefulSet-agent-rss",
            "StatefulSet-agent-http",
            "Job-topics",
            "Job-migrate",
        ),
    }
    for what, pod in found.items():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True, what
        assert pod["automountServiceAccountToken"] is False, what
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, what
        assert container["image"] == "molva:0.1.0", what
        assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"], what
        assert not container.get("env"), f"{what}: settings come from the ConfigMap, secrets from Secrets"


def test_what_stays_is_probed_at_the_endpoints_that_molva_has(built: list[Document]) -> None:
    for what, pod in pods(built):
        container = pod["containers"][0]
        if what.startswith("Job-"):
            continue
        assert container["livenessProbe"]["httpGet"]["path"] == HEALTH, what
        assert container["readinessProbe"]["httpGet"] == {"path": READY, "port": "metrics"}, what
        assert {"name": "metrics", "containerPort": 9100} in container["ports"], what
        assert pod["terminationGracePeriodSeconds"] >= 15, "a worker ends within 10 s of SIGTERM"


def test_each_process_runs_its_command_with_its_own_secret() -> None:
    secrets = of_kind("Secret", read("secrets.example.yaml"))
    for what, pod in pods(RESOURCES):
        container = pod["containers"][0]
        (secret,) = [each["secretRef"]["name"] for each in container["envFrom"] if "secretRef" in each]
        assert secret in secrets, what
        kind, _, name = what.partition("-")
        match kind:
            case "Deployment" if name == "agents":
                assert (container["args"], secret) == (["agents", "run"], "molva-agents")
            case "Deployment":
                assert (container["args"], secret) == (["worker", name], f"molva-{name}")
            case "StatefulSet":
                assert (container["args"], secret) == (["agent", name.removeprefix("agent-")], "molva-agents")
            case "Job":
                assert secret == "molva-set-up"


def test_settings_and_secrets_are_settings_of_molva() -> None:
    lines = (FOLDER / "settings.env").read_text(encoding="utf-8").splitlines()
    stated = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    fields = {f"MOLVA_{name.upper()}" for name in Settings.model_fields}
    assert set(stated) <= fields
    Settings.model_validate({name.removeprefix("MOLVA_").lower(): value for name, value in stated.items()})
    for name, secret in of_kind("Secret", read("secrets.example.yaml")).items():
        if name == "molva-keda":
            continue
        assert set(secret["stringData"]) <= fields, name
        assert not any(
            value for key, value in secret["stringData"].items() if key.endswith(("PASSWORD", "TOKEN"))
        )
    assert not set(stated) & {"MOLVA_KAFKA_PASSWORD", "MOLVA_CLICKHOUSE_PASSWORD", "MOLVA_HTTP_TOKEN"}


def test_stages_scale_on_the_lag_of_their_own_groups() -> None:
    partitions = int(
        next(
            line.partition("=")[2]
            for line in (FOLDER / "settings.env").read_text(encoding="utf-8").splitlines()
            if line.startswith("MOLVA_PARTITIONS=")
        )
    )
    scaled = of_kind("ScaledObject", RESOURCES)
    reads = {hop.group: hop.topics for hop in HOPS}
    deployments = of_kind("Deployment", RESOURCES)
    assert set(scaled) == set(SCALED)
    for stage, document in scaled.items():
        spec = document["spec"]
        assert spec["scaleTargetRef"]["name"] == stage
        assert 2 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= partitions
        (trigger,) = spec["triggers"]
        metadata = trigger["metadata"]
        assert metadata["topic"] in reads[metadata["consumerGroup"]]
        assert metadata["consumerGroup"] == f"molva-{stage}"
        assert "replicas" not in deployments[stage]["spec"], "KEDA's, or each apply would reset it"
        assert trigger["authenticationRef"]["name"] in of_kind("TriggerAuthentication", RESOURCES)


def test_a_drained_node_takes_one_replica_at_a_time() -> None:
    budgets = of_kind("PodDisruptionBudget", RESOURCES)
    assert set(budgets) == {*SCALED, "agents"}
    for stage, budget in budgets.items():
        assert budget["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/component": stage}
        assert budget["spec"]["maxUnavailable"] == 1


def test_an_upgrade_applies_one_component_after_another() -> None:
    """As docs/upgrading.md has it: what runs is chosen by its label, and nothing else has that label."""
    label = "app.kubernetes.io/component"
    runs = {"Deployment", "StatefulSet", "Job"}
    chosen = {name_of(each): each["metadata"].get("labels", {}).get(label) for each in RESOURCES}
    for what, component in chosen.items():
        kind, _, name = what.partition("-")
        expected = "set-up" if kind == "Job" else name if kind in runs or component else None
        assert component == expected, what
    guide = (FOLDER.parents[1] / "docs/upgrading.md").read_text(encoding="utf-8")
    for what, component in chosen.items():
        if what.partition("-")[0] in runs - {"Job"}:
            assert f"{what.partition('-')[0].lower()}/{component}" in guide, what


def test_only_who_needs_it_reaches_clickhouse_and_the_internet() -> None:
    policies = of_kind("NetworkPolicy", RESOURCES)

    def components(name: str) -> set[str]:
        (rule,) = policies[name]["spec"]["podSelector"]["matchExpressions"]
        return set(rule["values"])

    assert policies["molva"]["spec"]["podSelector"] == {}
    assert components("clickhouse") == {"storage", "set-up"}
    assert components("internet") == {"agent-rss", "agents", "notification"}
    assert policies["protocols"]["spec"]["podSelector"]["matchLabels"] == FLEET


def test_the_fleet_reaches_every_port_that_a_kind_has_by_default() -> None:
    policies = of_kind("NetworkPolicy", RESOURCES)
    out = {
        port["port"]
        for name in ("internet", "protocols")
        for rule in policies[name]["spec"]["egress"]
        for port in rule["ports"]
    }
    assert set(PORTS.values()) | {443, 80} <= out


def test_agents_that_listen_are_reached_at_their_port() -> None:
    optional = read("callbacks.yaml")
    ports = {VkCallbackOptions.model_fields["port"].default}
    (service,) = of_kind("Service", optional).values()
    assert service["spec"]["selector"] == FLEET
    assert {each["targetPort"] for each in service["spec"]["ports"]} == ports
    (policy,) = of_kind("NetworkPolicy", optional).values()
    assert policy["spec"]["podSelector"]["matchLabels"] == FLEET
    assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} == ports
    fleet = of_kind("Deployment", RESOURCES)["agents"]["spec"]["template"]["metadata"]["labels"]
    assert fleet.items() >= FLEET.items()
