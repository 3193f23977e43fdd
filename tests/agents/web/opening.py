"""A `Web` for tests: asks local servers only, with a clock that jumps over every wait."""

from __future__ import annotations

import ssl
from typing import Any

from agents.manual_time import JumpingTime, ManualTime
from agents.web import Limit, Reach, Traffic, Web
from pipeline.metrics import Metrics

FAST = Limit(1000.0, 1000)


def quiet_traffic(time: ManualTime, metrics: Metrics | None = None, **options: Any) -> Traffic:
    """What agents share, without chance, and without the world's certificates, which take long to read."""
    options.setdefault("trust", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return Traffic(metrics or Metrics(), clock=time.clock, sleep=time.sleep, jitter=lambda: 0.5, **options)


def local_web(
    *urls: str,
    time: ManualTime | None = None,
    metrics: Metrics | None = None,
    agent: str = "test:one",
    traffic: Traffic | None = None,
    limit: Limit = FAST,
    **options: Any,
) -> Web:
    """``local_web(server.url)``: may ask the servers of ``urls``; ``limit`` is none to speak of."""
    time = time or JumpingTime()
    traffic = traffic or quiet_traffic(time, metrics)
    return Web(agent, Reach.of(*urls, private=urls), traffic, limit=limit, **options)
