"""Language identification on short posts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.language import detect_language
from tests.core.language_samples import SAMPLES


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Сбербанк", "ru"),
        ("Нет", "ru"),
        ("Карта снова не работает, спасибо!", "ru"),
        ("RT @user: съездил в офис http://t.co/x", "ru"),
        ("перешёл на iPhone и доволен", "ru"),
        ("приложение beeline для android", "ru"),
        ("итоги за 2-й квартал, Мастер-Б", "ru"),
        ("#билайн", "ru"),
        ("privet, u menya ne rabotaet internet", "ru"),
        ("Дякую, все працює", "uk"),
        ("Як справи?", "uk"),
        ("В мене буде нова картка", "uk"),
        ("Я не розумію, чому банк не працює", "uk"),
        ("Дзякуй, усё працуе добра", "be"),
        ("Гэта не працуе", "be"),
        ("Мне трэба дапамога ў банку", "be"),
        ("Рахмет, бәрі жақсы", "kk"),
        ("Менің картам жұмыс істемейді", "kk"),
        ("thanks, it works great for me", "en"),
        ("Bank of Moscow is closed, why?", "en"),
        ("I don’t like this bank", "en"),
        ("Das ist nicht gut, die Bank ist zu", "und"),
        ("Шта радиш, љубави", "und"),
        ("中文 银行", "und"),
        ("😀😀", "und"),
        ("http://t.co/x", "und"),
        ("12 345,67", "und"),
        ("iPhone 6", "und"),
        ("", "und"),
    ],
)
def test_detect_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@given(st.text(st.characters(), max_size=200))
def test_any_text_has_a_language_of_the_list(text: str) -> None:
    assert detect_language(text) in {"ru", "uk", "be", "kk", "en", "und"}


def test_a_long_text_is_judged_by_its_beginning() -> None:
    assert detect_language("Это по-русски. " * 200 + "This is the end of it. " * 10_000) == "ru"


@pytest.mark.parametrize(
    ("language", "least"), [("ru", 0.93), ("uk", 0.7), ("be", 0.6), ("kk", 0.9), ("en", 0.9), ("und", 0.55)]
)
def test_short_posts_that_nothing_was_tuned_on(language: str, least: float) -> None:
    held_out = SAMPLES[language][1::2]
    assert len(held_out) >= 29
    assert sum(detect_language(text) == language for text in held_out) >= least * len(held_out)


@pytest.mark.parametrize(
    "text", ["банк", "слава билайну", "база мтс", "Мы одна большая семья!", "будь здорова"]
)
def test_words_that_neighbours_share_are_russian(text: str) -> None:
    assert detect_language(text) == "ru"
