"""Real tweets of 2014 by hand labels through the stream operator: the known incidents, and few others."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from pipeline.core.detection import PartitionDetector
from schemas import Spike
from tests.core.detection_log import START, mention, watermark

DATA = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[3] / "shared" / "data"))
NOW = datetime(2024, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real tweets at {DATA} (set MOLVA_DATA)")


@cache
def hourly(name: str) -> list[Spike]:
    """Events of negativity by the hour, the file fed in order with a watermark every 200 tweets."""
    subject = PartitionDetector(0, "c1", source_idle=timedelta(minutes=10))
    spikes: list[Spike] = []
    minute = 0.0
    with (DATA / name).open(encoding="utf-8") as lines:
        for offset, line in enumerate(lines):
            tweet = json.loads(line)
            created = datetime.fromisoformat(tweet["created_at"])
            minute = (created - START).total_seconds() / 60
            if offset % 200 == 0:
                spikes += subject.advance(watermark(minute, offset), NOW)
            for object_id, label in tweet["targets"].items():
                known = mention(minute, offset, post=f"twitter:{offset}", object_id=object_id, label=label)
                assert subject.absorb(known) == "counted"
    spikes += subject.advance(watermark(minute + 60, 10**6, final=True), NOW)
    return [spike for spike in spikes if (spike.resolution, spike.signal) == ("1h", "negativity")]


@pytest.mark.parametrize(
    ("file", "object_id", "at", "hours"),
    [
        ("tweets_banks_2014.jsonl", "sberbank", "2014-07-28T20:00Z", 2),
        ("tweets_banks_2014.jsonl", "vtb", "2014-07-28T20:00Z", 2),
        ("tweets_banks_2014.jsonl", "rshb", "2014-07-29T19:00Z", 2),
        ("tweets_banks_2014.jsonl", "bankmoskvy", "2014-07-29T19:00Z", 2),
        ("tweets_banks_2014.jsonl", "sberbank", "2014-07-31T15:00Z", 2),
        ("tweets_telecoms_2014.jsonl", "mts", "2014-08-05T05:00Z", 3),
    ],
)
def test_a_known_incident_opens_a_spike(file: str, object_id: str, at: str, hours: int) -> None:
    opened = [s.opened_at for s in hourly(file) if s.object_id == object_id and s.status == "opened"]
    assert any(abs(time - datetime.fromisoformat(at)) <= timedelta(hours=hours) for time in opened), opened


def test_few_others_open_and_none_flaps() -> None:
    events = [*hourly("tweets_banks_2014.jsonl"), *hourly("tweets_telecoms_2014.jsonl")]
    opened = [spike.id for spike in events if spike.status == "opened"]
    assert 6 <= len(opened) <= 18
    assert {spike.object_id for spike in events} <= {
        *("sberbank", "vtb", "rshb", "bankmoskvy", "gazprom"),
        *("mts", "beeline", "megafon"),
    }, "the quiet ones are quiet"
    resolved = {spike.id for spike in events if spike.status == "resolved"}
    assert resolved == set(opened), "every wave ends within the files"
    assert len({spike.event_id for spike in events}) == len(events)
