"""Pieces, words and units: what the fast sentiment tier makes of a text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.nlp import fast_tokens
from pipeline.nlp.fast_pieces import PIECE, WORD, normal
from pipeline.nlp.fast_tokens import Tokens, marked
from pipeline.nlp.fast_words import BITS, Words, buckets, hash_words
from pipeline.nlp.tiers import Question


def cut(words: Words, *questions: Question) -> Tokens:
    texts = [marked(question) for question in questions]
    numbers = fast_tokens.cut(words, texts)
    words.learn()
    return fast_tokens.place(words, numbers, len(texts))


def keys(text: str) -> list[str]:
    words = Words()
    tokens = cut(words, Question(text))
    known = list(words.numbers)
    return [known[number].key for number in tokens.words]


def near(text: str, target: str) -> list[str]:
    words = Words()
    start = text.index(target)
    tokens = cut(words, Question(text, [(start, start + len(target))]))
    units, _ = fast_tokens.near_object(words, tokens)
    known = list(words.numbers)
    return [known[number].key for number in sorted(units.values)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Всё ПЛОХО", ["все", "плохо"]),
        ("см. http://t.co/abc и www.site.ru", ["см", ".", "<url>", "и", "<url>"]),
        ("@user привет #Сбербанк", ["<handle>", "привет", "сбербанк"]),
        ("RT @user: текст", ["<handle>", "текст"]),
        ("оооочень круто", ["очень", "круто"]),
        ("123 руб. 4,5%", ["<number>", "руб", ".", "<number>"]),
        ("ура))) :-) =)", ["ура", "<smile>", "<smile>", "<smile>"]),
        ("жаль (((", ["жаль", "<frown>"]),
        ("жаль(", ["жаль", "<frown>"]),
        ("да) (нет)", ["да", "<smile>", "нет", "<smile>"]),
        ("(да)", ["да"]),
        ("👍🏽", ["<👍>"]),
        ("что?! ну...", ["что", "!?", "ну", "..."]),
        ("х*й и бл@ть", ["хуй", "и", "блять"]),
        ("пи3дец", ["пиздец"]),
        ("spasibo, ne rabotaet", ["спасибо", ",", "не", "работает"]),
        ("Cбep", ["сбер"]),
        ("", []),
    ],
)
def test_pieces(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("piece", "marks"),
    [("ПЛОХО", ("<caps>",)), ("оооочень", ("<long>",)), ("х*й", ("<masked>",)), ("👍", ("<good>",))],
)
def test_what_is_said_besides_the_word(piece: str, marks: tuple[str, ...]) -> None:
    assert normal(piece).marks == marks


def test_a_bracket_counts_in_its_own_text_only() -> None:
    words = Words()
    tokens = cut(words, Question("(да"), Question("нет)"), Question("(и)"))
    known = list(words.numbers)
    found = [(known[number].key, int(text)) for number, text in zip(*tokens, strict=True)]
    assert found == [("<frown>", 0), ("да", 0), ("нет", 1), ("<smile>", 1), ("и", 2)]


def test_an_address_at_the_end_does_not_join_two_texts() -> None:
    tokens = cut(Words(), Question("раз http://t.co/x"), Question("два"))
    assert tokens.texts.tolist() == [0, 0, 1]


def test_each_mention_is_masked_once() -> None:
    assert marked(Question("Альфа банк и Альфа-Банк", [(13, 23), (0, 10)])) == "\x01 и \x01"


def test_marks_in_the_text_are_no_objects() -> None:
    assert marked(Question("а\x00б\x01в")) == "а б в"


def test_near_ends_at_a_contrast() -> None:
    text = "Альфа отличная, а ВТБ ужасный"
    assert near(text, "Альфа") == ["отличная", ","]
    assert near(text, "ВТБ") == ["ужасный"]


def test_near_ends_at_the_end_of_a_sentence() -> None:
    assert near("Дождь идёт. Лютик радует! Завтра снег", "Лютик") == ["радует", "!"]


def test_repetition_adds_nothing() -> None:
    words = Words()
    tokens = cut(words, Question("банк плохой " * 2), Question("банк плохой " * 50))
    units, pairs = fast_tokens.of_text(words, tokens)
    assert np.bincount(units.texts).tolist() == [2, 2]
    assert len(set(np.bincount(pairs.texts).tolist())) == 1


def test_a_negation_changes_pairs_but_not_words() -> None:
    words = Words()
    tokens = cut(words, Question("очень хороший банк"), Question("не очень хороший банк"))
    units, pairs = fast_tokens.of_text(words, tokens)
    plain, negated = (set(units.values[units.texts == text].tolist()) for text in (0, 1))
    assert plain < negated
    alone, felt = (set(pairs.values[pairs.texts == text].tolist()) for text in (0, 1))
    assert felt - alone
    assert alone - felt


def test_a_long_text_is_cut_around_the_object() -> None:
    text = "а " * 20_000 + "Сбербанк" + " б" * 20_000
    cut_, spans = fast_tokens.excerpt(text, [(40_000, 40_008)])
    assert len(cut_) <= fast_tokens.MAX_CHARS
    assert [cut_[start:end] for start, end in spans] == ["Сбербанк"]


def test_features_are_the_same_on_every_machine() -> None:
    assert buckets(hash_words(["да", "<url>", ""])).tolist() == STABLE


STABLE = [366372, 611407, 306587]


@given(st.lists(st.tuples(st.text(st.characters(), max_size=300), st.integers(0, 300), st.integers(0, 20))))
def test_any_batch(rows: list[tuple[str, int, int]]) -> None:
    words = Words()
    tokens = cut(words, *(Question(text, [(start, start + size)]) for text, start, size in rows))
    assert (np.diff(tokens.texts) >= 0).all()
    assert ((tokens.texts >= 0) & (tokens.texts < max(1, len(rows)))).all()
    for units, limit in zip(
        (*fast_tokens.of_text(words, tokens), *fast_tokens.near_object(words, tokens)),
        (len(words.kinds), 1 << BITS) * 2,
        strict=True,
    ):
        assert ((units.values >= 0) & (units.values < limit)).all()
        assert (np.diff(units.texts) >= 0).all()


@given(st.text(min_size=1))
def test_a_word_is_the_same_alone_and_among_others(text: str) -> None:
    assert hash_words([text])[0] == hash_words(["раз", text, "два"])[1]
    for piece in PIECE.findall(text):
        found = normal(piece)
        assert found.key or not found.kind & WORD
