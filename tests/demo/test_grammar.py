"""The grammar: every hand-written phrase resolves, in every gender and style."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from pipeline.demo.story import (
    phrases_bank,
    phrases_chatter,
    phrases_common,
    phrases_outage,
    phrases_parts,
    phrases_person,
    phrases_products,
    phrases_rivals,
    phrases_waves,
)
from pipeline.demo.story.grammar import Draft, Style, join, realise, tag
from pipeline.demo.story.names import NAMES

MODULES = (
    phrases_bank,
    phrases_chatter,
    phrases_common,
    phrases_outage,
    phrases_parts,
    phrases_person,
    phrases_products,
    phrases_rivals,
    phrases_waves,
)
PLAIN = Style(emoji=0.0)


def phrases(modules: tuple[ModuleType, ...] = MODULES) -> Iterator[str]:
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, tuple):
                yield from (phrase for phrase in value if isinstance(phrase, str))


def test_there_are_hundreds_of_hand_written_phrases() -> None:
    parts = sum(len(options) for options in phrases_parts.PARTS.values())
    assert len(set(phrases())) + parts > 600


@pytest.mark.parametrize("style", [PLAIN, Style(female=True, lower=True, typos=0.5, terse=True)])
def test_every_phrase_resolves(style: Style) -> None:
    for phrase in phrases():
        for seed in range(5):
            draft = realise(phrase, "neutral", style, random.Random(seed), {"rival": "sev"})
            text = join([draft], style).text
            assert not re.search(r"[\[\]{}|]|<[а-я]*>", text), text
            assert "  " not in text
            assert text


def test_the_author_has_a_gender() -> None:
    phrase = "Я <купил|купила> и рад<|а>"
    assert realise(phrase, "neutral", PLAIN, random.Random(1), {}).text == "Я купил и рад"
    assert realise(phrase, "neutral", Style(female=True), random.Random(1), {}).text == "Я купила и рада"


def test_slots_name_objects_with_their_polarity() -> None:
    draft = realise("Ушёл из {bank.gen} в {sev.acc:+}", "negative", PLAIN, random.Random(1), {})
    assert draft.truth == {"rassvet": "negative", "sevkap": "positive"}


def test_fees_are_an_object_wherever_they_are_named() -> None:
    draft = realise("Комиссия растёт", "negative", PLAIN, random.Random(1), {})
    assert draft.truth == {"fees": "negative"}


def test_ambiguous_names_need_a_word_of_banking() -> None:
    bare = set(NAMES["bank"].bare[0])
    without = {realise("{bank}", "neutral", PLAIN, random.Random(seed), {}).text for seed in range(60)}
    beside = {realise("{bank} и вклад", "neutral", PLAIN, random.Random(seed), {}).text for seed in range(60)}
    assert not without & bare
    assert any(text.startswith("Рассвет и") for text in beside)


def test_typos_spare_names_and_words_of_banking() -> None:
    careless = Style(typos=1.0)
    text = realise(
        "отвратительная комиссия {ceo.gen} приложение", "negative", careless, random.Random(3), {}
    ).text
    assert "комиссия" in text
    assert "Ладогина" in text
    assert "приложение" in text
    assert "отвратительная" not in text


def test_sentences_begin_with_capitals_and_end_with_stops() -> None:
    joined = join([Draft("ужас. верните деньги"), Draft("когда?")], PLAIN, "😡")
    assert joined.text == "Ужас. Верните деньги. Когда? 😡"


def test_the_first_sentence_decides_the_polarity() -> None:
    joined = join(
        [Draft("а", {"rassvet": "negative"}), Draft("б", {"rassvet": "positive", "x": "neutral"})], PLAIN
    )
    assert joined.truth == {"rassvet": "negative", "x": "neutral"}


def test_tags_are_those_of_a_named_object() -> None:
    assert tag(Draft("", {"polus": "neutral"}), random.Random(1)) in {"#ПолюсБанк", "@polus_bank"}
    assert tag(Draft("", {"fees": "neutral"}), random.Random(1)) == ""
