"""The HTTP endpoint of a worker or agent: ``/metrics``, ``/healthz`` (alive?) and ``/readyz`` (at work?).

It answers from a thread, so also while the event loop stands still.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from pipeline.condition import Answer, Condition
from pipeline.errors import UsageError
from pipeline.metrics import Metrics

HEALTH, READY = "/healthz", "/readyz"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A line per scrape would drown the log."""


def serve(metrics: Metrics, condition: Condition, host: str, port: int) -> WSGIServer:
    """Serve the endpoint from a background thread.

    Returns:
        The server; ``server_port`` is of use where ``port`` is 0 (any free one).

    Raises:
        UsageError: the port is taken, or the host is none of this machine.
    """
    try:
        server = make_server(host, port, _application(metrics, condition), _Server, _Quiet)
    except OSError as error:
        raise UsageError(
            f"cannot serve metrics on {host}:{port} ({error.strerror}):"
            " set MOLVA_METRICS_PORT to a free port, or 0 for none"
        ) from error
    threading.Thread(target=server.serve_forever, name="endpoint", daemon=True).start()
    return server


@contextmanager
def serving(metrics: Metrics, condition: Condition, host: str, port: int) -> Iterator[int]:
    """`serve` for as long as the block runs; gives the port.

    Raises:
        UsageError: the port is taken, or the host is none of this machine.
    """
    server = serve(metrics, condition, host, port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _application(metrics: Metrics, condition: Condition) -> Any:
    scrape: Any = make_wsgi_app(metrics.registry)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        asked = {HEALTH: condition.alive, READY: condition.ready}.get(environ["PATH_INFO"])
        return scrape(environ, start_response) if asked is None else _tell(asked(), start_response)

    return answer


def _tell(answer: Answer, start_response: Any) -> list[bytes]:
    status = "200 OK" if answer.yes else "503 Service Unavailable"
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    document = {"status": "ok" if answer.yes else "not ok", "parts": answer.parts}
    return [json.dumps(document, ensure_ascii=False).encode() + b"\n"]
