"""The servers that the suite shares: one embedded broker and one embedded ClickHouse per process of pytest.

`make test` runs three such processes: most of the time tests wait for servers. A file stays in one process.

Tests on Apache Kafka are skipped where it cannot run (no Java 17, no jars); MOLVA_REQUIRE_KAFKA=1 makes that
a failure. ``new_kafka(folder, brokers=3)`` starts a cluster for one test, the parametrised
``new_broker(folder)`` an empty broker of each kind, so that one suite runs on both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.kafka_jars import KafkaUnavailable, find_kafka
from pipeline.embedded.stack import EmbeddedStack
from pipeline.settings import Settings

for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)  # readline sets them for the processes that pytest starts

PIPELINES = ("chaos", "e2e")
SERVERS = ("integration", "embedded", "doctor", "stages", "reprocess", "dead_letters")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that at the end no process waits for another: those with whole pipelines,
    which take the cores, in turn with those that mostly wait for servers.
    """
    tests = Path(__file__).parent
    files = dict.fromkeys(item.path.relative_to(tests) for item in items)
    places: dict[Path, tuple[int, int]] = {}
    for group, folders in enumerate((PIPELINES, SERVERS)):
        of_group = [file for folder in folders for file in files if file.parts[0] == folder]
        places.update((file, (number, group)) for number, file in enumerate(of_group))
    items.sort(key=lambda item: places.get(item.path.relative_to(tests), (len(files), 0)))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """Both servers; tests must not stop them, and use topics, groups and databases of their own."""
    with EmbeddedStack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def broker(stack: EmbeddedStack) -> EmbeddedBroker:
    return stack.broker


@pytest.fixture(scope="session")
def clickhouse(stack: EmbeddedStack) -> EmbeddedClickHouse:
    return stack.clickhouse


@pytest.fixture
def settings(stack: EmbeddedStack) -> Callable[..., Settings]:
    """``settings(partitions=2, clickhouse_database="of_this_test")`` -> `Settings` of the shared servers."""

    def make(**overrides: Any) -> Settings:
        return Settings(**{**stack.info.settings(Settings()).model_dump(), **overrides})

    return make


@pytest.fixture(scope="session")
def apache_kafka() -> None:
    """Whoever asks for it needs Java and Apache Kafka's jars."""
    try:
        find_kafka()
    except KafkaUnavailable as error:
        if os.environ.get("MOLVA_REQUIRE_KAFKA") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kafka(apache_kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """One broker of Apache Kafka; tests must not stop it, and use topics and groups of their own."""
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), short_lived=True) as running:
        yield running


@pytest.fixture(params=["embedded", "kafka"])
def shared_broker(request: pytest.FixtureRequest) -> EmbeddedBroker | EmbeddedKafka:
    """A broker of each kind in turn, for tests with topics and groups of their own."""
    chosen: EmbeddedBroker | EmbeddedKafka
    chosen = request.getfixturevalue("kafka" if request.param == "kafka" else "broker")
    return chosen


@pytest.fixture
def new_kafka(apache_kafka: None) -> Iterator[Callable[..., EmbeddedKafka]]:
    """``new_kafka(folder, brokers=3)``: a cluster of this test's own; options of `EmbeddedKafka`."""
    with ExitStack() as started:

        def start(folder: Path, **options: Any) -> EmbeddedKafka:
            return started.enter_context(EmbeddedKafka(folder, **{"short_lived": True, **options}))

        yield start


@pytest.fixture(params=["embedded", "kafka"])
def new_broker(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], EmbeddedBroker | EmbeddedKafka]]:
    """``new_broker(folder)``: an empty broker of this test's own, once in memory, once Apache Kafka."""
    if request.param == "kafka":
        yield request.getfixturevalue("new_kafka")
        return
    with ExitStack() as started:
        yield lambda folder: started.enter_context(EmbeddedBroker(folder))
