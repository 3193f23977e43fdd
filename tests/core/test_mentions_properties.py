"""What holds of the matcher for every text and every watchlist."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.fold import plain, skeleton
from pipeline.core.lexicon import Lexicon
from pipeline.core.mentions import Matcher
from pipeline.core.watchlist import Alias, Watchlist, WatchObject
from pipeline.nlp.inflection import Inflector

INFLECTOR = Inflector()
NAMES = {
    "sber": ["Сбербанк", "Сбер"],
    "mts": ["МТС"],
    "moscow-bank": ["Банк Москвы"],
    "tele2": ["Tele2"],
    "alfa": ["Альфа-банк"],
}
ACCOUNTS = {"sber": ("sberbank",)}
CHARS = st.characters()  # every code point, lone surrogates too
HIDDEN = "сбирбанк cthdbc с б е р сб*р М.Т.С. #слабыйсбербанк Сберб… мтсовский"
WORDS = "Сбербанк сбера МТС мтсом cбep MTC Банк банка Москвы Tele2 теле 2 альфа банком sberbank ё 3 😀"
SIGNS = "http://t.co/ www. # @ _ - . , « » &amp; \x00 \u0301 \u200b \ud800"
PIECES = st.sampled_from([*HIDDEN.split(" "), *WORDS.split(" "), *SIGNS.split(" ")])
TEXTS = st.lists(PIECES | st.just(" ") | CHARS, max_size=24).map("".join)


def watchlist(names: dict[str, list[str]]) -> Watchlist:
    return Watchlist(
        tuple(
            WatchObject(
                id=object_id,
                kind="brand",
                name=object_id,
                aliases=tuple(Alias(text=alias) for alias in aliases),
                accounts={"any": ACCOUNTS[object_id]} if object_id in ACCOUNTS else {},
            )
            for object_id, aliases in names.items()
        )
    )


MATCHER = Matcher(watchlist(NAMES), INFLECTOR.forms, INFLECTOR)
SPELLED = ("alias", "inflected", "translit", "homoglyph", "hashtag", "handle", "account")
SPELLINGS = Lexicon(watchlist(NAMES), INFLECTOR.forms).keys


@given(st.text(CHARS, max_size=300))
def test_no_text_is_too_strange(text: str) -> None:
    for match in MATCHER.find(text):
        assert 0 <= match.start < match.end <= len(text)


@given(TEXTS)
def test_spans_are_in_order_and_do_not_overlap(text: str) -> None:
    matches = MATCHER.find(text)
    assert all(0 <= match.start < match.end <= len(text) for match in matches)
    assert all(left.end <= right.start for left, right in pairwise(matches))


@given(TEXTS)
def test_a_span_folds_to_a_spelling_of_its_object(text: str) -> None:
    for match in MATCHER.find(text):
        if match.rule not in SPELLED:
            assert match.alias in NAMES[match.object_id]
            continue
        written = skeleton(plain(text[match.start : match.end]))
        key = SPELLINGS.get(written) or SPELLINGS[f"@{written}"]
        assert match.object_id in {entry.object_id for _, entries in key.entries for entry in entries}
        assert match.alias in (*NAMES[match.object_id], *ACCOUNTS.get(match.object_id, ()))


@given(TEXTS)
def test_the_matcher_is_deterministic(text: str) -> None:
    again = Matcher(watchlist(NAMES), INFLECTOR.forms, INFLECTOR) if len(text) % 50 == 1 else MATCHER
    assert again.find(text) == MATCHER.find(text)


UNRELATED = {"dog": ["Шарик"], "cat": ["Мурзик", "Рыжик"], "cow": ["Бурёнка Пеструха"]}
WITH_UNRELATED = Matcher(
    watchlist({"cat": UNRELATED["cat"], **NAMES, **UNRELATED}), INFLECTOR.forms, INFLECTOR
)


@given(TEXTS)
def test_unrelated_objects_change_nothing(text: str) -> None:
    found = [match for match in WITH_UNRELATED.find(text) if match.object_id in NAMES]
    assert found == MATCHER.find(text)


@given(TEXTS, st.sampled_from([" ", "\n", "и ", "«"]))
def test_words_before_only_move_the_spans(text: str, before: str) -> None:
    by = len(before)
    moved = [match._replace(start=match.start + by, end=match.end + by) for match in MATCHER.find(text)]
    assert MATCHER.find(before + text) == moved


MONOTONOUS = [
    "😀",
    "\x00",
    "@",
    "#",
    "#а",
    "a.",
    "-a",
    "Сбербанк ",
    "http://",
    "а/",
    "\ud800",
    " \u200b",
    "&amp;",
    "с ",
    "с.",
    "с*",
    "… ",
    "http://http://",
    "мегафонн ",
    "сберб... ",
]


@pytest.mark.parametrize("piece", MONOTONOUS, ids=repr)
def test_long_monotonous_texts_are_read_to_the_end(piece: str) -> None:
    assert [match.object_id for match in MATCHER.find(piece * 20_000 + " МТС")][-1] == "mts"
