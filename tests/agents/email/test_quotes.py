"""What of a mail is its sender's own text: replies, forwards, signatures of the usual programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.email.dates import written
from agents.email.mime import quoted_html
from agents.email.quotes import cut

MOSCOW = timezone(timedelta(hours=3))
HEAD = "От: Анна <anna@mail.example>\nОтправлено: 20 ноября 2026 г. 12:00\nКому: Банк\nТема: Карта"
ENGLISH = "From: Anna <anna@mail.example>\nSent: Friday, November 20, 2026 12:00 PM\nTo: Bank\nSubject: Card"

REPLIES = {
    "gmail": "On Fri, Nov 20, 2026 at 12:00 PM Anna <anna@mail.example> wrote:\n\n> Старое\n> ещё",
    "gmail wrapped": "On Fri, Nov 20, 2026 at 12:00 PM Anna Petrovna Longname\n<anna@mail.example> "
    "wrote:\n\n> Старое",
    "gmail ru": "пт, 20 нояб. 2026 г. в 12:00, Анна <anna@mail.example>:\n\n> Старое",
    "apple": "> 20 нояб. 2026 г., в 12:00, Анна <anna@mail.example> написал(а):\n> \n> Старое",
    "apple ru": "20 нояб. 2026 г., в 12:00, Анна <anna@mail.example> написал(а):\n\nСтарое",
    "thunderbird": "20.11.2026 12:00, Анна пишет:\n> Старое",
    "thunderbird en": "On 20.11.2026 12:00, Anna wrote:\n> Старое",
    "yandex": '20.11.2026, 12:00, "Анна" <anna@mail.example>:\nСтарое',
    "mail.ru": "Пятница, 20 ноября 2026, 12:00 +03:00 от Анна <anna@mail.example>:\nСтарое",
    "outlook": f"________________________________\n{HEAD}\n\nСтарое",
    "outlook en": f"-----Original Message-----\n{ENGLISH}\n\nСтарое",
    "outlook bold": "*From:* Anna <a@b.example>\n*Sent:* Friday\n*To:* Bank\n*Subject:* Card\nСтарое",
    "исходное": f"-----Исходное сообщение-----\n{HEAD}\nСтарое",
    "quotes only": "> Старое\n>> старее",
}


@pytest.mark.parametrize("program", REPLIES)
def test_what_a_reply_quotes_is_cut(program: str) -> None:
    for signature in ("", "--\nПётр\n", "С уважением,\nПётр\n+7 900\n\n", "Отправлено с iPhone\n\n"):
        found = cut(f"Мой ответ 😀\n\n{signature}{REPLIES[program]}")
        assert (found.own, found.original) == ("Мой ответ 😀", None)


def test_answers_between_the_lines_of_a_quote_stay() -> None:
    text = "20.11.2026 12:00, Анна пишет:\n> Работает?\nНет.\n> А теперь?\nТоже нет.\n-- \nПётр"
    assert cut(text).own == "Нет.\nТоже нет."


FORWARDS = {
    "gmail": "---------- Forwarded message ---------\nFrom: Anna <anna@mail.example>\n"
    "Date: Fri, Nov 20, 2026 at 12:00 PM\nSubject: Card\nTo: <bank@b.example>\n\n\nЖалоба",
    "yandex": '-------- Пересылаемое сообщение --------\n20.11.2026, 12:00, "Анна" <anna@mail.example>'
    ":\nЖалоба\n"
    "-------- Конец пересылаемого сообщения --------\nПётр",
    "mail.ru": "-------- Пересылаемое сообщение --------\nОт кого: Анна <anna@mail.example>\nКому: Банк\n"
    "Дата: Пятница, 20 ноября 2026, 12:00 +03:00\nТема: Карта\n\nЖалоба",
    "thunderbird": "-------- Перенаправленное сообщение --------\nТема: \tКарта\nДата: \tFri, 20 Nov "
    "2026 12:00:00 +0300\n"
    "От: \tАнна <anna@mail.example>\nКому: \tБанк\n\n\nЖалоба",
    "apple": "Начало переадресованного сообщения:\n\n> От: Анна <anna@mail.example>\n> Тема: Карта\n"
    "> Дата: 20 ноября 2026 г. в 12:00:00 GMT+3\n> Кому: Банк\n> \n> Жалоба",
    "apple en": "Begin forwarded message:\n\nFrom: Anna <anna@mail.example>\nSubject: Card\n"
    "Date: 20 November 2026 at 12:00:00 GMT+3\nTo: Bank\n\nЖалоба",
    "outlook": f"{HEAD}\n\nЖалоба",
    "outlook en": f"________________________________\n{ENGLISH}\n\nЖалоба",
    "original": f"-----Original Message-----\n{ENGLISH}\n\nЖалоба",
}


@pytest.mark.parametrize("program", FORWARDS)
@pytest.mark.parametrize(
    "note", ["", "FYI\n", "Коллеги, добрый день! Прошу рассмотреть.\n\nС уважением,\nПётр\n\n"]
)
def test_a_forward_without_words_gives_the_original(program: str, note: str) -> None:
    found = cut(note + FORWARDS[program], forwarded=True)
    assert found.passed_on and found.original is not None
    assert found.original.text == "Жалоба"
    assert "anna@mail.example" in found.original.head["from"]
    assert written(found.original.head["date"], MOSCOW) == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_a_forward_with_words_gives_the_words() -> None:
    found = cut(f"Опять та же беда с картой.\n\n{FORWARDS['gmail']}", forwarded=True)
    assert not found.passed_on and found.own == "Опять та же беда с картой."


def test_of_a_chain_of_forwards_the_first_message_counts() -> None:
    chain = f"{ENGLISH.replace('Card', 'FW: Card')}\n\nfyi\n\n{FORWARDS['mail.ru']}"
    found = cut(f"{HEAD.replace('Тема: ', 'Тема: FW: ')}\n\n{chain}", forwarded=True)
    assert found.original is not None and found.original.text == "Жалоба"
    assert found.original.head["from"] == "Анна <anna@mail.example>"


@pytest.mark.parametrize(
    "text",
    [
        "Дата: 20 ноября\nТема: нет",
        "В 12:00 мне написали: ждите",
        "Купил 20.11.2026 в 12:00 карту, и вот что:\nона не работает",
        "От меня: требую ответа",
        "С уважением отношусь к банку, но карта не работает.\n" + "Очень длинный рассказ. " * 60,
        "1. Первое\n2. Второе",
        "a | b",
    ],
)
def test_what_only_looks_like_a_mark_stays(text: str) -> None:
    assert cut(text).own == text.strip()


def test_postscripts_below_a_signature_stay() -> None:
    assert cut("Текст\n\nС уважением,\nАнна\nP.S. И ещё одно").own == "Текст\n\nP.S. И ещё одно"


def test_quotes_of_html_get_marks() -> None:
    html = (
        "<div>Ответ<br>второй<blockquote type='cite'><p>Старое</p><blockquote>старее</blockquote>"
        "снова</blockquote>"
        "</div><p>После</p>"
    )
    assert quoted_html(html) == "Ответ\nвторой\n> Старое\n>> старее\n> снова\nПосле"


@given(st.text(max_size=400))
def test_no_text_breaks_it(text: str) -> None:
    cut(text, forwarded=True)
    written(text, None)
