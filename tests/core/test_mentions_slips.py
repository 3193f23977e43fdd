"""The rules of hidden names one by one: errors of hearing and typing, layouts, signs, rows of words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.fold import skeleton
from pipeline.core.layout import in_latin, in_russian, is_russian
from pipeline.core.mentions import Matcher
from pipeline.core.misspelling import is_slip, sound, sounds_alike
from pipeline.core.vocabulary import Segmenter
from pipeline.core.watchlist_yaml import parse_watchlist
from pipeline.nlp.inflection import Inflector

INFLECTOR = Inflector()
SEGMENTER = Segmenter(INFLECTOR)
NAME = "ростелеком"
FIND = Matcher(
    parse_watchlist("- {id: one, kind: brand, name: А, aliases: [Ростелеком, Мегафон, Сбер, Tele2]}"),
    INFLECTOR.forms,
    INFLECTOR,
).find


def rules(text: str) -> list[str]:
    return [match.rule for match in FIND(text)]


@pytest.mark.parametrize(
    ("written", "name", "usual", "careful"),
    [
        ("мегафан", "мегафон", True, True),  # heard
        ("мегавон", "мегафон", True, True),
        ("мегаффон", "мегафон", True, True),  # doubled
        ("мегафно", "мегафон", True, True),  # swapped
        ("мегафрн", "мегафон", True, False),  # the next key
        ("мегафн", "мегафон", True, False),  # dropped
        ("мегафоно", "мегафон", False, False),  # another ending
        ("мегафо", "мегафон", False, False),
        ("егафон", "мегафон", False, False),
        ("метафон", "мегафон", False, False),
        ("билаен", "билаин", True, True),
        ("булаин", "билаин", False, False),  # a short name: no other keys
        ("бмлаин", "билаин", False, False),
        ("мегоффан", "мегафон", False, False),
    ],
)
def test_one_error(written: str, name: str, usual: bool, careful: bool) -> None:
    assert is_slip(written, name) is usual
    assert is_slip(written, name, careful=True) is careful


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [("мигоффан", "мегафон", True), ("тенькоф", "тинькофф", True), ("мегапон", "мегафон", False)],
)
def test_any_number_of_errors_of_hearing(written: str, name: str, expected: bool) -> None:
    assert sounds_alike(skeleton(written), sound(skeleton(written)), skeleton(name)) is expected


@given(st.integers(0, len(NAME) - 2))
def test_two_swapped_letters(at: int) -> None:
    assert rules(NAME[:at] + NAME[at + 1] + NAME[at] + NAME[at + 2 :]) == ["misspelled"]


@given(st.integers(1, len(NAME) - 2))
def test_a_dropped_letter(at: int) -> None:
    assert rules(NAME[:at] + NAME[at + 1 :]) == ["misspelled"]


@given(st.integers(0, len(NAME) - 1))
def test_a_doubled_letter(at: int) -> None:
    assert rules(NAME[:at] + NAME[at] + NAME[at:]) == ["misspelled"]


@given(st.integers(1, len(NAME) - 2), st.sampled_from("*#$%"))
def test_a_masked_letter(at: int, sign: str) -> None:
    assert len(rules(NAME[:at] + sign + NAME[at + 1 :])) == (1 if sign != "$" or NAME[at] == "с" else 0)


@given(
    st.sampled_from([" ", "-", ".", "_", "*", "·", "—", "  ", ". "]), st.sampled_from(["сбер", "мегафона"])
)
def test_letters_apart(between: str, name: str) -> None:
    assert rules(f"опять {between.join(name)} лежит") == ["separated"]


@given(st.sampled_from(INFLECTOR.forms("мегафон")))
def test_every_form_in_the_latin_layout(form: str) -> None:
    assert rules(in_latin(form)) == ["layout"]
    assert rules(f"({in_latin(form)})!") == ["layout"]


@given(st.text("йцукенгшщзхъфывапролджэячсмитьбю ё0123"))
def test_the_layouts_lead_back(text: str) -> None:
    assert in_russian(in_latin(text)) == text


def test_a_text_in_the_wrong_layout() -> None:
    assert is_russian(in_russian("yt hf,jnftn cdzpm"), SEGMENTER)
    assert not is_russian(in_russian("nothing works here today"), SEGMENTER)
    assert not is_russian("", SEGMENTER)


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("опятьлежит", True),
        ("верните", True),
        ("", True),
        ("егательный", False),
        ("йцукен", False),
        ("а" * 61, False),
    ],
)
def test_rows_of_words(letters: str, expected: bool) -> None:
    assert SEGMENTER.splits(letters) is expected


@given(
    st.lists(
        st.sampled_from(["верните", "деньги", "опять", "лежит", "ненавижу", "вас", "завтра"]),
        min_size=1,
        max_size=4,
    )
)
def test_a_name_among_glued_words(words: list[str]) -> None:
    glued = "".join(words)
    assert rules(f"#мегафон{glued} #{glued}мегафон") == ["hashtag", "hashtag"]


@given(st.text("мегафонсбрт*@$.-_ #…", max_size=30))
def test_verdicts_do_not_depend_on_what_was_read_before(text: str) -> None:
    fresh = FIND(text)
    for other in (text.upper(), text[::-1], f"«{text}»"):
        FIND(other)
    assert FIND(text) == fresh
