"""Forms of names: what people write, and nothing absurd where a name must not change."""

from __future__ import annotations

import pytest

from pipeline.nlp.inflection import Inflector


@pytest.fixture(scope="module")
def inflector() -> Inflector:
    return Inflector()


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Сбербанк", "сбербанка сбербанку сбербанком сбербанке сбербанки"),
        ("Пятёрочка", "пятёрочки пятёрочке пятёрочкой пятёрочку пятёрочек"),
        ("МТС", "мтса мтсу мтсом мтсе"),
        ("ВкусВилл", "вкусвилла вкусвилле вкусвиллом"),
        ("билайновский", "билайновская билайновскую билайновского билайновские"),
        ("кричать", "кричу кричит кричал кричали"),
        ("Навальный", "навального навальному навальным"),
    ],
)
def test_forms_of_a_word(inflector: Inflector, phrase: str, expected: str) -> None:
    assert set(expected.split()) <= set(inflector.forms(phrase))


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Банк Москвы", ["банка москвы", "банком москвы"]),
        ("Альфа-Банк", ["альфа-банка", "альфа-банком"]),
        ("Сотовая связь", ["сотовой связи", "сотовую связь", "сотовой связью"]),
        ("Мобильные телесистемы", ["мобильных телесистем", "мобильными телесистемами"]),
        ("Герман Греф", ["германа грефа", "германом грефом", "герман грефа"]),
        ("Эльвира Набиуллина", ["эльвиры набиуллиной", "эльвире набиуллиной"]),
        ("Илон Маск", ["илона маска", "илону маску"]),
        ("Банк Открытие", ["банка открытие", "банк открытия"]),
        ("Тёплый банк", ["тёплого банка", "тёплым банком"]),
        ("Почта России", ["почты россии", "почтой россии"]),
        ("ВТБ 24", ["втба 24"]),
    ],
)
def test_forms_of_several_words(inflector: Inflector, phrase: str, expected: list[str]) -> None:
    assert set(expected) <= set(inflector.forms(phrase))


@pytest.mark.parametrize("phrase", ["Beeline", "24", "", "Теле2", "спасибо", "@mts", "москвы", "\x00😀"])
def test_what_cannot_be_inflected_stays(inflector: Inflector, phrase: str) -> None:
    assert inflector.forms(phrase) == (phrase.lower(),)


def test_a_name_that_ends_in_a_genitive_has_no_plural(inflector: Inflector) -> None:
    assert "банки москвы" not in inflector.forms("Банк Москвы")


def test_the_phrase_comes_first_and_forms_are_unique_and_repeatable(inflector: Inflector) -> None:
    forms = inflector.forms("Магнит")
    assert forms[0] == "магнит"
    assert len(set(forms)) == len(forms)
    assert Inflector().forms("Магнит") == forms
