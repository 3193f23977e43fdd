"""What the strong tier reads: pieces, the marks of the object, shortened links and handles, long texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from pipeline.nlp.strong.encoding import MAX_CHARS, MAX_PIECES, Encoder, Pieces
from pipeline.nlp.tiers import Question

WORDS = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "банк",
    "ромашка",
    "опять",
    "лежит",
    "http",
    "@",
    "user",
    "|",
    "лютик",
]


@pytest.fixture(scope="module")
def encode() -> Encoder:
    tokenizer = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return Encoder(tokenizer)


def words(pieces: Pieces) -> list[str]:
    return [WORDS[index] for index in pieces.ids]


def marked(pieces: Pieces) -> list[str]:
    return [WORDS[index] for index, mark in zip(pieces.ids, pieces.marks, strict=True) if mark]


def ask(text: str, *names: str) -> Question:
    return Question(text, [(text.index(name), text.index(name) + len(name)) for name in names])


def test_the_object_is_marked(encode: Encoder) -> None:
    (pieces,) = encode([ask("банк ромашка опять лежит", "ромашка")])
    assert words(pieces) == ["<s>", "банк", "ромашка", "опять", "лежит", "</s>"]
    assert pieces.marks == [0, 0, 1, 0, 0, 0]


def test_every_place_of_the_object_is_marked(encode: Encoder) -> None:
    (pieces,) = encode([Question("ромашка лежит опять ромашка", [(0, 7), (20, 27)])])
    assert pieces.marks == [0, 1, 0, 0, 1, 0]


def test_an_object_that_is_not_in_the_text_is_named_before_it(encode: Encoder) -> None:
    (pieces,) = encode([Question("опять лежит", (), "ромашка")])
    assert words(pieces) == ["<s>", "ромашка", "|", "опять", "лежит", "</s>"]
    assert marked(pieces) == ["ромашка"]


def test_whole_texts_have_no_mark(encode: Encoder) -> None:
    (pieces,) = encode([Question("опять лежит")])
    assert sum(pieces.marks) == 0


def test_links_and_strangers_are_shortened_and_marks_stay_on_the_object(encode: Encoder) -> None:
    text = "@somebody опять https://example.org/a?b ромашка лежит www.example.org"
    (pieces,) = encode([ask(text, "ромашка")])
    assert words(pieces)[1:-1] == ["@", "user", "опять", "http", "ромашка", "лежит", "http"]
    assert marked(pieces) == ["ромашка"]


def test_a_handle_that_is_the_object_is_kept(encode: Encoder) -> None:
    (pieces,) = encode([ask("опять @ромашка лежит", "@ромашка")])
    assert marked(pieces) == ["@", "ромашка"]


def test_half_a_character_is_no_obstacle(encode: Encoder) -> None:
    (pieces,) = encode([ask("\ud800 ромашка лежит", "ромашка")])
    assert marked(pieces) == ["ромашка"]


def test_of_a_long_text_the_part_around_the_object_is_read(encode: Encoder) -> None:
    text = "банк " * 400 + "ромашка лежит " + "банк " * 400
    (pieces,) = encode([ask(text, "ромашка")])
    assert len(pieces.ids) <= MAX_PIECES
    assert marked(pieces) == ["ромашка"]
    assert "лежит" in words(pieces)


@given(
    st.text(alphabet="банкромшл @/:.wht", max_size=3 * MAX_CHARS),
    st.data(),
)
def test_any_text_and_place_give_pieces_of_one_length(text: str, data: st.DataObject) -> None:
    tokenizer = Tokenizer(
        models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    (pieces,) = Encoder(tokenizer)([Question(text, [(start, end)])])
    assert 2 <= len(pieces.ids) == len(pieces.marks) <= MAX_PIECES
    assert (pieces.ids[0], pieces.ids[-1], pieces.marks[0], pieces.marks[-1]) == (0, 2, 0, 0)
    if text[start:end].strip() == text[start:end] != "" and not set(text) & set("@/:.w"):
        assert sum(pieces.marks) >= 1
