"""Explanations of the real waves of 2014: what they were about, and that headlines are no conspiracy."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from pipeline.core.background import Background
from pipeline.core.clusters import Clusters
from pipeline.core.explanation import explain
from pipeline.core.fingerprint import fingerprints
from pipeline.core.signals.reading import read
from pipeline.core.tally import Tally
from pipeline.core.text import clean
from pipeline.core.wave_words import stem
from pipeline.core.windows import HOUR, bucket, seconds
from schemas.signals import MentionSignals
from schemas.spike import Explanation
from tests.core.detection_log import START, mention

DATA = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[3] / "shared" / "data"))
BANKS, TELECOMS = "tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real tweets at {DATA} (set MOLVA_DATA)")


@cache
def hourly(name: str) -> Mapping[str, Mapping[int, Tally]]:
    """Tallies by object and hour, with clusters as enrichment would give them."""
    hours: dict[str, dict[int, Tally]] = defaultdict(lambda: defaultdict(Tally))
    clusters = Clusters()
    with (DATA / name).open(encoding="utf-8") as lines:
        tweets = [json.loads(line) for line in lines]
    prints = fingerprints(["".join(read(tweet["text"]).words) for tweet in tweets])
    for offset, (tweet, print_) in enumerate(zip(tweets, prints, strict=True)):
        created = datetime.fromisoformat(tweet["created_at"])
        cluster = clusters.assign(f"twitter:{offset}", "live", created, print_)
        for object_id, label in tweet["targets"].items():
            known = mention(
                (created - START).total_seconds() / 60,
                offset,
                post=f"twitter:{offset}",
                object_id=object_id,
                label=label,
                excerpt=clean(tweet["text"]).text[:280],
                source="twitter",
                author=None,
                signals=MentionSignals(cluster=cluster),
            )
            hours[object_id][bucket(seconds(created), HOUR)].add(known)
    return hours


def explained(file: str, object_id: str, start: str, length: int) -> Explanation:
    """The run of ``length`` hours from ``start``, against every hour before it."""
    hours = hourly(file)
    first, start_second = min(min(one) for one in hours.values()), seconds(datetime.fromisoformat(start))
    background, run = Background(), Tally()
    for hour in range(first, start_second, HOUR):
        background.learn(hours[object_id].get(hour, Tally()))
    for hour in range(start_second, start_second + length * HOUR, HOUR):
        run.merge(hours[object_id].get(hour, Tally()))
    return explain(run, background, length, 0, 1)


@pytest.mark.parametrize(
    ("file", "object_id", "start", "length", "about"),
    [
        (BANKS, "sberbank", "2014-07-28T19:00Z", 6, {"санкционный", "втб", "список"}),
        (BANKS, "vtb", "2014-07-28T19:00Z", 6, {"санкционный", "сбербанк", "список"}),
        (BANKS, "rshb", "2014-07-29T18:00Z", 8, {"санкции", "сша"}),
        (BANKS, "bankmoskvy", "2014-07-29T18:00Z", 8, {"санкции", "сша"}),
        (BANKS, "sberbank", "2014-07-31T14:00Z", 8, {"газпромбанк", "россельхозбанк"}),
        (BANKS, "gazprom", "2014-07-31T14:00Z", 8, {"сбербанк", "втб", "россельхозбанк"}),
        (TELECOMS, "mts", "2014-08-05T05:00Z", 24, {"крыму", "симферополе", "связи"}),
        (TELECOMS, "beeline", "2014-07-28T14:00Z", 3, {"сбой", "москве"}),
    ],
)
def test_what_a_wave_was_about(file: str, object_id: str, start: str, length: int, about: set[str]) -> None:
    found = explained(file, object_id, start, length)
    assert {stem(word) for word in about} <= {stem(term.text) for term in found.words}
    assert found.activation is not None and found.activation > 2
    assert not found.coordination.suspected, "headlines that are passed on, complaints of many"
    assert found.first_post is not None and found.first_post.created_at is not None
    representative = " ".join(post.excerpt.casefold() for post in found.representative)
    assert sum(stem(term.text) in representative for term in found.words) >= 3


def test_a_headline_that_was_passed_on_is_seen_as_copies() -> None:
    sanctions = explained(BANKS, "rshb", "2014-07-29T18:00Z", 8)
    complaints = explained(TELECOMS, "mts", "2014-08-05T05:00Z", 24)
    assert sanctions.duplicate_share > 0.5 > complaints.duplicate_share
    assert sanctions.clusters[0].posts > 20
