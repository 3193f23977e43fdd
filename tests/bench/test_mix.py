"""The posts of ``molva bench pipeline``: the mix, fresh ids, watermarks that hold, and the pace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.base import Found, Progress
from pipeline.bench.mix import STEP, WATERMARK_EVERY, Mix, MixSource, read_mix
from pipeline.errors import UsageError

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MIX = Mix([f"general {n}" for n in range(13)], [f"about {n}" for n in range(7)])


def test_every_tenth_post_is_about_an_object() -> None:
    texts = [MIX.text(number) for number in range(1000)]
    assert sum(text.startswith("about") for text in texts) == 100
    assert all(text.startswith("about") for text in texts[9::10])


def test_every_text_is_used_before_one_is_used_again() -> None:
    texts = [MIX.text(number) for number in range(1000)]
    general = [text for text in texts if text.startswith("general")]
    assert general[:13] == list(MIX.general)
    assert general[13:26] == list(MIX.general)
    assert texts[9:79:10] == list(MIX.mentioning)
    assert MIX.distinct == 20


def test_ids_are_fresh_in_every_phase() -> None:
    ids = {MIX.post(n, timeline, NOW, NOW).id for n in range(100) for timeline in ("bench:max", "bench:50%")}
    assert len(ids) == 200


async def collect(source: MixSource) -> list[Found | Progress]:
    return [item async for item in source.posts(None) if isinstance(item, Found | Progress)]


async def test_watermarks_hold_and_the_last_is_final() -> None:
    items = await collect(MixSource(MIX, 2500, "bench:x", clock=lambda: NOW))
    newest = None
    for item in items:
        if isinstance(item, Progress):
            newest = item.watermark
        else:
            assert newest is not None
            assert newest <= item.post.created_at <= item.post.collected_at
    watermarks = [item for item in items if isinstance(item, Progress)]
    assert len(watermarks) == 2500 // WATERMARK_EVERY + 2
    assert [item.final for item in watermarks] == [False, False, False, True]
    posts = [item.post for item in items if isinstance(item, Found)]
    assert posts[-1].created_at - posts[0].created_at == 2499 * STEP


async def test_a_paced_source_waits_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = NOW

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    items = await collect(MixSource(MIX, 500, "bench:x", rate=100.0, clock=lambda: now))
    posts = [item.post for item in items if isinstance(item, Found)]
    for number, post in enumerate(posts):
        late = (post.collected_at - NOW).total_seconds() - number / 100
        assert -0.006 < late < 0.006


def test_a_missing_data_set_is_named(tmp_path: Path) -> None:
    watchlist = tmp_path / "watchlist.yaml"
    watchlist.write_text("- {id: bank, kind: brand, name: Банк, aliases: [Банк]}\n")
    with pytest.raises(UsageError, match=r"rusentitweet_train\.jsonl.*--data"):
        read_mix(tmp_path, watchlist)


def test_data_without_the_objects_is_refused(tmp_path: Path) -> None:
    watchlist = tmp_path / "watchlist.yaml"
    watchlist.write_text("- {id: bank, kind: brand, name: Банк, aliases: [Рассвет]}\n")
    for name in ("rusentitweet_train", "tweets_banks_2014", "tweets_telecoms_2014"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "ничего такого"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="--watchlist"):
        read_mix(tmp_path, watchlist)
