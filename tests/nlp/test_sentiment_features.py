"""Tokens, masks and hashed features of the sentiment model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.nlp import features
from pipeline.nlp.features import OBJECT, mask, near, tokenize


def keys(text: str) -> list[str]:
    return [token.key for token in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Всё ПЛОХО", ["все", "<caps>", "плохо"]),
        ("см. http://t.co/abc и www.site.ru", ["см", ".", "<url>", "и", "<url>"]),
        ("@user привет #Сбербанк", ["<handle>", "привет", "сбербанк"]),
        ("RT @user: текст", ["<handle>", "текст"]),
        ("оооочень круто", ["<long>", "очень", "круто"]),
        ("123 руб. 4,5%", ["<number>", "руб", ".", "<number>"]),
        ("ура))) :-) =)", ["ура", "<smile>", "<smile>", "<smile>"]),
        ("жаль (((", ["жаль", "<frown>"]),
        ("да) (нет)", ["да", "<smile>", "нет", "<smile>"]),
        ("(да)", ["да"]),
        ("👍🏽", ["<good>", "<👍>"]),
        ("🦄", ["<🦄>"]),
        ("что?! ну...", ["что", "!?", "ну", "..."]),
        ("х*й и бл@ть", ["х*й", "и", "бл@ть"]),
        ("", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("не нравится", ["не", "не_нравится"]),
        ("не очень хороший банк", ["не", "очень", "не_хороший", "банк"]),
        ("без проблем", ["без", "не_проблем"]),
        ("не, хороший", ["не", ",", "хороший"]),
    ],
)
def test_negation(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


def test_offsets_point_at_the_words() -> None:
    text = "Ужасный, ужасный Банк!"
    assert [text[token.start : token.end] for token in tokenize(text)] == [
        "Ужасный",
        ",",
        "ужасный",
        "Банк",
        "!",
    ]


def test_each_mention_is_masked_once() -> None:
    text = "Альфа банк и Альфа-Банк"
    tokens = mask(tokenize(text), [(0, 10), (13, 23)])
    assert [token.key for token in tokens] == [OBJECT, "и", OBJECT]


def test_neighbouring_mentions_stay_two() -> None:
    tokens = mask(tokenize("МТС Билайн"), [(0, 3), (4, 10)])
    assert [token.key for token in tokens] == [OBJECT, OBJECT]


def test_near_ends_at_a_contrast() -> None:
    text = "Альфа отличная, а ВТБ ужасный"
    of_alfa = mask(tokenize(text), [(0, 5)])
    of_vtb = mask(tokenize(text), [(18, 21)])
    assert [of_alfa[index].key for index in near(of_alfa)] == ["отличная", ","]
    assert [of_vtb[index].key for index in near(of_vtb)] == ["ужасный"]


def test_repetition_adds_nothing() -> None:
    once, often = tokenize("банк плохой"), tokenize("банк плохой " * 50)
    assert set(features.units(once)[0]) == set(features.units(often)[0])


def test_a_long_text_is_cut_around_the_object() -> None:
    text = "а " * 20_000 + "Сбербанк" + " б" * 20_000
    cut, spans = features.excerpt(text, [(40_000, 40_008)])
    assert len(cut) <= features.MAX_CHARS
    assert [cut[start:end] for start, end in spans] == ["Сбербанк"]


def test_features_are_the_same_on_every_machine() -> None:
    assert features.features("<url>") == [242938]
    assert features.features("да")[:3] == [403992, 36679, 402007]


@given(st.text(st.characters(), max_size=300), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300))))
def test_any_text_has_tokens_in_order(text: str, places: list[tuple[int, int]]) -> None:
    tokens = tokenize(text)
    assert all(0 <= token.start < token.end <= len(text) and token.key for token in tokens)
    assert [token.start for token in tokens] == sorted(token.start for token in tokens)
    masked = mask(tokens, places)
    assert all(0 <= index < len(masked) and masked[index].key != "" for index in near(masked))
    for token in masked:
        assert all(0 <= bucket < 1 << features.BITS for bucket in features.features(token.key))
