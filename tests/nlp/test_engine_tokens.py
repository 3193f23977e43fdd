"""The engine's words and sentences are razdel's."""

from __future__ import annotations

import razdel
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.nlp.engine import tokens
from pipeline.nlp.engine.tokens import MAX_PIECES, Words, places, sentences

TRICKY = st.text(
    st.sampled_from(list("аЯёbZ19٣ \n\t.,/\\-–‑_—!?…:;()[]*«»\"'#@%😀ΔßİK禁\x00\u200b\x1c\xa0№")), max_size=25
)
TRICKY_PIECES = """
ст. 129 ч. 2 т.д. т. е. г. И.И. Иванов Петров (см. рис.) 3,5 3 ,5 5- -ти а- -б :-) =((( ;) yahoo! Yahoo
... ?! *** -- «Да». «Нет!» 1. 2) II. а) http://t.co/Ab1_c-2 @user_name #тег 12:30 10/12 мβж 1-я
"""
PIECES = st.sampled_from(TRICKY_PIECES.split())
POSTS = st.one_of(TRICKY, st.lists(PIECES, max_size=12).map(" ".join))


@given(st.one_of(POSTS, st.text(max_size=60)))
@settings(max_examples=1_500, deadline=None)
def test_words_are_those_of_razdel(text: str) -> None:
    words = Words().cut(text)
    expected = list(razdel.tokenize(text))
    assert words == [token.text for token in expected]
    assert places(text, words) == [(token.start, token.stop) for token in expected]


@given(st.lists(TRICKY, min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_words_do_not_depend_on_what_was_cut_before(texts: list[str]) -> None:
    words = Words()
    for text in texts + texts:
        assert words.cut(text) == [token.text for token in razdel.tokenize(text)]


@given(st.one_of(POSTS, st.text(max_size=60)).filter(bool))
@settings(max_examples=1_500, deadline=None)
def test_sentences_are_those_of_razdel(text: str) -> None:
    assert sentences(text) == [(sentence.start, sentence.stop) for sentence in razdel.sentenize(text)]


def test_a_full_memory_is_no_error() -> None:
    words = Words()
    known = vars(words)["_known"]
    for number in range(MAX_PIECES + 10):
        words.cut(f"a{number}")
    assert len(known) <= MAX_PIECES
    assert words.cut("a1 a2") == ["a1", "a2"] or words.cut("a1 a2") == ["a", "1", "a", "2"]


def test_long_pieces_are_not_remembered() -> None:
    words = Words()
    assert words.cut("ж" * (tokens.MAX_PIECE_CHARS + 1)) == ["ж" * (tokens.MAX_PIECE_CHARS + 1)]
    assert not vars(words)["_known"]
