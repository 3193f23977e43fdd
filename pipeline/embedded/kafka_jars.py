"""Where Java and Apache Kafka's jars come from: Java of this machine, the jars through Maven, into a cache.

Beside the jars the cache holds an archive of loaded classes (Java's class data sharing), which the first
broker to stop in order leaves behind: with it a broker starts in half the time.

`EmbeddedKafka` starts its brokers with what `find_kafka` returns.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from pipeline.embedded.errors import EmbeddedError
from pipeline.embedded.lock import DirectoryLock

POM = Path(str(files("pipeline.embedded") / "kafka-pom.xml"))
MIN_JAVA = 17
INSTALL = "Debian and Ubuntu: apt-get install default-jre-headless maven"
FETCH_SECONDS = 300.0
SERVER_JAR = "kafka-server-*.jar"


class KafkaUnavailable(EmbeddedError):
    """Java or the jars cannot be had on this machine; the message says what to install."""


class JavaKafka(NamedTuple):
    """How to run a program of Apache Kafka: ``[java, "-cp", class_path, "kafka.Kafka", ...]``."""

    java: str
    class_path: str
    archive: Path
    """Of loaded classes; it may not be there yet."""


def find_kafka(libs: Path | None = None) -> JavaKafka:
    """Java, and the class path of Apache Kafka.

    Args:
        libs: the folder ``libs`` of an unpacked Kafka; None: the cache, filled by Maven where it is empty.

    Raises:
        KafkaUnavailable: there is no Java 17, or no jars and no way to get them.
    """
    java, cache = find_java(), cache_dir()
    if libs is None:
        libs = cached_jars(cache)
    elif not any(libs.glob(SERVER_JAR)):
        raise KafkaUnavailable(f"{libs} does not hold Apache Kafka: there is no {SERVER_JAR} in it")
    class_path = f"{libs.resolve()}/*"
    key = f"{Path(java).resolve()} {class_path}"
    return JavaKafka(java, class_path, cache / f"classes-{hashlib.sha256(key.encode()).hexdigest()[:12]}.jsa")


def find_java() -> str:
    """The ``java`` of JAVA_HOME or of the PATH.

    Raises:
        KafkaUnavailable: there is none, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        where = f"JAVA_HOME={home}" if home else "the PATH"
        raise KafkaUnavailable(f"Apache Kafka needs Java {MIN_JAVA}, there is none on {where}. {INSTALL}")
    asked = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', asked.stderr + asked.stdout)
    if asked.returncode != 0 or found is None or int(found[1]) < MIN_JAVA:
        told = (asked.stderr or asked.stdout).strip().partition("\n")[0]
        raise KafkaUnavailable(f"Apache Kafka needs Java {MIN_JAVA} or newer; {java} says: {told}. {INSTALL}")
    return java


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/molva``, by default ``~/.cache/molva``.

    Raises:
        KafkaUnavailable: the home directory is unknown.
    """
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen) / "molva"
    try:
        return Path.home() / ".cache" / "molva"
    except RuntimeError as error:
        raise KafkaUnavailable(f"no place for Apache Kafka's jars: {error}; set XDG_CACHE_HOME") from error


def cached_jars(cache: Path) -> Path:
    """The folder of the jars that ``kafka-pom.xml`` asks for; made by Maven at the first call.

    Raises:
        KafkaUnavailable: Maven is missing, or it cannot fetch them.
    """
    folder = cache / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if folder.exists():
        return folder
    with DirectoryLock(cache, patience=FETCH_SECONDS):
        if not folder.exists():  # another process may have been quicker
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable(f"Apache Kafka comes through Maven, there is no mvn on the PATH. {INSTALL}")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as scratch:
        pom, libs = Path(scratch) / "pom.xml", Path(scratch) / "libs"
        shutil.copy(POM, pom)
        command = [maven, "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS, cwd=scratch
            )
        except subprocess.TimeoutExpired as error:
            raise KafkaUnavailable(f"Maven has not fetched Apache Kafka in {FETCH_SECONDS:.0f} s") from error
        if done.returncode != 0 or not any(libs.glob(SERVER_JAR)):
            told = "\n".join((done.stdout + done.stderr).strip().splitlines()[:5])
            raise KafkaUnavailable(f"Maven cannot fetch Apache Kafka's jars:\n{told}")
        libs.rename(folder)
