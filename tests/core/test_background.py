"""What an object's last week is like: learned by the hour, forgotten, never moved far by one wave."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.background import NAMES, POST, WORDS, Background
from pipeline.core.tally import Tally
from pipeline.core.wave_words import stem
from tests.core.tally_samples import TEXTS, learned, random_mentions, said, tally, through_json


def test_nothing_is_usual_before_a_day() -> None:
    background = Background()
    for hour in range(23):
        background.learn(tally([said(hour, TEXTS[0])]))
    assert not background.ready and background.usual_authors(3) == 0
    background.learn(Tally())
    assert background.ready and background.usual_authors(1) == pytest.approx(23 / 24, rel=0.01)


def test_authors_of_an_hour_and_of_a_day() -> None:
    background = Background()
    for hour in range(24 * 7):
        background.learn(tally(said(10 * hour + i, TEXTS[0], account=f"u{i}") for i in range(6)))
    assert background.usual_authors(1) == pytest.approx(6, rel=0.02)
    assert background.usual_authors(0.5) == pytest.approx(3, rel=0.02)
    assert background.usual_authors(24) == pytest.approx(6, rel=0.02), "the same six come back"
    assert background.usual_negatives(24) == pytest.approx(144, rel=0.02)


def test_half_a_week_is_forgotten_in_seven_days() -> None:
    background = learned(7)
    before = background.words.get(stem("приложение"))
    for _ in range(24 * 7):
        background.learn(Tally())
    after = background.words.get(stem("приложение"))
    assert after == pytest.approx(before / 2, rel=0.1)


def test_a_wave_moves_it_little() -> None:
    background = learned(7, per_hour=2)
    usual = background.usual_authors(1)
    for hour in range(6):
        background.learn(tally(said(10_000 * hour + i, "Утечка базы клиентов") for i in range(300)))
    assert background.usual_authors(1) < 1.15 * usual
    assert background.words.get(stem("утечка")) < 0.2 * background.negatives


def test_its_size_is_bounded() -> None:
    background = Background()
    for hour in range(24 * 8):
        posts = [
            said(
                100 * hour + i, f"{chr(1072 + hour % 32)}{chr(1072 + i)}слово общее", names=(f"И{hour} {i}",)
            )
            for i in range(20)
        ]
        background.learn(tally(posts))
    assert len(background.words.weights) <= 2 * WORDS and len(background.names.weights) <= 2 * NAMES
    assert background.words.get("никогда") == background.words.floor
    assert background.words.get(stem("общее")) > 100 * POST
    assert len(json.dumps(background.dump(), ensure_ascii=False).encode()) < 20_000


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_a_dump_loses_nothing(seed: int) -> None:
    background = Background()
    for number in range(60):
        background.learn(tally(random_mentions(seed, number % 5)))
    restored = Background.load(through_json(background.dump()))
    assert restored.dump() == background.dump()
    for one in (background, restored):
        one.learn(tally(random_mentions(seed, 9)))
    assert restored.dump() == background.dump()
