"""The rules under linking: declension of names, full names, references, organisations and places."""

from __future__ import annotations

import pytest

from pipeline.core.entity_names import organisation_name, place_name
from pipeline.core.given_names import given_name_gender, is_patronymic
from pipeline.core.person_names import full_names
from pipeline.core.references import nominative, reference
from pipeline.core.surnames import readings


@pytest.mark.parametrize(
    ("forms", "lemma", "gender"),
    [
        ("Греф Грефа Грефу Грефом Грефе", "греф", "m"),
        ("Сечин Сечина Сечину Сечиным Сечине", "сечин", "m"),
        ("Сечина Сечиной Сечину", "сечина", "f"),
        ("Медведев Медведева Медведеву Медведевым Медведеве", "медведев", "m"),
        ("Соловьёв Соловьёва Соловьёву Соловьёвым Соловьёве", "соловьев", "m"),
        ("Зеленский Зеленского Зеленскому Зеленским Зеленском", "зеленский", "m"),
        ("Зеленская Зеленской Зеленскую", "зеленская", "f"),
        ("Толстой Толстого Толстому Толстым Толстом", "толстой", "m"),
        ("Белый Белого Белому Белым Белом", "белый", "m"),
        ("Яровая Яровой Яровую", "яровая", "f"),
        ("Кравец Кравца Кравцу Кравцом Кравце", "кравец", "m"),
        ("Коваль Коваля Ковалю Ковалем Ковале", "коваль", "m"),
        ("Гай Гая Гаю Гаем Гае", "гай", "m"),
        ("Дуда Дуды Дуде Дуду Дудой", "дуда", ""),
        ("Кличко Шойгу Черных"[:6], "кличко", ""),
        ("Черных", "черных", ""),
        ("Римский-Корсаков Римского-Корсакова Римскому-Корсакову", "римский-корсаков", "m"),
    ],
)
def test_every_case_has_its_nominative_among_its_readings(forms: str, lemma: str, gender: str) -> None:
    for form in forms.split():
        assert any(reading.lemma == lemma and reading.gender == gender for reading in readings(form)), form


@pytest.mark.parametrize("word", ["а", "Я", "ЖЖ", "Ы-", "-", "McDonald", "名前", "я" * 500, "ов", "ина"])
def test_any_word_has_a_bounded_number_of_readings(word: str) -> None:
    assert 1 <= len(readings(word)) <= 32


@pytest.mark.parametrize(
    ("text", "normal", "name"),
    [
        ("Германа Грефа", "Герман Греф", "Герман Греф"),
        ("Герман Оскарович Греф", "Герман Оскарович Греф", "Герман Греф"),
        ("Греф Герман Оскарович", "Греф Герман Оскарович", "Герман Греф"),
        ("Грефу Герману", "Греф Герман", "Герман Греф"),
        ("ГЕРМАНА ГРЕФА", "ГЕРМАН ГРЕФ", "Герман Греф"),
        ("Наталью Касперскую", "Наталья Касперскую", "Наталья Касперская"),
        ("Павле Дурове", "Павля Дуров", "Павел Дуров"),
        ("Льва Толстого", "Лев Толстой", "Лев Толстой"),
        ("Фёдор Соловьёв", "Федор Соловьёв", "Федор Соловьев"),
        ("Урсулы фон дер Ляйен", "Урсула фон дер Ляйен", "Урсула фон дер Ляйен"),
        ("Дмитрий Шостакович", "Дмитрий Шостакович", "Дмитрий Шостакович"),
        ("Конор МакГрегор", "Конор МакГрегор", "Конор МакГрегор"),
        ("Tim Cook", "Tim Cook", "Tim Cook"),
        ("Владимир Вольфович Жириновский", "Владимир Вольфович Жириновский", "Владимир Жириновский"),
        ("Джона Смита (John Smith)", "Джон Смит (John Smith)", "Джон Смит"),
        ("Алла Сомова - Осень", "Алла Сомова - Осень", "Алла Сомова"),
        ("Тони Старк", "Тони Старк", "Тони Старк"),
        ("Кирк Дуглас", "Кирк Дуглас", "Кирк Дуглас"),
        ("Доминика Ховарда", "Доминик Ховард", "Доминик Ховард"),
        ("Иисуса Христа", "Иисус Христос", "Иисус Христос"),
        ("Сета Грэма-Смита", "Сет Грэм-Смит", "Сет Грэм-Смит"),
        ("Привет Анна Сомова", "Привет Анна Сомова", "Анна Сомова"),
    ],
)
def test_full_names(text: str, normal: str, name: str) -> None:
    assert full_names(text, normal)[0].name == name


@pytest.mark.parametrize(
    "text",
    [
        "Греф",
        "Г. Греф",
        "Герман",
        "Герман Оскарович",
        "Анна Мария",
        "герман греф",
        "",
        "...",
        "А Б В Г Д Е Ж",
    ],
)
def test_no_full_name(text: str) -> None:
    assert full_names(text, text) == ()


def test_an_open_declension_gives_both() -> None:
    assert {person.name for person in full_names("Ирины Яровой", "Ирина Ярова")} == {
        "Ирина Ярова",
        "Ирина Яровая",
    }


@pytest.mark.parametrize(
    ("text", "before", "after", "gender", "certain"),
    [
        ("Иванова", "сказали об ", " всё", "m", True),
        ("Иванова", "", " сказала", "f", True),
        ("Иванова", "пришла ", "", "f", True),
        ("Иванова", "", " тут", "f", False),
        ("Ивановой", "", "", "f", False),
        ("Ивановым", "", "", "m", True),
        ("Собчак", "", "", "", False),
        ("Дудой", "с ", "", "", False),
    ],
)
def test_gender_of_a_surname(text: str, before: str, after: str, gender: str, certain: bool) -> None:
    found = reference(text, "Иванова" if text.startswith("Иванова") else text, before, after)
    assert found is not None
    if text == "Ивановой":  # or a man called Ивановой
        assert found.claimed in ("m", "f")
        return
    assert (found.claimed, found.certain) == (gender, certain)


@pytest.mark.parametrize(
    ("text", "before", "after", "given", "patronymic"),
    [
        ("Г. Греф", "", "", "г", ""),
        ("Г.О. Греф", "", "", "г", "о"),
        ("Греф Г.О.", "", "", "г", "о"),
        ("Греф", "", " Г.О. подписал", "г", "о"),
        ("Греф", "Сам Г. О. ", "", "г", "о"),
        ("Греф", "в г.", " Он", "", ""),
        ("Герман Оскарович", "", "", "герман", "оскарович"),
    ],
)
def test_initials(text: str, before: str, after: str, given: str, patronymic: str) -> None:
    found = reference(text, text, before, after)
    assert found is not None
    assert (found.given, found.patronymic) == (given, patronymic)


@pytest.mark.parametrize("text", ["Герман", "Ивана", "Маша", "Герман Греф", "Оскарович", "", "«»"])
def test_what_refers_to_nobody(text: str) -> None:
    assert reference(text, text, "", "") is None


@pytest.mark.parametrize(
    ("text", "normal", "before", "expected"),
    [
        ("Набиуллину", "Набиуллину", "ждём ", "Набиуллина"),
        ("Набиуллину", "Набиуллину", "письмо к ", "Набиуллин"),
        ("Грефа", "Греф", "", "Греф"),
        ("Иванова", "Иванова", "", "Иванова"),
    ],
)
def test_a_surname_alone_in_the_nominative(text: str, normal: str, before: str, expected: str) -> None:
    assert nominative(text, normal, before) == expected


def test_genders_and_patronymics() -> None:
    assert [given_name_gender(name) for name in ("Герман", "Алёна", "Саша", "Греф")] == ["m", "f", "", None]
    assert all(map(is_patronymic, ("Павлович", "Львовна", "Ильич", "Ильинична", "Юрьевич", "Дмитриевна")))
    assert not any(map(is_patronymic, ("Шостакович", "Лукашевич", "Греф", "")))


@pytest.mark.parametrize(
    ("normal", "name"),
    [
        ("ПАО «Газпром»", "Газпром"),
        ('ООО "РОМАШКА"', "Ромашка"),
        ("Публичное акционерное общество Газпром", "Газпром"),
        ("Apple Inc.", "Apple"),
        ("мтс", "МТС"),
        ("Втб", "ВТБ"),
        ("ФСБ", "ФСБ"),
        ("РОСТЕЛЕКОМ", "Ростелеком"),
        ("ростелеком", "Ростелеком"),
        ("ПАО «Вымпел", "Вымпел"),
        ("ООО", "ООО"),
        ("Минфин", "Минфин"),
        ("ИТАР-ТАСС", "ИТАР-ТАСС"),
        ("Общество садоводов (ОСАДОВ)", "Общество садоводов"),
        ("Аоки", "Аоки"),
        ("", ""),
        ("«»", "«»"),
    ],
)
def test_organisations(normal: str, name: str) -> None:
    assert organisation_name(normal) == name


@pytest.mark.parametrize(
    ("normal", "name"),
    [
        ("Москва", "Москва"),
        ("МОСКВА", "Москва"),
        ("Мск", "Москва"),
        ("СПб", "Санкт-Петербург"),
        ("Питер", "Санкт-Петербург"),
        ("г. Тверь", "Тверь"),
        ("город Тверь", "Тверь"),
        ("США", "США"),
        ("РФ", "Россия"),
        ("РОСТОВ-НА-ДОНУ", "Ростов-на-Дону"),
        ("Ростов-на-Дону", "Ростов-на-Дону"),
        ("Нижний Новгород", "Нижний Новгород"),
        ("Городец", "Городец"),
        ("Тверская область", "Тверская область"),
        ("ТВЕРСКАЯ ОБЛАСТЬ", "Тверская Область"),
        ("США (USA)", "США"),
        ("", ""),
    ],
)
def test_places(normal: str, name: str) -> None:
    assert place_name(normal) == name
