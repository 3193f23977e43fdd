"""Cleaning: what changes, what stays, and that every character leads back to where it came from."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.text import clean

PIECES = st.sampled_from(
    [
        "http://t.co/x",
        "www.a.ru",
        "«",
        "👨\u200d👩",
        "\xa0",
        "é",
        "Сбер",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\x00",
        "\u200b",
        "\u0301",
        "и\u0306",
        "&amp;",
        "&#0;",
        "&#1;",
        "&nbsp;",
        "😀",
        "\ud800",
    ]
)
TEXTS = st.lists(PIECES | st.characters(), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("как есть, @user #тег 😀!", "как есть, @user #тег 😀!"),
        ("Сбер\x00банк", "Сбербанк"),
        ("a \x00 b", "a b"),
        ("  много \t пробелов  ", "много пробелов"),
        ("строка\r\n\r\n вторая", "строка\nвторая"),
        ("не\xa0рвать", "не рвать"),
        ("смотри http://t.co/abc?x=1 сюда", "смотри сюда"),
        ("http://t.co/abc", ""),
        ("слипсяhttp://t.co/abc", "слипся"),
        ("(www.example.org)", "( )"),
        ("см. http://t.co/x.", "см. ."),
        ("H&amp;M &quot;тест&quot; &lt;b&gt;", 'H&M "тест" <b>'),
        ("за\u0301мок и Йод: И\u0306од", "замок и Йод: Йод"),
        ("cafe\u0301", "café"),
        ("\ud800 битый", "\ufffd битый"),
        ("👨\u200d👩\u200d👧 семья", "👨\u200d👩\u200d👧 семья"),
        ("сбер\u00adбанк\u200b", "сбербанк"),
        ("a&nbsp; &#32;b", "a b"),
        ("https://t.co/x\u0301 b", "b"),
        ("", ""),
        ("\x00\x01", ""),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text).text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a http://t.co/x b", "a URL b"), ("http://t.co/x b", "URL b"), ("b\nhttp://t.co/x", "b URL")],
)
def test_an_address_can_be_replaced_by_a_word(text: str, expected: str) -> None:
    assert clean(text, url="URL").text == expected


def test_offsets_lead_back_over_everything_that_changed() -> None:
    text = "\x00 Сбер\u200bбанк  http://t.co/x  &quot;МТС&quot;"
    cleaned = clean(text)
    for word, original in (("Сбербанк", "Сбер\u200bбанк"), ('"МТС"', "&quot;МТС&quot;"), ("МТС", "МТС")):
        start = cleaned.text.index(word)
        begin, end = cleaned.offsets.original(start, start + len(word))
        assert text[begin:end] == original


@given(TEXTS)
def test_the_result_is_clean(text: str) -> None:
    cleaned = clean(text).text
    cleaned.encode()  # no lone surrogates
    assert "\x00" not in cleaned
    assert "  " not in cleaned


@given(TEXTS)
def test_every_character_comes_from_where_the_offsets_say(text: str) -> None:
    cleaned = clean(text)
    end_before = 0
    for index, char in enumerate(cleaned.text):
        begin, end = cleaned.offsets.original(index, index + 1)
        assert end_before <= begin < end <= len(text) or cleaned.offsets.original(index - 1, index) == (
            begin,
            end,
        )
        end_before = end
        source = text[begin:end]
        assert char in source or source.isspace() or "&" in source or len(source) > 1 or _is_surrogate(source)


@given(st.text(st.sampled_from("абв ,.!?😀@#"), max_size=60).map(lambda text: " ".join(text.split())))
def test_a_clean_text_is_not_touched(text: str) -> None:
    assert clean(text).text == text
    assert clean(text).offsets.original(0, 1) == (0, 1)


def _is_surrogate(char: str) -> bool:
    return unicodedata.category(char) == "Cs"
