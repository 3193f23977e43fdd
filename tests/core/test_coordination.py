"""Signs of organised waves: invented cases, and CooRTweet's coordinated shares where they are at hand."""

from __future__ import annotations

import csv
import gzip
import os
import random
from itertools import groupby
from pathlib import Path

import pytest

from pipeline.core.coordination import coordination
from pipeline.core.sample import Sample, Sampled, priority
from pipeline.core.sketches import fingerprint
from schemas import Mention
from schemas.spike import Coordination
from tests.core.tally_samples import TEXTS, said, tally

DATA = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[3] / "shared" / "data"))
SHARES = DATA / "coordination" / "russian_coord_tweets.csv.gz"

Share = tuple[int, str, str, str]
"""Second, what is shared, account, id of the sharing post."""


def judged(mentions: list[Mention], usual: float = 1.0) -> Coordination:
    run = tally(mentions)
    return coordination(run.sample, run.negatives, run.authors.count(), usual)


def test_scattered_complaints_are_no_wave() -> None:
    assert judged([said(i, f"{TEXTS[i % 5]} {i}", i) for i in range(40)]) == Coordination()


def test_the_same_text_of_many_accounts_at_once_is_suspected() -> None:
    copies = [said(i, TEXTS[0], i / 20, cluster="vk:0") for i in range(12)]
    found = judged([*copies, *(said(50 + i, f"{TEXTS[1]} {i}", i) for i in range(8))])
    assert found == Coordination(suspected=True, reasons=("copies", "burst"))


@pytest.mark.parametrize("passed_on", [{"kind": "repost"}, {"type": "news"}])
def test_a_headline_that_is_passed_on_is_not(passed_on: dict[str, str]) -> None:
    assert (
        judged([said(i, TEXTS[0], i / 20, cluster="vk:0", **passed_on) for i in range(30)]) == Coordination()
    )
    assert judged([said(i, f"RT @news: {TEXTS[0]}", i / 20, cluster="vk:0") for i in range(30)]).reasons == ()


def test_copies_of_one_account_are_no_agreement() -> None:
    found = judged([said(i, TEXTS[0], i / 20, "flooder", cluster="vk:0") for i in range(12)])
    assert found.reasons == ("few_authors",) and not found.suspected


def test_copies_over_days_are_no_agreement() -> None:
    assert judged([said(i, TEXTS[0], 60 * i, cluster="vk:0") for i in range(30)]) == Coordination()


def test_few_authors_are_judged_against_the_usual() -> None:
    posts = [said(i, f"{TEXTS[i % 5]} {i}", i, account=f"u{i % 6}") for i in range(30)]
    assert judged(posts).reasons == ("few_authors",)
    assert judged(posts, usual=4.0).reasons == ()


def test_young_accounts_need_to_be_known() -> None:
    def posts(age: int | None) -> list[Mention]:
        return [said(i, f"{TEXTS[i % 5]} {i}", i, age_days=age) for i in range(12)]

    assert [judged(posts(age)).reasons for age in (3, 300, None)] == [("young_accounts",), (), ()]


def test_few_mentions_are_not_judged() -> None:
    assert judged([said(i, TEXTS[0], 0, cluster="vk:0") for i in range(9)]) == Coordination()


def verdicts(shares: list[Share], step: int) -> list[Coordination]:
    """Of each hour, or other step, with at least ten shares."""
    found = []
    for _, group in groupby(sorted(shares), key=lambda share: share[0] // step):
        run, sample = list(group), Sample()
        for second, shared, account, post in run:
            one = Sampled(second, shared, fingerprint(account) >> 32, -1, 0, (), ())
            sample.offer(priority(post), lambda one=one: one)  # type: ignore[misc]
        if len(run) >= 10:
            found.append(coordination(sample, len(run), len({share[2] for share in run}), 1.0))
    return found


@pytest.mark.skipif(not SHARES.is_file(), reason=f"no coordinated shares at {SHARES} (set MOLVA_DATA)")
def test_real_coordinated_shares_and_the_same_at_random_times() -> None:
    with gzip.open(SHARES, "rt", encoding="utf-8") as lines:
        shares = [
            (int(row["timestamp_share"]), row["object_id"], row["account_id"], row["content_id"])
            for row in csv.DictReader(lines)
        ]
    real = verdicts(shares, 3_600)
    assert sum("copies" in one.reasons for one in real) > 0.4 * len(real)
    assert sum(one.suspected for one in real) > 0.03 * len(real)
    times = [share[0] for share in shares]
    random.Random(1).shuffle(times)
    shuffled = verdicts([(second, *share[1:]) for second, share in zip(times, shares, strict=True)], 3_600)
    assert not any(one.suspected for one in shuffled)
