"""Asking a worker's metrics endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import start_http_server

from pipeline.health import is_ready, read_workers, scrape, total, watchlist_in_use, write_workers
from pipeline.metrics import Metrics


@pytest.fixture
def port() -> Iterator[int]:
    """The endpoint of a worker that is ready and has read two records."""
    metrics = Metrics()
    metrics.worker_ready.labels("storage").set(1)
    metrics.records_in.labels("storage", "t").inc(2)
    server, thread = start_http_server(0, "127.0.0.1", registry=metrics.registry)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_worker_answers(port: int) -> None:
    samples = scrape("127.0.0.1", port)
    assert is_ready(samples)
    assert total(samples, "molva_records_in_total", stage="storage") == 2


def test_nobody_answers(port: int) -> None:
    assert scrape("127.0.0.1", 1) is None
    assert not is_ready(None)


def test_a_proxy_of_the_environment_is_not_asked(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert is_ready(scrape("127.0.0.1", port))


def test_the_workers_of_a_running_pipeline_are_found_by_other_commands(tmp_path: Path) -> None:
    assert read_workers(tmp_path) == []
    assert watchlist_in_use(tmp_path) is None
    write_workers(tmp_path, {"storage-1": 4001, "detection-1": 4002}, {"storage-1": 17}, Path("/w.yaml"))
    assert watchlist_in_use(tmp_path) == Path("/w.yaml")
    assert read_workers(tmp_path) == [
        {"name": "storage-1", "pid": 17, "metrics_port": 4001},
        {"name": "detection-1", "pid": None, "metrics_port": 4002},
    ]
