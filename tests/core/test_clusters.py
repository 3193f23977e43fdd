"""Fingerprints and clusters of near-duplicates: copies with small edits, windows, bounds, timelines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.clusters import WINDOW, Clusters
from pipeline.core.fingerprint import SHORT, SIZE, Fingerprint, alike, fingerprints
from pipeline.core.signals.words import read_words

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CAMPAIGN = (
    "Друзья, банк Ромашка закрывает все отделения и не отдаёт вклады, срочно забирайте деньги, "
    "расскажите всем!"
)
OTHER = "Сегодня в парке у реки прошёл праздник урожая, дети катались на карусели и ели яблоки"


def of(*texts: str) -> list[Fingerprint]:
    return fingerprints(["".join(read_words(text)) for text in texts])


@pytest.mark.parametrize(
    "copy",
    [
        f"RT @someone: {CAMPAIGN} https://t.co/abc",
        CAMPAIGN.upper(),
        CAMPAIGN.replace("срочно", "бегом"),
        CAMPAIGN.replace("а", "a").replace("о", "o"),  # Latin letters that look alike
        f"Ужас какой. {CAMPAIGN}",
        CAMPAIGN.removesuffix(", расскажите всем!"),
    ],
)
def test_copies_with_small_edits_are_alike(copy: str) -> None:
    original, copied = of(CAMPAIGN, copy)
    assert alike(original, copied)


def test_different_texts_are_not_alike() -> None:
    first, second = of(CAMPAIGN, OTHER)
    assert not alike(first, second)
    assert len(first) == len(second) == SIZE


def test_short_texts_are_compared_exactly() -> None:
    same, again, differs, nothing = of(
        "Карта не работает", "карта НЕ работает!!!", "карта не работала", "12 :)"
    )
    assert same == again
    assert not alike(same, differs)
    assert nothing == ()
    assert not alike(nothing, nothing)


def test_fingerprints_are_part_of_the_contract() -> None:
    """A change here changes stored data: rows of before and after cannot be compared."""
    exact, sketch = fingerprints(["картанеработает", "банкромашказакрываетвсеотделения"])
    assert exact == (962170975, 4193960297)
    assert sketch[:3] == (226326843, 525163188, 840504246)


@given(st.lists(st.text(st.characters(categories=["L"]), max_size=60), max_size=8))
def test_the_batch_does_not_matter(texts: list[str]) -> None:
    together = fingerprints(texts)
    assert together == [fingerprints([text])[0] for text in texts]
    for text, found in zip(texts, together, strict=True):
        assert len(found) <= SIZE
        assert all(0 <= number < 2**32 for number in found)
        assert len(set(found)) == len(found) or len(text) < SHORT
        assert bool(found) == bool(text)


def test_the_cluster_is_named_by_its_first_post() -> None:
    clusters = Clusters()
    first, retweet, other = of(CAMPAIGN, f"RT @x: {CAMPAIGN}", OTHER)
    assert clusters.assign("vk:1", "live", T0, first) == "vk:1"
    assert clusters.assign("vk:2", "live", T0, other) == "vk:2"
    assert clusters.assign("vk:3", "live", T0 + timedelta(hours=1), retweet) == "vk:1"
    assert clusters.assign("vk:3", "live", T0 + timedelta(hours=1), retweet) == "vk:1"  # redelivered
    assert clusters.assign("vk:4", "live", T0, ()) == ""
    assert clusters.assign("vk:5", "replay:file", T0, first) == "vk:5"


def test_the_window_slides_with_the_newest_post() -> None:
    clusters = Clusters()
    (text,) = of(CAMPAIGN)
    assert clusters.assign("a", "live", T0, text) == "a"
    assert clusters.assign("b", "live", T0 + WINDOW, text) == "a"
    assert clusters.assign("c", "live", T0 + 2 * WINDOW, text) == "a"
    assert clusters.assign("late", "live", T0 + WINDOW, text) == "a"
    after = T0 + 3 * WINDOW + timedelta(seconds=1)
    assert clusters.assign("d", "live", after, text) == "d"
    assert clusters.assign("e", "live", after, text) == "d"


def test_memory_is_bounded_and_what_is_seen_stays() -> None:
    clusters = Clusters(max_clusters=3)
    popular = (1, 2, 3, 4, 5)
    assert clusters.assign("popular", "live", T0, popular) == "popular"
    for number in range(10, 100, 10):
        clusters.assign(str(number), "live", T0, tuple(range(number, number + 5)))
        assert clusters.assign("again", "live", T0, popular) == "popular"
        assert len(clusters) <= 3
    assert clusters.assign("forgotten", "live", T0, (10, 11, 12, 13, 14)) == "forgotten"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200)), max_size=40))
def test_the_same_stream_gives_the_same_clusters(stream: list[tuple[int, int]]) -> None:
    texts = [tuple(range(start, start + 6)) for start in range(0, 18, 3)]

    def run() -> list[str]:
        clusters = Clusters(max_clusters=4)
        return [
            clusters.assign(str(index), "live", T0 + timedelta(hours=hours), texts[text])
            for index, (text, hours) in enumerate(stream)
        ]

    names = run()
    assert names == run()
    assert all(int(name) <= index for index, name in enumerate(names))
