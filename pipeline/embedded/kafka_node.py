"""One broker of `EmbeddedKafka`: its folder, its process, and what the chaos suite does to it."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pipeline.embedded.errors import StartFailed
from pipeline.embedded.kafka_configuration import (
    KEYSTORE,
    MECHANISM,
    KafkaSecurity,
    Ports,
    properties,
    text_of,
)
from pipeline.embedded.kafka_jars import JavaKafka
from pipeline.embedded.metadata import read_cluster
from pipeline.embedded.process import ChildProcess

LOG_CONFIGURATION = Path(str(files("pipeline.embedded") / "kafka-log4j2.xml"))
OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    f"-Dlog4j2.configurationFile={LOG_CONFIGURATION}",
)
LIGHT = ("-Xmx128m", "-XX:TieredStopAtLevel=1")
RESTART_SECONDS = 90.0
FORMAT_SECONDS = 60.0
GRACE_SECONDS = 15.0
"""An ordered stop hands leaderships over and flushes; after it the process is killed."""
ARCHIVING_SECONDS = 45.0
"""What writing the archive of classes may take, once per cache."""


class KafkaNode:
    """Node ``number`` (from 1) of a cluster; its folder is ``<directory>/node-<number>``."""

    def __init__(
        self,
        number: int,
        directory: Path,
        cluster_id: str,
        kafka: JavaKafka,
        tls: ssl.SSLContext | None,
        options: Sequence[str],
    ) -> None:
        """``options``: of the Java machine."""
        self.number = number
        self.folder = directory / f"node-{number}"
        self.port = 0
        self._cluster_id = cluster_id
        self._tls = tls
        self._probed = 0
        self._kafka = kafka
        self._archiving = self.folder / "classes.jsa"
        archive, self._grace = f"-XX:SharedArchiveFile={kafka.archive}", GRACE_SECONDS
        if not kafka.archive.exists():
            archive = f"-XX:ArchiveClassesAtExit={self._archiving}"
            self._grace += ARCHIVING_SECONDS
        command = [kafka.java, *options, *OPTIONS, archive, "-cp", kafka.class_path]
        command += ["kafka.Kafka", str(self._properties)]
        log = self.folder / "broker.log"
        name = f"Apache Kafka's broker {number}"
        self.child = ChildProcess(name, command, log, guarded=True, grace=self._grace)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def configure(self, ports: Sequence[Ports], security: KafkaSecurity | None) -> None:
        """Write the configuration, and at the first time the cluster id and the users into the data.

        Raises:
            StartFailed: Kafka's StorageTool refuses.
        """
        data = self.folder / "data"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.port, self._probed = ports[self.number - 1][:2]
        extra: list[str] = []
        if security is None:
            self.port = self._probed
        else:
            keystore = self.folder / KEYSTORE
            keystore.touch(mode=0o600)
            keystore.write_text(security.key.read_text() + security.certificate.read_text())
            for name, password in security.passwords.items():
                extra += ["--add-scram", f"{MECHANISM}=[name={name},password={password}]"]
        self._properties.write_text(text_of(properties(self.number, ports, data, security)))
        if not (data / "meta.properties").exists():
            self._format(extra)

    def _format(self, extra: Sequence[str]) -> None:
        archive = f"-XX:SharedArchiveFile={self._kafka.archive}"
        command = [self._kafka.java, *LIGHT, *OPTIONS, archive, "-cp", self._kafka.class_path]
        command += ["kafka.tools.StorageTool", "format", "-c", str(self._properties)]
        command += ["-t", self._cluster_id, "--ignore-formatted", *extra]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=FORMAT_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StartFailed(f"Apache Kafka's folder {self.folder} cannot be made: {error}") from error
        if done.returncode != 0:
            told = (done.stdout + done.stderr).strip()
            raise StartFailed(f"Apache Kafka's folder {self.folder} cannot be made:\n{told}")

    def launch(self) -> None:
        """Start the process; it is not ready yet."""
        self.child.start()

    def await_ready(self, seconds: float = RESTART_SECONDS, *, of: int = 1) -> None:
        """Return when the broker answers and knows itself and ``of`` brokers in all to take part.

        Raises:
            PortTaken: another process has one of its ports.
            StartFailed: it ended, or is not ready in time.
        """

        def takes_part() -> bool:
            found = read_cluster(self._probed, self._tls)
            return (
                found is not None
                and found.id == self._cluster_id
                and self.number in found.nodes
                and len(found.nodes) >= of
            )

        self.child.await_ready(self._probed, takes_part, seconds)

    def start(self) -> None:
        """Start it again after `kill` or `stop`, on the same data and ports; return when it takes part.

        Raises:
            StartFailed: it does not come up.
        """
        self.launch()
        self.await_ready()

    def stop(self) -> None:
        """Stop in order (SIGTERM). Twice is once; a paused broker is killed after the time of grace."""
        self.child.stop(self._grace + 5)
        if self.child.exit_code() == 128 + signal.SIGTERM and self._archiving.exists():
            shutil.move(self._archiving, self._kafka.archive)

    def kill(self) -> None:
        """SIGKILL; return when the process is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self.child.stop()

    def pause(self) -> None:
        """SIGSTOP: the process keeps its connections and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Of the Java process (not the guard's).

        Raises:
            EmbeddedError: it was never started.
        """
        return self.child.pid


def tls_of(security: KafkaSecurity) -> ssl.SSLContext:
    """How to speak to the listener of the brokers, with their own certificate."""
    context = ssl.create_default_context(cafile=str(security.ca_file))
    context.load_cert_chain(security.certificate, security.key)
    return context
