"""Apache Kafka on loopback, one broker or three, in child processes: for `molva up --broker kafka`, tests,
the chaos suite and the benchmark. Needs Java 17; the jars come through Maven (`kafka_jars`).

    with EmbeddedKafka(directory) as kafka:              # ready in 3 to 5 s
        settings = kafka.settings(Settings())            # kafka_kind "kafka", replicas set
    with EmbeddedKafka(directory, brokers=3) as kafka:   # KRaft, each node broker and controller
        kafka.nodes[0].kill()                            # SIGKILL; returns when it is gone
        kafka.nodes[0].start()                           # same data, same ports; returns when it takes part
        kafka.nodes[1].pause()                           # SIGSTOP ...
        kafka.nodes[1].resume()                          # ... SIGCONT

Tests take the fixtures ``new_kafka`` and ``new_broker`` of ``tests/conftest.py``. What was written stays in
``<directory>/kafka``: a second `EmbeddedKafka` on it has the same cluster id, topics, offsets and records.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.embedded.errors import DirectoryUnusable, EmbeddedError
from pipeline.embedded.kafka_configuration import KafkaSecurity, Ports
from pipeline.embedded.kafka_jars import find_kafka
from pipeline.embedded.kafka_node import KafkaNode, tls_of
from pipeline.embedded.process import LOOPBACK, ChildProcess, free_ports
from pipeline.embedded.server import EmbeddedServer
from pipeline.embedded.stack_info import KAFKA_FOLDER
from pipeline.settings import Settings

START_SECONDS = 90.0
HEAP_MB = {1: 512, 3: 256}
"""Of each broker, by their number."""


class EmbeddedKafka(EmbeddedServer):
    """A cluster with its data in ``<directory>/kafka``; ports are chosen once and kept by restarts.

    Args:
        brokers: 1 or 3; a folder keeps the number that it was made with.
        libs: the folder ``libs`` of an unpacked Kafka instead of Maven's jars.
        security: SASL, TLS and ACLs; None: plaintext, everybody may do everything.
        heap_mb: of each broker; None: 512 for one, 256 for three.
        short_lived: compile lightly: for tests, which start and end brokers more than they use them.

    Raises:
        KafkaUnavailable: at ``start``: there is no Java, or no jars.
    """

    NAME = "Apache Kafka"

    def __init__(
        self,
        directory: Path,
        *,
        brokers: int = 1,
        libs: Path | None = None,
        security: KafkaSecurity | None = None,
        heap_mb: int | None = None,
        short_lived: bool = False,
    ) -> None:
        super().__init__(fixed=False)
        if brokers not in HEAP_MB:
            raise ValueError(f"brokers must be one of {sorted(HEAP_MB)}")
        self.directory = directory / KAFKA_FOLDER
        self.cluster_id = ""
        self.nodes: tuple[KafkaNode, ...] = ()
        self._brokers = brokers
        self._libs = libs
        self._security = security
        heap_mb = HEAP_MB[brokers] if heap_mb is None else heap_mb
        # Java would take its heap bit by bit over hours, which looks like a leak
        habit = "-XX:TieredStopAtLevel=1" if short_lived else "-XX:+AlwaysPreTouch"
        self._options = [f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", habit]
        self._ports: Sequence[Ports] = ()

    def _choose_ports(self) -> None:
        free = iter(free_ports(3 * self._brokers))
        self._ports = [Ports(*each) for each in zip(free, free, free, strict=True)]

    def _start_once(self) -> None:
        kafka = find_kafka(self._libs)
        self.cluster_id = self._own_cluster_id()
        tls = None if self._security is None else tls_of(self._security)
        self.nodes = tuple(
            KafkaNode(number, self.directory, self.cluster_id, kafka, tls, self._options)
            for number in range(1, self._brokers + 1)
        )
        try:
            for node in self.nodes:
                node.configure(self._ports, self._security)
            for node in self.nodes:
                node.launch()
            for node in self.nodes:
                node.await_ready(START_SECONDS, of=len(self.nodes))
        except BaseException:
            self.stop()
            raise

    def _own_cluster_id(self) -> str:
        """The id in the folder, made at the first start: part of the tokens of what storage inserts."""
        file = self.directory / "cluster-id"
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = len(list(self.directory.glob("node-*")))
            if found not in (0, self._brokers):
                raise EmbeddedError(f"{self.directory} holds a cluster of {found}, not of {self._brokers}")
            if not file.exists():
                file.write_text("M" + secrets.token_urlsafe(16)[1:])  # tools take a leading "-" for an option
            return file.read_text().strip()
        except OSError as error:
            raise DirectoryUnusable(self.directory, error) from error

    def stop(self) -> None:
        """Stop all brokers at once: alone, the last one would wait for a quorum. Twice is once."""
        if self.nodes:
            with ThreadPoolExecutor(len(self.nodes)) as threads:
                list(threads.map(lambda node: node.stop(), self.nodes))

    @property
    def child(self) -> ChildProcess:
        """The process of the first broker.

        Raises:
            EmbeddedError: it was never started.
        """
        if not self.nodes:
            raise EmbeddedError(f"{self.NAME} is not started")
        return self.nodes[0].child

    @property
    def bootstrap(self) -> str:
        """``host:port`` of every broker for Kafka clients, comma-separated."""
        return ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)

    def settings(self, base: Settings) -> Settings:
        """``base`` pointed at this cluster; with `KafkaSecurity` as its super user."""
        update: dict[str, object] = {
            "kafka_bootstrap": self.bootstrap,
            "kafka_kind": "kafka",
            "kafka_security": "PLAINTEXT",
            "replicas": self._brokers,
        }
        if (security := self._security) is not None:
            update |= {
                "kafka_security": "SASL_SSL",
                "kafka_ca_file": security.ca_file,
                "kafka_username": security.superuser,
                "kafka_password": security.passwords[security.superuser],
            }
        return Settings(**{**base.model_dump(), **update})
