"""The words of a post that are counted, and under which stem."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.wave_words import FUNCTION_WORDS, MAX_WORDS, content_words, stem


def test_addresses_handles_and_function_words_are_left_out() -> None:
    text = "RT @petr: Ёлки, это же #сбой на карте!!! www.example.ru/a https://t.co/b &quot;опять&quot;"
    assert content_words(text) == ("елки", "сбой", "карте")


def test_the_object_itself_says_nothing_about_the_wave() -> None:
    assert content_words("У Акме Банка сбой в банке", ["Акме Банка"]) == ("сбой", "банке")


def test_a_negation_belongs_to_its_word() -> None:
    assert content_words("не работает вход, нет связи") == ("не работает", "вход", "нет связи")
    assert content_words("вход не") == ("вход",)


def test_forms_of_a_word_are_one() -> None:
    assert stem("банк") == stem("банка") == stem("банков") == stem("банкам")
    assert stem("не работает") == stem("не работают") != stem("работает")
    assert stem("login") == "login"


@given(st.text(max_size=280), st.lists(st.text(max_size=20), max_size=3))
def test_any_text(text: str, own: list[str]) -> None:
    words = content_words(text, own)
    assert len(words) == len(set(words)) <= MAX_WORDS
    assert all(word.split()[-1] not in FUNCTION_WORDS and "\n" not in word for word in words)
