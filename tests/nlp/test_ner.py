"""`Ner` gives natasha's own spans and normal forms, for any text and in any company of others."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymorphy3.units.base import BaseAnalyzerUnit

from pipeline.nlp.natasha_import import natasha
from pipeline.nlp.ner import MAX_CHARS, Ner
from schemas import Entity

DATA = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[2] / "../shared/data"))
SETS = ("tweets_banks_2014", "tweets_telecoms_2014", "rusentne2023_train", "rusentitweet_train")

OWN_TEXTS = (
    "Вчера Герман Греф выступал в Казани перед сотрудниками Сбербанка.",
    "Поговорил с Анной Петровной Соколовой из Газпромбанка, вежливая.",
    "МТС, Билайн и МегаФон подняли цены в Москве и Санкт-Петербурге!!!",
    "Президент Российской Федерации встретился с Эммануэлем Макроном.",
    "@support_bank а почему на Невском проспекте банкомат не работает?",
    "Иванову Ивану Ивановичу отказали в кредите в ВТБ на Ленина",
    "RT @news: Министерство финансов США ввело санкции против Банка Москвы http://t.co/abc",
    "Летим в Сочи через Внуково, рейс «Аэрофлота» задержали :(",
    "Apple и Google судятся в Калифорнии",
    "Был в отделении на ул. Тверской, 15. Оператор Мария — умница! Спасибо, Мария.",
    "ООО «Ромашка» и АО «Лютик» подали иск в Арбитражный суд города Москвы.",
    "сбербанк онлайн опять лежит",
    "СБЕРБАНК ОПЯТЬ ЛЕЖИТ В НОВОСИБИРСКЕ",
    "Алла Пугачева и Филипп Киркоров спели в Кремле",
    "Кому позвонить в Ростелеком? Второй день нет интернета в Екатеринбурге",
    "Ян Гамарник, О. Генри и д'Артаньян зашли в бар",
    "Ходили с Петей к Васе Пупкину на дачу в Подмосковье.",
    "Совет директоров Лукойла возглавил Вагит Алекперов, сообщает ТАСС.",
    "По данным ЦБ РФ, курс доллара вырос. В Минфине это не комментируют.",
    "Вконтакте и Яндекс запустили сервис в Беларуси, Казахстане и Армении",
    "Тинькофф — топ, Рокетбанк — нет. Олег, привет!",
    "ФК «Зенит» обыграл мадридский «Реал» в Мюнхене",
    "Нью-Йорк, Лос-Анджелес и Ростов-на-Дону",
    "Ничего особенного сегодня не произошло.",
    "дождь",
    "Люблю тебя, Петра творенье!",
    "Сергей Семёнович Собянин открыл станцию метро «Тёплый Стан»",
    "В Северной Осетии и Чеченской Республике ждут Дмитрия Медведева",
    "Мария\nИванова\n\nМосква",
    "Директор по маркетингу компании «Вымпелком» Джон Смит покинул пост",
    "Ё-моё, опять в Орле нет света!",
    "Газпром-нефть vs Роснефть: кто кого? (с) РБК",
    "😡😡 Почта России, где моя посылка из Китая?",
)
HARD = (
    "",
    " ",
    "\n\t\r",
    "😀" * 10_000,
    "\x00\x00",
    "Иван\x00Петров",
    "\u200b\u200b",
    "." * 20_000,
    "(" * 20_000,
    "ж" * 100_000,
    "Москва, " * 12_500,
    "\u202eМосква",
)


@pytest.fixture(scope="module")
def ner() -> Ner:
    return Ner()


@pytest.fixture(scope="module")
def plain() -> Callable[[str], tuple[Entity, ...]]:
    """natasha's documented pipeline, one text at a time."""
    segmenter, vocab, embedding = natasha.Segmenter(), natasha.MorphVocab(), natasha.NewsEmbedding()
    morph, tagger = natasha.NewsMorphTagger(embedding), natasha.NewsNERTagger(embedding)

    def annotate(text: str) -> tuple[Entity, ...]:
        doc = natasha.Doc(text)
        doc.segment(segmenter)
        doc.tag_morph(morph)
        doc.tag_ner(tagger)
        for span in doc.spans:
            span.normalize(vocab)
        return tuple(
            Entity(text=span.text, normal=span.normal, type=span.type, start=span.start, end=span.stop)
            for span in doc.spans
        )

    return annotate


def test_same_entities_as_plain_natasha(ner: Ner, plain: Callable[[str], tuple[Entity, ...]]) -> None:
    assert ner.entities(OWN_TEXTS) == [plain(text) for text in OWN_TEXTS]


def test_same_entities_on_real_posts(ner: Ner, plain: Callable[[str], tuple[Entity, ...]]) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no data sets in {DATA}: set MOLVA_DATA")
    texts = []
    for name in SETS:
        lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        texts += [json.loads(line)["text"] for line in random.Random(5).sample(lines, 100)]
    assert ner.entities(texts) == [plain(text) for text in texts]


def test_finds_and_normalises(ner: Ner) -> None:
    (found,) = ner.entities(["Жалуюсь на Сбербанк и Марию Иванову из Казани"])
    assert [(entity.normal, entity.type) for entity in found] == [
        ("Сбербанк", "ORG"),
        ("Мария Иванова", "PER"),
        ("Казань", "LOC"),
    ]


def test_offsets_point_into_the_text(ner: Ner) -> None:
    for text, found in zip(OWN_TEXTS, ner.entities(OWN_TEXTS), strict=True):
        assert all(text[entity.start : entity.end] == entity.text for entity in found)


def test_hard_texts_harm_no_neighbour(ner: Ner) -> None:
    good = "В Казани открыли офис Сбербанка."
    mixed = [text for hard in HARD for text in (hard, good)]
    found = ner.entities(mixed)
    assert len(found) == len(mixed)
    assert set(found[1::2]) == {ner.entities([good])[0]}
    assert found[0] == found[2] == ()


def test_only_the_beginning_of_a_long_text_is_read(ner: Ner) -> None:
    text = "слово " * (MAX_CHARS // 6) + "Герман Греф в Казани"
    (found,) = ner.entities([text])
    assert all(entity.end <= MAX_CHARS for entity in found)


def test_lone_surrogates_keep_offsets(ner: Ner) -> None:
    text = "\ud800 привет из Казани \udfff"
    (found,) = ner.entities([text])
    assert [(entity.text, text[entity.start : entity.end]) for entity in found] == [("Казани", "Казани")]


def test_no_texts(ner: Ner) -> None:
    assert ner.entities([]) == []


@given(st.lists(st.text(st.characters(), max_size=200), max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_accepted(ner: Ner, texts: list[str]) -> None:
    found = ner.entities(texts)
    assert len(found) == len(texts)
    for text, entities in zip(texts, found, strict=True):
        assert all(0 <= entity.start < entity.end <= len(text) for entity in entities)


def test_loads_without_pkg_resources_and_without_warnings() -> None:
    code = (
        "import sys; sys.modules['pkg_resources'] = None\n"
        "from pipeline.nlp.ner import Ner\n"
        "print(Ner().entities(['Я в Москве'])[0][0].normal, 'pymorphy2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"},
    )
    assert (done.stdout.strip(), done.stderr) == ("Москва False", "")


def test_pymorphy3_is_left_as_it_was() -> None:
    assert isinstance(vars(BaseAnalyzerUnit)["_get_param_names"], classmethod)
