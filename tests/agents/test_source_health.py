"""The sources of a live agent: their gauges, and rhythms that outlive the process."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.cursor import CursorStore, FileCursors, MemoryCursors
from agents.http.service import promise_live
from agents.manual_time import ManualTime
from agents.source_health import MAX_SOURCES, OTHERS, SourceHealth
from pipeline.core.source_silence import LOUD
from pipeline.metrics import Metrics
from schemas import RawPost
from tests.agents.memory_publisher import MemoryPublisher

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


class Agent:
    """An agent that posts every five minutes while it is fed."""

    def __init__(self, store: CursorStore, time: ManualTime | None = None) -> None:
        self.time = time or ManualTime(MONDAY)
        self.metrics = Metrics()
        self.store = store
        self.health = SourceHealth("rss", self.metrics, store, clock=self.time.clock)

    def post(self, source: str = "press", age: float = 30.0) -> RawPost:
        now = self.time.clock()
        return RawPost(
            source=source,
            native_id="1",
            created_at=now - timedelta(seconds=age),
            collected_at=now,
            text="т",
        )

    async def live(self, *, fed: tuple[str, ...] = ("press",), **span: float) -> None:
        """Let time pass in steps of five minutes; each source has a post in each."""
        for _ in range(timedelta(**span) // timedelta(minutes=5)):
            await self.health.tick()
            for source in fed:
                self.health.seen(self.post(source))
            self.time.move(minutes=5)
        await self.health.tick()

    def gauge(self, name: str, source: str = "press") -> Any:
        return self.metrics.registry.get_sample_value(
            f"molva_source_{name}", {"agent": "rss", "source": source}
        )


async def test_a_source_that_falls_silent_surprises_until_it_posts_again() -> None:
    agent = Agent(MemoryCursors())
    await agent.live(days=3)
    last = agent.time.clock().timestamp() - 300
    assert agent.gauge("silence_surprise") == 0
    await agent.live(hours=4, fed=())
    assert agent.gauge("silence_surprise") > LOUD
    assert agent.gauge("last_post_timestamp_seconds") == last
    agent.health.seen(agent.post())
    await agent.health.tick()
    assert agent.gauge("silence_surprise") == 0
    assert agent.gauge("last_post_timestamp_seconds") == agent.time.clock().timestamp()


async def test_the_http_agent_judges_its_sources_by_the_clock() -> None:
    agent = Agent(MemoryCursors())
    agent.health.seen(agent.post())

    async def stopped(_: float) -> None:
        raise asyncio.CancelledError

    promising = promise_live(
        MemoryPublisher(), agent.metrics, agent.health, clock=agent.time.clock, sleep=stopped
    )
    with pytest.raises(asyncio.CancelledError):
        await promising
    assert agent.gauge("silence_surprise") == 0 and json.loads(agent.store.load("rss") or "") != {}


async def test_each_source_has_its_own_rhythm() -> None:
    agent = Agent(MemoryCursors())
    await agent.live(days=3, fed=("press", "forum"))
    await agent.live(hours=4, fed=("forum",))
    assert agent.gauge("silence_surprise", "press") > LOUD
    assert agent.gauge("silence_surprise", "forum") == 0


async def test_rhythms_and_a_silence_survive_a_restart_whose_length_says_nothing(tmp_path: Path) -> None:
    store, learned = FileCursors(tmp_path), MemoryCursors()
    agent = Agent(learned)
    await agent.live(days=3)
    await agent.live(hours=1, fed=())
    await store.save("rss", learned.saved["rss"])
    before = agent.gauge("silence_surprise")
    agent.time.move(hours=8)
    again = Agent(store, agent.time)
    assert before > 0 and again.gauge("silence_surprise") == pytest.approx(before, abs=0.01)
    assert again.gauge("last_post_timestamp_seconds") == agent.gauge("last_post_timestamp_seconds")
    await again.live(minutes=5, fed=())  # its first bucket was not whole
    assert again.gauge("silence_surprise") == pytest.approx(before, abs=0.01)
    await again.live(hours=3, fed=())
    assert again.gauge("silence_surprise") > LOUD


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 1, "agent": "rss", "cursor": "{\\"press\\": 1}"}']
)
async def test_what_cannot_be_read_is_learned_anew(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "rss.json").write_text(content, encoding="utf-8")
    agent = Agent(FileCursors(tmp_path))
    assert "learned anew" in caplog.text
    await agent.live(minutes=10)
    assert agent.gauge("silence_surprise") == 0


async def test_a_source_that_is_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.source_health.FORGOTTEN", 12)
    agent = Agent(store := MemoryCursors())
    await agent.live(minutes=30, fed=("press", "forum"))
    for _ in range(15):
        agent.health.seen(agent.post("forum"))
        agent.time.move(minutes=5)
        await agent.health.tick()
    assert agent.gauge("silence_surprise") is None and agent.gauge("last_post_timestamp_seconds") is None
    assert list(json.loads(store.saved["rss"])) == ["forum"]


async def test_sources_beyond_the_limit_share_a_rhythm() -> None:
    agent = Agent(MemoryCursors())
    names = tuple(f"s{number}" for number in range(MAX_SOURCES + 5))
    await agent.live(minutes=5, fed=names)
    assert agent.gauge("last_post_timestamp_seconds", names[MAX_SOURCES - 1]) is not None
    assert agent.gauge("last_post_timestamp_seconds", names[MAX_SOURCES]) is None
    assert agent.gauge("last_post_timestamp_seconds", OTHERS) is not None


async def test_the_age_of_posts_is_a_median_of_enough_of_them() -> None:
    agent = Agent(MemoryCursors())
    for age in (30.0,) * 5 + (-600.0,) * 5:
        agent.health.seen(agent.post(age=age))
    await agent.health.tick()
    assert agent.gauge("post_age_seconds") is None
    agent.health.seen(agent.post(age=-600.0))
    await agent.health.tick()
    assert agent.gauge("post_age_seconds") == -600
