"""What explains a run: distinctive words and names, authors, waves of copies, the first and typical posts."""

from __future__ import annotations

import pytest

from pipeline.core.background import Background
from pipeline.core.explanation import REPRESENTATIVE, SIGNIFICANT, TERMS, explain
from pipeline.core.sample import SAMPLE
from pipeline.core.tally import Tally
from schemas import Span
from schemas.post import Channel
from schemas.spike import Coordination, Explanation
from tests.core.tally_samples import TEXTS, learned, said, tally

WEEK = learned(7, per_hour=2)
OUTAGE = (
    "Приложение не пускает после обновления",
    "После обновления приложения вход не работает",
    "Обновление сломало вход, код не приходит",
)


def outage(count: int = 30) -> Tally:
    """A wave about an update, its posts a minute after each other."""
    return tally(
        said(
            i,
            f"{OUTAGE[i % 3]}, {('утро', 'вечер', 'обед', 'ночь')[i % 4]}",
            i,
            followers=i,
            aspects=("app",),
            names=("Роскомнадзор",) if i % 3 == 0 else (),
            channel=Channel(id=f"c{i % 2}", name="Отзывы"),
        )
        for i in range(count)
    )


def test_words_that_stand_out_against_the_week() -> None:
    found = explain(outage(), WEEK, 1, 0.4, 6)
    words = {term.text: term for term in found.words}
    assert "обновления" in words, "the commonest form of its stem"
    assert words["обновления"].posts == 30 and words["обновления"].expected == 0
    assert all(term.z > SIGNIFICANT for term in found.words) and len(found.words) <= TERMS
    assert [term.z for term in found.words] == sorted((term.z for term in found.words), reverse=True)
    assert [(term.text, term.posts) for term in found.names] == [("Роскомнадзор", 10)]
    assert (found.expected_low, found.expected_high) == (0.4, 6)


def test_ordinary_talk_has_no_words_of_its_own() -> None:
    usual = tally(said(i, TEXTS[i % 5], i) for i in range(25))
    found = explain(usual, WEEK, 12, 0, 60)
    assert found.words == () and found.names == ()
    assert found.activation == pytest.approx(25 / 24, rel=0.1)


def test_a_word_of_two_posts_says_nothing() -> None:
    rare = tally([*(said(i, TEXTS[i % 5]) for i in range(20)), *(said(30 + i, "Пожар") for i in range(2))])
    assert "пожар" not in {term.text for term in explain(rare, WEEK, 1, 0, 1).words}


def test_the_object_is_not_a_word_of_its_own_wave() -> None:
    span = Span(start=0, end=4, text="Акме", alias="Акме", rule="alias")
    run = tally(said(i, f"Акме {OUTAGE[i % 3]}", spans=(span,)) for i in range(20))
    assert "акме" not in {term.text for term in explain(run, WEEK, 1, 0, 1).words}


def test_authors_reach_channels_and_aspects() -> None:
    found = explain(outage(), WEEK, 1, 0, 6)
    assert found.expected_authors == pytest.approx(2, rel=0.05)
    assert found.activation == pytest.approx(15, rel=0.05)
    assert found.reach == sum(range(30))
    assert [(one.channel, one.name, one.negatives) for one in found.channels] == [
        ("vk:c0", "Отзывы", 15),
        ("vk:c1", "Отзывы", 15),
    ]
    assert [(one.aspect, one.negatives) for one in found.aspects] == [("app", 30)]


def test_without_a_baseline_nothing_is_compared() -> None:
    found = explain(outage(), Background(), 1, 0, 6)
    assert (found.activation, found.expected_authors, found.words) == (None, 0, ())
    assert found.first_post is not None and found.representative


def test_nothing_explains_an_empty_run() -> None:
    assert explain(Tally(), Background(), 1, 0, 0) == Explanation()


def test_the_first_post_is_the_first_of_the_largest_wave() -> None:
    scattered = [said(i, f"{TEXTS[i % 5]} {chr(1072 + i)}", i) for i in range(4)]
    wave = [said(10 + i, OUTAGE[0], 10 + i, cluster="vk:10") for i in range(8)]
    found = explain(tally([*reversed(wave), *scattered]), WEEK, 1, 0, 6)
    assert found.first_post is not None and found.first_post.post_id == "vk:10"
    assert [(one.cluster, one.posts, one.authors) for one in found.clusters] == [("vk:10", 8, 8)]
    assert found.duplicate_share == pytest.approx(7 / 12, abs=0.001)


def test_the_first_post_of_talk_without_copies_is_the_earliest() -> None:
    run = tally(said(i, f"{TEXTS[i % 5]} {chr(1072 + i)}", 60 - i) for i in range(12))
    found = explain(run, WEEK, 1, 0, 6)
    assert found.first_post is not None and found.first_post.post_id == "vk:11"


def test_representative_posts_say_what_most_say() -> None:
    odd = [said(90 + i, text, followers=10**6) for i, text in enumerate(TEXTS[1:4])]
    run = outage()
    run.merge(tally(odd))
    found = explain(run, WEEK, 1, 0, 6)
    assert len(found.representative) == REPRESENTATIVE
    assert "бновлени" in found.representative[0].excerpt
    assert len({post.post_id for post in found.representative}) == REPRESENTATIVE


def test_a_run_that_is_larger_than_the_sample_is_estimated() -> None:
    run = outage(20 * SAMPLE)
    found = explain(run, WEEK, 1, 0, 6)
    words = {term.text: term.posts for term in found.words}
    assert words["обновления"] == run.negatives
    (name,) = found.names
    assert name.posts == pytest.approx(run.negatives / 3, rel=0.4)
    assert found.coordination == Coordination()
