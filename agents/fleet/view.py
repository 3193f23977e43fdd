"""The fleet as the topic of cursors shows it: its rows, each agent's newest report, requests to owners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from agents.fleet.cursor_rows import FORGET, REQUEST, STATE, agent_of
from agents.fleet.past_runs import request_key
from agents.fleet.row_writer import row_writer
from agents.fleet.vitals import Report
from agents.options import Backfill
from pipeline.kafka import AGENT_CURSORS_SPEC, KafkaAdmin, client_options
from pipeline.kafka_offsets import high_watermarks
from pipeline.settings import Settings
from pipeline.topics import AGENT_CURSORS

POLL_MS = 200


class Sight(NamedTuple):
    """How one agent looks from outside."""

    agent: str
    state: str
    """A phase of its report, or ``silent`` (its owner no longer reports) or ``never ran``."""
    configured: bool
    """It stands in agents.yaml; True where there is none to compare with."""
    report: Report | None
    well: bool
    """It collects, or has not waited for long; or nobody wants it any more."""


async def read_rows(settings: Settings) -> dict[str, bytes]:
    """All rows of the topic; none where there is no such topic.

    Raises:
        KafkaError: Kafka cannot be reached.
    """
    async with KafkaAdmin(settings) as admin:
        count = (await admin.topics()).get(AGENT_CURSORS, 0)
    places = [TopicPartition(AGENT_CURSORS, number) for number in range(count)]
    rows: dict[str, bytes] = {}
    if not places:
        return rows
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await high_watermarks(consumer, places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    if record.value is None:
                        rows.pop(record.key.decode(), None)
                    else:
                        rows[record.key.decode()] = record.value
    finally:
        await consumer.stop()
    return rows


def sights(rows: Mapping[str, bytes], configured: Iterable[str] | None, now: datetime) -> list[Sight]:
    """How each agent looks, by name; ``configured``: those of agents.yaml, None: there is none at hand."""
    reports = {}
    for key, value in rows.items():
        if key.endswith(STATE):
            try:
                reports[agent_of(key)] = Report.model_validate_json(value)
            except ValidationError:  # of another version of Molva: its agent is shown without it
                continue
    wanted = set(reports) if configured is None else set(configured)
    return [_sight(agent, agent in wanted, reports.get(agent), now) for agent in sorted({*wanted, *reports})]


def _sight(agent: str, configured: bool, report: Report | None, now: datetime) -> Sight:
    if report is None:
        return Sight(agent, "never ran", configured, None, not configured)
    state = "silent" if report.stale(now) else report.phase
    well = state in ("starting", "running", "waiting") and not report.idle(now)
    return Sight(agent, state, configured, report, well or not configured)


async def ask_backfill(settings: Settings, agent: str, asked: Backfill) -> None:
    """Ask the agent's owner, present or next, to collect a period of the past.

    Raises:
        KafkaError, PublishFailed: Kafka cannot be reached.
    """
    await _ask(settings, request_key(agent, asked), asked.model_dump_json().encode())


async def withdraw_backfills(settings: Settings, agent: str, asked: Backfill | None) -> list[str]:
    """Delete requests for the past, one or (None) all; the agent's owner stops working on them.

    Returns:
        The periods that are no longer asked for.

    Raises:
        KafkaError, PublishFailed: Kafka cannot be reached.
    """
    found = sorted(key for key in await read_rows(settings) if key.startswith(f"{agent}{REQUEST}"))
    keys = [key for key in found if asked is None or key == request_key(agent, asked)]
    async with row_writer(settings) as write:
        for key in keys:
            await write(key, None)
    return [key.partition(REQUEST)[2] for key in keys]


async def ask_to_forget(settings: Settings, agent: str) -> None:
    """Ask the agent's owner to delete its cursors and reports, and to begin at the beginning.

    Raises:
        KafkaError, PublishFailed: Kafka cannot be reached.
    """
    await _ask(settings, f"{agent}{FORGET}", b"{}")


async def _ask(settings: Settings, key: str, value: bytes) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics([AGENT_CURSORS_SPEC])
    async with row_writer(settings) as write:
        await write(key, value)
