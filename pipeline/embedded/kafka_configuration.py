"""The configuration of Apache Kafka on loopback: pure functions from ports and security to properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.embedded.process import LOOPBACK

CLIENTS, BROKERS, CONTROLLERS = "CLIENTS", "BROKERS", "CONTROLLERS"
"""Listeners: for clients, among brokers, and of the metadata quorum."""
BROKER_NAME = "molva-broker"
"""The common name that the brokers' certificate must have: their principal, a super user."""
MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class KafkaSecurity:
    """SASL/SCRAM over TLS for clients, TLS with certificates among brokers, ACLs that allow what they name.

    ``certificate`` (PEM, common name `BROKER_NAME`, valid for 127.0.0.1) and ``key`` (PEM, PKCS#8, without a
    password) are the brokers'. ``passwords``: of the users that are made with the cluster; ``superuser`` is
    one of them and may do everything.
    """

    ca_file: Path
    certificate: Path
    key: Path
    superuser: str
    passwords: Mapping[str, str]


class Ports(NamedTuple):
    """Of one broker. Without `KafkaSecurity` clients use the brokers' listener: both are the same."""

    clients: int
    brokers: int
    controllers: int


def properties(
    node_id: int, ports: Sequence[Ports], data: Path, security: KafkaSecurity | None
) -> dict[str, str]:
    """The ``server.properties`` of node ``node_id`` (from 1) in a cluster of ``len(ports)`` nodes."""
    own, replicas = ports[node_id - 1], min(3, len(ports))
    listeners = {BROKERS: own.brokers, CONTROLLERS: own.controllers}
    if security is not None:
        listeners[CLIENTS] = own.clients
    addresses = {name: f"{name}://{LOOPBACK}:{port}" for name, port in listeners.items()}
    voters = (f"{number}@{LOOPBACK}:{each.controllers}" for number, each in enumerate(ports, 1))
    return {
        "process.roles": "broker,controller",
        "node.id": str(node_id),
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": CONTROLLERS,
        "inter.broker.listener.name": BROKERS,
        "listeners": ",".join(addresses.values()),
        "advertised.listeners": ",".join(text for name, text in addresses.items() if name != CONTROLLERS),
        "log.dirs": str(data),
        **_replication(replicas),
        **_small(),
        **(_plain() if security is None else _secured(security, data.parent)),
    }


def _replication(replicas: int) -> dict[str, str]:
    """Three brokers outlive the death of one; a single one has to be enough for itself."""
    enough = str(min(2, replicas))
    factor = str(replicas)
    return {
        "default.replication.factor": factor,
        "min.insync.replicas": enough,
        "offsets.topic.replication.factor": factor,
        "transaction.state.log.replication.factor": factor,
        "transaction.state.log.min.isr": enough,
        "share.coordinator.state.topic.replication.factor": factor,
        "share.coordinator.state.topic.min.isr": enough,
    }


def _small() -> dict[str, str]:
    """One machine with a handful of topics; topics are made by Molva alone."""
    return {
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.retention.minutes": "43200",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # 128 MiB of the heap by default
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
    }


def _plain() -> dict[str, str]:
    return {"listener.security.protocol.map": f"{BROKERS}:PLAINTEXT,{CONTROLLERS}:PLAINTEXT"}


def _secured(security: KafkaSecurity, folder: Path) -> dict[str, str]:
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    client = f"listener.name.{CLIENTS.lower()}"
    certified = {
        f"listener.name.{name.lower()}.ssl.client.auth": "required" for name in (BROKERS, CONTROLLERS)
    }
    return {
        "listener.security.protocol.map": f"{BROKERS}:SSL,{CONTROLLERS}:SSL,{CLIENTS}:SASL_SSL",
        "sasl.enabled.mechanisms": MECHANISM,
        f"{client}.sasl.enabled.mechanisms": MECHANISM,
        f"{client}.{MECHANISM.lower()}.sasl.jaas.config": login,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / KEYSTORE),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(security.ca_file.resolve()),
        "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
        **certified,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{security.superuser};User:{BROKER_NAME}",
    }


KEYSTORE = "broker.pem"


def text_of(entries: Mapping[str, str]) -> str:
    """A Java properties file; backslashes are escaped."""
    return "".join(f"{name}={value}\n".replace("\\", "\\\\") for name, value in entries.items())
