"""Tallies: counts, posts and samples that neither order nor a way through the changelog changes."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.explanation import explain
from pipeline.core.sample import SAMPLE
from pipeline.core.sketches import LEADERS, SKETCH, Authors
from pipeline.core.tally import Tally
from schemas import Mention
from schemas.post import Channel
from tests.core.tally_samples import TEXTS, learned, random_mentions, said, tally, through_json

WEEK = learned()
SEEDS = st.integers(0, 2**32)


def test_only_negative_mentions_explain() -> None:
    found = tally([said(1, TEXTS[0], channel=Channel(id="c")), said(2, TEXTS[1], label="positive")])
    assert (found.total, found.negatives, found.authors.count()) == (2, 1, 1)
    assert found.channels == {"vk:c": 1} and len(found.sample) == 1


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(0, 40))
def test_any_order_and_any_way_of_merging_explain_alike(seed: int, count: int) -> None:
    mentions, chance = random_mentions(seed, count), random.Random(seed)
    whole = tally(mentions)
    parts: list[list[Mention]] = [[], [], []]
    for one in mentions:
        chance.choice(parts).append(one)
    merged = Tally()
    for part in parts:
        chance.shuffle(part)
        merged.merge(tally(part))
    assert merged.dump() == whole.dump()
    assert explain(merged, WEEK, 1, 0, 1) == explain(whole, WEEK, 1, 0, 1)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(0, 40))
def test_a_dump_loses_nothing(seed: int, count: int) -> None:
    whole = tally(random_mentions(seed, count))
    restored = Tally.load(through_json(whole.dump()))
    assert restored.dump() == whole.dump()
    assert explain(restored, WEEK, 1, 0, 1) == explain(whole, WEEK, 1, 0, 1)


def test_beyond_the_bounds_order_changes_nothing_either() -> None:
    mentions = [
        said(i, f"{TEXTS[i % 5]} {i % 97}", i, account=f"u{i % 400}", followers=i, cluster=f"vk:{i % 150}")
        for i in range(1_200)
    ]
    forwards, backwards = tally(mentions), tally(reversed(mentions))
    assert forwards.dump() == backwards.dump()
    assert len(forwards.sample) == SAMPLE
    halves = tally(mentions[::2])
    halves.merge(tally(mentions[1::2]))
    assert halves.dump() == forwards.dump()


def test_merging_leaves_the_other_as_it_was() -> None:
    later, run = tally(said(i, TEXTS[i % 5]) for i in range(5)), Tally()
    before = later.dump()
    run.merge(later)
    run.add(said(9, TEXTS[0], followers=100))
    assert later.dump() == before


def test_the_size_of_a_great_run_is_bounded() -> None:
    text = " ".join(TEXTS)[:280]
    run = tally(
        said(
            i,
            f"{i * 7919 % 1009} слово{chr(1072 + i % 32)}{chr(1072 + i // 32 % 32)} {text}"[:280],
            followers=i,
            channel=Channel(id=f"c{i}", name="Группа"),
        )
        for i in range(3_000)
    )
    assert len(str(run.dump()).encode()) < 48_000
    assert len(run.channels) <= 128


def test_a_dump_of_the_version_before_is_read() -> None:
    post = ["vk:1", "https://vk.example/1", TEXTS[0], "anna", 12, 0.9]
    old = [3, 5, [[17, 1.5, *post]], {"vk": 3}, [1, 2**63]]
    tally = Tally.load(through_json(old))
    assert (tally.negatives, tally.total, tally.authors.count()) == (3, 5, 2)
    (top,) = tally.top_posts()
    assert (top.post_id, top.followers, top.created_at) == ("vk:1", 12, None)
    assert [(source.source, source.negatives) for source in tally.top_sources()] == [("vk", 3)]
    tally.add(said(2, TEXTS[1], 5))
    assert Tally.load(through_json(tally.dump())).dump() == tally.dump()
    assert explain(tally, WEEK, 1, 0, 1).first_post is not None


def test_near_duplicates_share_a_place_among_the_top_posts() -> None:
    copies = [said(i, f"{TEXTS[0]}!{'!' * i}", followers=10 * i, cluster="vk:1") for i in range(1, 9)]
    found = tally([*copies, said(20, TEXTS[1])])
    assert [post.post_id for post in found.top_posts()] == ["vk:8", "vk:20"]
    assert found.duplicates == 7


def test_followers_of_few_authors_are_summed() -> None:
    authors = Authors()
    for number, followers in ((1, 10), (2, 0), (1, 30), (1, 20)):
        authors.add(number, followers)
    assert (authors.count(), authors.reach()) == (2, 30)


def test_followers_of_many_authors_are_estimated() -> None:
    chance, authors, total = random.Random(4), Authors(), 0
    for _ in range(20 * SKETCH):
        followers = round(chance.lognormvariate(4, 1.5))
        authors.add(chance.getrandbits(64), followers)
        total += followers
    assert abs(authors.count() / (20 * SKETCH) - 1) < 0.2
    assert abs(authors.reach() / total - 1) < 0.35
    assert len(authors.leaders) == LEADERS
    restored = Authors.load(through_json(authors.dump()))
    assert (restored.hashes, restored.leaders) == (authors.hashes, authors.leaders)
