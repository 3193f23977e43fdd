"""What a process says of itself, and the endpoint that says it while the event loop stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from pipeline.condition import CLICKHOUSE, KAFKA, PARTITIONS, SILENCE_SECONDS, WATCHDOG, Condition
from pipeline.endpoint import serve, serving
from pipeline.errors import UsageError
from pipeline.health import is_ready, probe, scrape
from pipeline.metrics import Metrics

HOST = "127.0.0.1"


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def condition(clock: Clock) -> Condition:
    condition = Condition(clock)
    condition.need(PARTITIONS, KAFKA)
    return condition


async def turn_once(condition: Condition) -> None:
    """Let the event loop beat once."""
    with condition.beating():
        await asyncio.sleep(0)


def well(condition: Condition) -> None:
    condition.well(PARTITIONS)
    condition.well(KAFKA)


async def test_a_process_that_starts_is_alive_and_not_ready(condition: Condition) -> None:
    assert condition.alive() == (True, {"event loop": "starting"})
    assert condition.ready() == (
        False,
        {"event loop": "starting", PARTITIONS: "not yet", KAFKA: "not yet"},
    )


async def test_it_is_ready_with_all_parts_well(condition: Condition) -> None:
    await turn_once(condition)
    well(condition)
    assert condition.ready() == (True, {"event loop": "ok", PARTITIONS: "ok", KAFKA: "ok"})
    condition.unwell(PARTITIONS, "a rebalance runs")
    ready, parts = condition.ready()
    assert not ready
    assert parts[PARTITIONS] == "a rebalance runs"
    assert condition.alive().yes


async def test_an_event_loop_that_stands_still_is_dead(condition: Condition, clock: Clock) -> None:
    await turn_once(condition)
    well(condition)
    clock.now += SILENCE_SECONDS
    assert condition.alive().yes
    clock.now += 1
    assert condition.alive() == (False, {"event loop": "has not turned for 16 s"})
    assert not condition.ready().yes


async def test_the_watchdog_s_word_is_final(condition: Condition) -> None:
    await turn_once(condition)
    well(condition)
    condition.fatal(WATCHDOG, "records wait unread")
    alive, parts = condition.alive()
    assert not alive
    assert parts[WATCHDOG] == "records wait unread"


async def test_one_user_in_trouble_is_enough_until_it_is_over(condition: Condition) -> None:
    await turn_once(condition)
    well(condition)
    condition.trouble(CLICKHOUSE, "posts:0", "insert: refused")
    condition.trouble(CLICKHOUSE, "posts:1", "insert: refused")
    condition.trouble(CLICKHOUSE, "posts:0", None)
    ready, parts = condition.ready()
    assert not ready
    assert parts[CLICKHOUSE] == "posts:1: insert: refused"
    condition.trouble(CLICKHOUSE, "posts:1", None)
    assert condition.ready().yes


@pytest.fixture
def port(condition: Condition) -> Iterator[int]:
    with serving(Metrics(), condition, HOST, 0) as port:
        yield port


def get(port: int, path: str) -> httpx.Response:
    return httpx.get(f"http://{HOST}:{port}{path}", trust_env=False)


def test_a_taken_port_is_told(condition: Condition, port: int) -> None:
    with pytest.raises(UsageError, match=f"{HOST}:{port}.*MOLVA_METRICS_PORT"):
        serve(Metrics(), condition, HOST, port)


async def test_the_endpoint_answers_with_the_reasons(condition: Condition, port: int) -> None:
    await turn_once(condition)
    assert get(port, "/healthz").json() == {"status": "ok", "parts": {"event loop": "ok"}}
    answer = get(port, "/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ok")
    assert answer.json()["parts"][PARTITIONS] == "not yet"
    assert probe(HOST, port) == (False, "partitions not yet, kafka not yet")
    well(condition)
    assert get(port, "/readyz").status_code == 200
    assert probe(HOST, port) == (True, "")
    assert get(port, "/metrics").status_code == 200
    assert is_ready(scrape(HOST, port))


async def test_a_dead_loop_is_told_with_503(condition: Condition, clock: Clock, port: int) -> None:
    await turn_once(condition)
    clock.now += 60
    assert get(port, "/healthz").status_code == 503


def test_nobody_answers() -> None:
    assert probe(HOST, 1) == (False, "does not answer")
