"""Linking on written threads, with the real NER and the real matcher: what the last post's names refer to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.linking import Linker
from pipeline.core.mentions import Matcher, by_object
from pipeline.core.watchlist import Watchlist
from pipeline.core.watchlist_yaml import parse_watchlist
from pipeline.nlp.inflection import Inflector
from pipeline.nlp.ner import Ner
from schemas import Channel, Entity, RawPost

WATCHLIST = """
- {id: sber, kind: brand, name: Сбербанк, aliases: [Сбербанк, Сбер, Сбербанк России]}
- {id: tinkoff, kind: competitor, name: Тинькофф Банк, aliases: [Тинькофф, Тинькофф Банк]}
- {id: moscow-bank, kind: brand, name: Банк Москвы, aliases: [Банк Москвы]}
- {id: vkusvill, kind: brand, name: ВкусВилл, aliases: [ВкусВилл]}
- {id: gref, kind: person, name: Герман Греф, aliases: [Герман Греф, Герман Оскарович, Греф]}
- {id: moving, kind: topic, name: Переезд, aliases: [Москва]}
"""
START = datetime(2026, 3, 1, tzinfo=UTC)

Answer = Sequence[Entity]
Talk = Callable[..., Answer]


class Stream:
    """Posts in order through NER, matcher and linker."""

    def __init__(self, ner: Ner, matcher: Matcher, watchlist: Watchlist) -> None:
        self._ner, self._matcher = ner, matcher
        self._linker = Linker(watchlist)
        self._count = 0

    def found(self, text: str) -> Answer:
        """What NER says before linking."""
        return self._ner.entities([text])[0]

    def post(
        self,
        text: str,
        *,
        thread: str = "",
        channel: str = "",
        reply_to: str = "",
        timeline: str = "live",
        days: float = 0,
    ) -> Answer:
        number, self._count = self._count, self._count + 1
        created = START + timedelta(minutes=number, days=days)
        made = RawPost(
            source="forum",
            native_id=str(number),
            text=text,
            thread_root=f"forum:{thread}" if thread else None,
            reply_to=f"forum:{reply_to}" if reply_to else None,
            channel=Channel(id=channel) if channel else None,
            timeline=timeline,
            created_at=created,
            collected_at=created,
        )
        return self._linker.link(made, self._ner.entities([text])[0], by_object(self._matcher.find(text)))


@pytest.fixture(scope="module")
def new_stream() -> Callable[[], Stream]:
    watchlist = parse_watchlist(WATCHLIST)
    ner, matcher = Ner(), Matcher(watchlist, Inflector().forms)
    return lambda: Stream(ner, matcher, watchlist)


@pytest.fixture
def stream(new_stream: Callable[[], Stream]) -> Stream:
    return new_stream()


def named(entities: Answer) -> dict[str, str]:
    return {entity.text: entity.name for entity in entities}


THREADS = [
    (
        "Эльвира Набиуллина выступила в Думе.",
        "Набиуллину критикуют за ставку",
        "Набиуллину",
        "Эльвира Набиуллина",
    ),
    ("Эльвира Набиуллина выступила в Думе.", "Спросили у Набиуллиной", "Набиуллиной", "Эльвира Набиуллина"),
    ("Встречались с Игорем Сечиным.", "И. Сечин промолчал", "И. Сечин", "Игорь Сечин"),
    ("Встречались с Игорем Сечиным.", "А. Сечин промолчал", "А. Сечин", "А. Сечин"),
    ("Игорь Иванович Сечин приехал.", "Игорь Иванович доволен", "Игорь Иванович", "Игорь Сечин"),
    ("Игорь Иванович Сечин приехал.", "Спросили Игоря Ивановича", "Игоря Ивановича", "Игорь Сечин"),
    ("Игорь Иванович Сечин приехал.", "Сечин И.И. подписал приказ", "Сечин", "Игорь Сечин"),
    ("Игорь Иванович Сечин приехал.", "Сечин П.И. подписал приказ", "Сечин П.И.", "Сечин П.И."),
    ("Игорь Иванович Сечин приехал.", "Игорь Петрович доволен", "Игорь Петрович", "Игорь Петрович"),
    ("Игорь Сечин приехал.", "Игорь Иванович доволен", "Игорь Иванович", "Игорь Сечин"),
    ("Иван Иванов уволен.", "Задержали Иванова за взятку", "Иванова", "Иван Иванов"),
    ("Иван Иванов уволен.", "Иванова сказала, что уйдёт", "Иванова", "Иванова"),
    ("Мария Иванова уволена.", "Задержали Иванова за взятку", "Иванова", "Иванов"),
    ("Мария Иванова и Иван Иванов тут.", "Иванова сказала правду", "Иванова", "Мария Иванова"),
    ("Мария Иванова и Иван Иванов тут.", "Подозрения у Иванова остались", "Иванова", "Иван Иванов"),
    ("Пётр Иванов уволен, Иван Иванов тоже.", "Иванов всё отрицает", "Иванов", "Иванов"),
    ("Владимир Зеленский прилетел.", "Зеленскому отказали", "Зеленскому", "Владимир Зеленский"),
    ("Илон Маск купил сервис.", "Встретились с Маском вчера", "Маском", "Илон Маск"),
    ("Илон Маск купил сервис.", "Обвинили Илона Маска в обмане", "Илона Маска", "Илон Маск"),
    ("Ирина Яровая внесла закон.", "Закон Ирины Яровой приняли", "Ирины Яровой", "Ирина Яровая"),
    ("Ирина Яровая внесла закон.", "Все говорят о Яровой", "Яровой", "Ирина Яровая"),
    ("Ксения Собчак ведёт шоу.", "Видел Собчак вчера", "Собчак", "Ксения Собчак"),
    ("Собчак Ксения ведёт шоу.", "Ходили к Собчак", "Собчак", "Ксения Собчак"),
    ("Виталий Кличко тут мэр.", "Опять Кличко отжёг", "Кличко", "Виталий Кличко"),
    ("Сергей Шойгу приехал.", "С Шойгу встретились вчера", "Шойгу", "Сергей Шойгу"),
    ("Пётр Кравец ушёл.", "Петру Кравцу дали премию", "Петру Кравцу", "Петр Кравец"),
    ("Пётр Кравец ушёл.", "За Кравцом пришли", "Кравцом", "Петр Кравец"),
    ("Урсула фон дер Ляйен приехала.", "Ждали Ляйен весь день", "Ляйен", "Урсула фон дер Ляйен"),
    ("Дмитрий Медведев ушёл в отставку.", "Медведева ушла к другому", "Медведева", "Медведева"),
    ("Светлана Медведева открыла выставку.", "Медведева пришла", "Медведева", "Светлана Медведева"),
    ("Иван поехал домой.", "Видел Ивана вчера", "Ивана", "Иван"),
    ("Погода хорошая.", "Ждём Набиуллину на форуме", "Набиуллину", "Набиуллина"),
]


@pytest.mark.parametrize(("first", "second", "text", "name"), THREADS)
def test_threads(stream: Stream, first: str, second: str, text: str, name: str) -> None:
    stream.post(first, thread="0")
    found = named(stream.post(second, thread="0"))
    assert found.get(text) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Олег Тиньков приехал. Позже Тиньков ушёл",
            {"Олег Тиньков": "Олег Тиньков", "Тиньков": "Олег Тиньков"},
        ),
        ("Встретили Сечина. Об этом Игорь Сечин сказал вчера", {"Сечина": "Игорь Сечин"}),
        ("Из Питера в Нижний Новгород", {"Питера": "Санкт-Петербург", "Нижний Новгород": "Нижний Новгород"}),
        ("Он едет из Мск в Екб", {"Мск": "Москва", "Екб": "Екатеринбург"}),
        (
            "Жители Спб и Санкт-Петербурга за",
            {"Спб": "Санкт-Петербург", "Санкт-Петербурга": "Санкт-Петербург"},
        ),
        ("США и РФ договорились, КНР против", {"США": "США", "РФ": "Россия", "КНР": "Китай"}),
        ("ООО «Ромашка» судится с Минфином", {"ООО «Ромашка»": "Ромашка", "Минфином": "Минфин"}),
        ("Видели Эльвиру Набиуллину", {"Эльвиру Набиуллину": "Эльвира Набиуллина"}),
    ],
)
def test_one_post(stream: Stream, text: str, expected: dict[str, str]) -> None:
    found = named(stream.post(text))
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "entity", "kind", "name", "object_id"),
    [
        ("Сбер снова упал, ВкусВилл открыт", "Сбер", "ORG", "Сбербанк", "sber"),
        ("Сбер и ВкусВилл и Озон", "ВкусВилл", "ORG", "ВкусВилл", "vkusvill"),
        ("ПАО «Сбербанк России» молчит", "ПАО «Сбербанк России", "ORG", "Сбербанк", "sber"),
        ("Карты Банка Москвы не работают", "Банка Москвы", "ORG", "Банк Москвы", "moscow-bank"),
        ("Живу в Москве давно", "Москве", "LOC", "Москва", "moving"),
        ("Олег Тинькофф ушёл из банка", "Олег Тинькофф", "PER", "Олег Тинькофф", None),
        ("Видели Анну Греф в Сочи", "Анну Греф", "PER", "Анна Греф", None),
        ("Беседовали с Германом Грефом", "Германом Грефом", "PER", "Герман Греф", "gref"),
        ("Видел Грефа вчера", "Грефа", "PER", "Герман Греф", "gref"),
    ],
)
def test_watched_objects(
    stream: Stream, text: str, entity: str, kind: str, name: str, object_id: str | None
) -> None:
    (found,) = [one for one in stream.post(text) if one.text == entity]
    assert (found.type, found.name, found.object_id) == (kind, name, object_id)


def test_what_ner_found_stays(stream: Stream) -> None:
    text = "Сбер, ВкусВилл и Эльвиру Набиуллину видели в Питере"
    before = stream.found(text)
    after = stream.post(text)
    assert [(e.text, e.normal, e.start, e.end) for e in after] == [
        (e.text, e.normal, e.start, e.end) for e in before
    ]
    assert len(after) == 4


def test_the_channel_tells_after_the_thread(stream: Stream) -> None:
    stream.post("Игорь Сечин приехал.", thread="a", channel="news")
    stream.post("Павел Сечин приехал.", thread="b", channel="news")
    assert named(stream.post("Ждали Сечина вчера", thread="a", channel="news")) == {"Сечина": "Игорь Сечин"}
    assert named(stream.post("Ждали Сечина вчера", thread="c", channel="news")) == {"Сечина": "Сечин"}
    assert named(stream.post("Ждали Сечина вчера", thread="d", channel="talk")) == {"Сечина": "Сечин"}


def test_replies_to_replies_are_of_one_thread(stream: Stream) -> None:
    stream.post("Игорь Сечин приехал.")
    stream.post("И что?", reply_to="0")
    stream.post("Да так", reply_to="1")
    assert named(stream.post("Ждали Сечина вчера", reply_to="2")) == {"Сечина": "Игорь Сечин"}


def test_the_stream_tells_when_one_name_dominates_recently(stream: Stream) -> None:
    for _ in range(4):
        stream.post("Встретили Игоря Сечина вчера")
    assert named(stream.post("Ждали Сечина вчера")) == {"Сечина": "Сечин"}
    stream.post("Встретили Игоря Сечина вчера")
    stream.post("Встретили Игоря Сечина вчера")
    assert named(stream.post("Ждали Сечина вчера")) == {"Сечина": "Игорь Сечин"}
    stream.post("Встретили Павла Сечина вчера")
    assert named(stream.post("Ждали Сечина вчера")) == {"Сечина": "Сечин"}


def test_the_stream_forgets(stream: Stream) -> None:
    for _ in range(10):
        stream.post("Встретили Игоря Сечина вчера")
    assert named(stream.post("Ждали Сечина вчера", days=3)) == {"Сечина": "Игорь Сечин"}
    assert named(stream.post("Ждали Сечина вчера", days=60)) == {"Сечина": "Сечин"}


def test_timelines_do_not_meet(stream: Stream) -> None:
    for _ in range(10):
        stream.post("Встретили Игоря Сечина вчера", timeline="replay:a", channel="news", thread="x")
    assert named(stream.post("Ждали Сечина", channel="news", thread="x")) == {"Сечина": "Сечин"}


def test_a_post_with_two_namesakes_is_left_alone_though_the_stream_knows_one(stream: Stream) -> None:
    for _ in range(10):
        stream.post("Встретили Игоря Сечина вчера")
    found = named(stream.post("Игорь Сечин и Павел Сечин тут. Ждали Сечина вчера"))
    assert found["Сечина"] == "Сечин"
