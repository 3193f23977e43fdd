"""The fleet as people see it: `molva agents`, requests to owners, and what they come to, on real brokers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.fleet.cursor_rows import STATE, pack, partition_of
from agents.fleet.process import run_fleet
from agents.fleet.row_writer import row_writer
from agents.fleet.view import Sight, ask_backfill, ask_to_forget, read_rows, sights
from agents.fleet.vitals import Report
from agents.manual_time import NOON
from agents.options import Backfill
from pipeline.cli.agent import _require_alone
from pipeline.cli.agents import app
from pipeline.errors import UsageError
from pipeline.kafka import AGENT_CURSORS_SPEC, KafkaAdmin
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from tests.agents.fleet.counting import Options, load
from tests.agents.fleet.watching import watching

DEADLINE_SECONDS = 90
NewBroker = Callable[[Path], Any]


def now() -> datetime:
    return datetime.now(UTC)


def report(**more: Any) -> Report:
    fields = {"agent": "vk:a", "owner": "h:1", "at": NOON, "began_at": NOON, "phase": "running"}
    return Report.model_validate({**fields, **more})


def row(**more: Any) -> bytes:
    return report(**more).model_dump_json().encode()


def test_every_agent_of_the_file_and_of_the_topic_is_seen() -> None:
    rows = {
        f"vk:a{STATE}": row(),
        f"vk:b{STATE}": row(agent="vk:b", phase="failed", problem="no token"),
        f"vk:old{STATE}": row(agent="vk:old", at=NOON - timedelta(days=1)),
        f"vk:odd{STATE}": b'{"version": 9}',
        "vk:a": pack("vk:a", "1"),
    }
    seen = {
        each.agent: (each.state, each.configured, each.well)
        for each in sights(rows, ["vk:a", "vk:b", "vk:c"], NOON)
    }
    assert seen == {
        "vk:a": ("running", True, True),
        "vk:b": ("failed", True, False),
        "vk:c": ("never ran", True, False),
        "vk:old": ("silent", False, True),
    }
    assert sights(rows, None, NOON)[2] == Sight(
        "vk:old", "silent", True, report(agent="vk:old", at=NOON - timedelta(days=1)), False
    )


@pytest.mark.parametrize("phase", ["starting", "waiting"])
def test_an_agent_that_waits_for_long_is_not_well(phase: str) -> None:
    def well(**more: Any) -> bool:
        (seen,) = sights({f"vk:a{STATE}": row(phase=phase, **more)}, ["vk:a"], NOON)
        assert seen.state == phase
        return seen.well

    assert well(since=NOON - timedelta(minutes=30)) and not well(since=NOON - timedelta(minutes=31))
    assert not well(began_at=NOON - timedelta(days=1)) and well(), "of an older version of Molva"


@asynccontextmanager
async def fleet(settings: Settings, *agents: Options) -> AsyncIterator[None]:
    """A fleet of one process, in this one."""
    stop = asyncio.Event()
    running = asyncio.ensure_future(
        run_fleet(agents, settings, None, clock=now, stop=stop, metrics=Metrics(), load=load)
    )
    try:
        yield
    finally:
        stop.set()
        await running


async def until(settings: Settings, holds: Callable[[dict[str, bytes]], bool]) -> dict[str, bytes]:
    """Read the rows until it holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds(rows := await read_rows(settings)):
            pass  # each reading waits for the broker
    return rows


@pytest.mark.integration
async def test_requests_are_worked_off_by_the_owner(new_broker: NewBroker, tmp_path: Path) -> None:
    settings = new_broker(tmp_path).settings(Settings(data_dir=tmp_path / "data", partitions=2))
    assert await read_rows(settings) == {}, "no topic, no rows"
    january = Backfill(since="2026-01-01", until="2026-01-02")  # type: ignore[arg-type]
    async with watching(settings) as watcher:
        await ask_backfill(settings, "counting:a", january)
        async with fleet(settings, Options(name="a"), Options(name="b", broken="lacks a token")):
            await watcher.until(lambda: len(watcher.posts["a"]) > 60)
            rows = await until(settings, lambda rows: f"counting:b{STATE}" in rows)
            seen = {each.agent: each.state for each in sights(rows, None, now())}
            assert seen["counting:a"] in ("starting", "running") and seen["counting:b"] in (
                "starting",
                "failed",
            )
            await ask_to_forget(settings, "counting:a")
            begun = len(watcher.posts["a"])
            await watcher.until(lambda: any(seen.number == "0" for seen in watcher.posts["a"][begun:]))
        past = {seen.number for seen in watcher.posts["a"] if seen.number.startswith("past/")}
        assert len(past) == 24
    rows = await read_rows(settings)
    assert not [key for key in rows if "#request" in key or "#forget" in key]
    assert {each.agent: each.state for each in sights(rows, None, now())} == {
        "counting:a": "stopped",
        "counting:b": "stopped",
    }


@pytest.mark.integration
async def test_the_command_shows_them_and_its_exit_code_says_whether_all_collect(
    new_broker: NewBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_broker(tmp_path).settings(Settings(data_dir=tmp_path / "data"))
    for name, value in own.environment().items():
        monkeypatch.setenv(name, value)
    async with KafkaAdmin(own) as admin:
        await admin.ensure_topics([AGENT_CURSORS_SPEC])
    async with row_writer(own) as write:
        for agent, more in (
            ("vk:a", {}),
            ("vk:b", {"phase": "waiting", "since": now(), "problem": "HTTP 429 [slow]"}),
        ):
            report = row(agent=agent, at=now(), last_post_at=now(), errors={"Refused": 2}, **more)
            await write(f"{agent}{STATE}", report)

    async def show(*arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"COLUMNS": "200"})

    shown = await show()
    assert shown.exit_code == 0, shown.output
    assert (
        "vk:a" in shown.output and "waiting: HTTP 429 [slow]" in shown.output and "Refused 2" in shown.output
    )
    january = Backfill(since="2026-01-01", until="2026-01-02")  # type: ignore[arg-type]
    await ask_backfill(own, "vk:a", january)
    period = ("--since", "2026-01-01", "--until")
    assert (await show("backfill", "vk:a", "--cancel", *period, "2026-01-03")).exit_code != 0, "not asked for"
    withdrawn = await show("backfill", "vk:a", "--cancel")
    assert withdrawn.exit_code == 0 and "2026-01-01..2026-01-02" in withdrawn.output
    assert not [key for key in await read_rows(own) if "#request" in key]
    async with row_writer(own) as write:
        await write(f"vk:b{STATE}", row(agent="vk:b", at=now(), phase="failed", problem="no token"))
        await write(f"telegram:c{STATE}", row(agent="telegram:c", at=now(), owner="h:7"))
    with pytest.raises(UsageError, match="h:7 runs telegram:c now"):
        await asyncio.to_thread(_require_alone, own, "telegram:c")
    await asyncio.to_thread(_require_alone, own, "telegram:d")
    failed = await show("--json")
    assert failed.exit_code == 1
    states = {each["agent"]: each["state"] for each in json.loads(failed.output)["agents"]}
    assert states == {"vk:a": "running", "vk:b": "failed", "telegram:c": "running"}
    assert partition_of("vk:a") < AGENT_CURSORS_SPEC.partitions
