"""Phrases, words, toxicity, personal data: what the rules find, and what they must leave alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.signals.personal import luhn, mask, personal_data
from pipeline.core.signals.phrases import Phrases
from pipeline.core.signals.reading import read
from pipeline.core.signals.toxicity import TOXIC_FROM, disguised, toxicity
from pipeline.core.signals.words import read_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RT @bank: Ещё РАЗ! https://x.ru/a-b", ["еще", "раз"]),
        ("ужааааасно", ["ужасно"]),
        ("cбep и о3он", ["сбер", "и", "озон"]),
        ("#НеРаботает 24/7 &amp; всё", ["неработает", "все"]),
        ("iPhone 6s", ["iphone", "s"]),
        ("12 345", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert read_words(text) == words


def test_phrases() -> None:
    lexicon = Phrases({"leave": "закры* ... счет|карт*; ухожу от? вас", "go": "не ходите"})

    def found(text: str) -> list[tuple[str, str]]:
        return [(item.tag, item.words) for item in lexicon.find(f" {text} ")]

    assert found("закрываю у вас все счет") == [("leave", "закрываю у вас все счет")]
    assert found("закрываю одну две три четыре карту") == []
    assert found("ухожу вас") == found("ухожу вас") == [("leave", "ухожу вас")]
    assert found("ухожу от вас не ходите") == [("leave", "ухожу от вас"), ("go", "не ходите")]
    assert found("не ходитесь") == []
    with pytest.raises(ValueError, match="a word at each end"):
        Phrases({"bad": "... слово"})


@pytest.mark.parametrize(
    ("text", "group", "name"),
    [
        ("Закрываю счёт и ухожу", "call", "leave"),
        ("Пора менять банк", "call", "leave"),
        ("никогда не ходите туда", "call", "avoid"),
        ("объявляем бойкот этой сети", "call", "boycott"),
        ("Верните деньги за билет", "call", "refund"),
        ("подпишите петицию", "call", "petition"),
        ("максимальный репост!", "call", "spread"),
        ("ставьте им единицы в сторе", "call", "complain"),
        ("Завтра подаю в суд", "threat", "court"),
        ("написал заявление в прокуратуру", "threat", "prosecutor"),
        ("жалобу в Роспотребнадзор уже отправил", "threat", "consumer_protection"),
        ("буду жаловаться, напишу в ЦБ", "threat", "central_bank"),
        ("обращусь к журналистам", "threat", "media"),
        ("говорят, там обманывают", "tells", "hearsay"),
        ("у меня не прошёл платёж", "tells", "own"),
    ],
)
def test_acts(text: str, group: str, name: str) -> None:
    assert name in read(text).names[group]


@pytest.mark.parametrize(
    "text",
    [
        "Как закрыть кредитную карту?",
        "Суд оштрафовал компанию на миллион",
        "кредит для сотрудников полиции",
        "посудомойка без рассуждений",
        "Хожу в бассейн по средам",
    ],
)
def test_what_is_neither_call_nor_threat(text: str) -> None:
    assert not {"call", "threat"} & read(text).names.keys()


def score(text: str) -> float:
    reading = read(text)
    return toxicity([*reading.names.get("toxic", ()), *disguised(text, reading.spoken)])


@pytest.mark.parametrize(
    "text",
    [
        "вы уроды",
        "у р о д ы, верните деньги",
        "какого х*я опять",
        "полный п****ц",
        "cyка, опять списали",
        "blyat, opyat ne rabotaet",
        "суууука",
        "приеду и сожгу ваш офис",
        "чтоб вы сдохли",
        "fuck this bank",
    ],
)
def test_toxic(text: str) -> None:
    assert score(text) >= TOXIC_FROM


@pytest.mark.parametrize(
    "text",
    [
        "Застрахуй машину, не рублями едиными",
        "употребляю хлеб и оскорбления не люблю",
        "мандарины и мандат депутата",
        "колебания курса, себестоимость, требуха",
        "страхуйте дом, подстрахуйте друга",
        "жидкость для скотча, команда дебютантов",
        "2*2=4, скидка 50%, user@mail.ru",
        "а б в г д",
        "это просто бред",
        "хлеб*молоко",
        "",
    ],
)
def test_not_toxic(text: str) -> None:
    assert score(text) < TOXIC_FROM


def test_toxicity_adds_up() -> None:
    assert toxicity([]) == 0
    assert toxicity(["mild"]) < toxicity(["mild", "mild"]) < TOXIC_FROM
    assert toxicity(["insult"]) < toxicity(["insult", "aimed"]) < toxicity(["insult", "aimed", "obscene"]) < 1


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("звоните +7 (912) 345-67-89", "phone", "+7 (912) 345-67-89"),
        ("мой номер 89123456789", "phone", "89123456789"),
        ("тел. 912 345-67-89", "phone", "912 345-67-89"),
        ("номер 8-495-123-45-67, Анна", "phone", "8-495-123-45-67"),
        ("карта 4276 1234 5678 9014", "card", "4276 1234 5678 9014"),
        ("2200150512345676", "card", "2200150512345676"),
        ("пишите ivan.petrov@example.ru!", "email", "ivan.petrov@example.ru"),
        ("паспорт 45 10 123456", "passport", "45 10 123456"),
        ("Паспорт серия 4510 номер 123456", "passport", "4510 номер 123456"),
        ("СНИЛС 112-233-445 95", "snils", "112-233-445 95"),
        ("счёт №40817810099910004312", "account", "40817810099910004312"),
    ],
)
def test_personal_data(text: str, kind: str, value: str) -> None:
    (found,) = personal_data(text)
    assert (found.kind, text[found.start : found.end]) == (kind, value)
    hidden = mask(text, [found])
    assert len(hidden) == len(text)
    assert not any(char.isalnum() for char in hidden[found.start : found.end])
    assert hidden[: found.start] == text[: found.start]


@pytest.mark.parametrize(
    "text",
    [
        "горячая линия 8 800 555 35 35",
        "+7-800-100-10-10",
        "цена 1 250 000 рублей",
        "заказ 9161234567 не пришёл",
        "обращение №89123456789012",
        "карта 4276 1234 5678 9010",  # the check digit is wrong
        "0000000000000000",
        "с 01.02.2023 по 03.04.2024",
        "https://t.co/89123456789 и id=79123456789",
        "ИНН 7707083893",
        "112-233-445 96",
        "45 10 123456 голосов",
        "трек 80088012345678",
        "курс 89.1234567",
        "pr@bank.ru",
        "@ivan_petrov",
        "2014 2015 2016",
    ],
)
def test_no_personal_data(text: str) -> None:
    assert personal_data(text) == []


def test_several_kinds_do_not_overlap() -> None:
    text = "Паспорт 4510 123456, тел +79123456789, карта 4276123456789014, a.b@c.ru"
    spans = personal_data(text)
    assert [span.kind for span in spans] == ["passport", "phone", "card", "email"]
    assert all(left.end <= right.start for left, right in pairwise(spans))


def test_luhn() -> None:
    assert luhn("4276123456789014")
    assert not luhn("4276123456789015")
    assert not luhn("0000000000000000")


@given(st.text(st.characters(), max_size=300))
def test_any_text(text: str) -> None:
    reading = read(text)
    assert 0 <= score(text) <= 1
    assert reading.spoken.split() == reading.words or not reading.words
    spans = personal_data(text)
    assert len(mask(text, spans)) == len(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
