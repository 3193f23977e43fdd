"""Messages as posts: charsets, broken headers, senders, threads, attachments, what nobody wrote."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.base import Found
from agents.email.folder import Letter
from agents.email.headers import addresses, decoded, text_of
from agents.email.options import Folder, Options
from agents.email.posts import Reading, Skipped, collected
from agents.manual_time import NOON
from pipeline.core.watchlist import Watchlist, WatchObject
from schemas import RawPost
from tests.agents.email.letters import letter
from tests.agents.email.reading import SECRETS

RUSSIAN = "Карта не работает, деньги списаны дважды"


def reading(watchlist: Watchlist | None = None, *, role: str = "complaints", **given: Any) -> Reading:
    entry = {"name": "a", "kind": "email", "host": "imap.b.example", "user": "Help@teplobank.example",
             "password": "env:PASSWORD", "hash_key": "env:KEY"}  # fmt: skip
    options = Options.model_validate(entry | given, context=SECRETS)
    return Reading(
        options, Folder(role=role, skip_bulk=role == "press"), watchlist, NOON + timedelta(minutes=1)
    )


def outcome(content: bytes, flags: Sequence[str] = (), **given: Any) -> Any:
    return collected(Letter(7, content, NOON, frozenset(flags), len(content)), reading(**given))


def post(content: bytes, **given: Any) -> RawPost:
    found = outcome(content, **given)
    assert isinstance(found, Found), found
    return found.post


def test_a_message_becomes_a_post_without_the_address_of_its_sender() -> None:
    found = post(letter(RUSSIAN, subject="Жалоба"))
    assert found.text == f"Жалоба\n{RUSSIAN}" and found.kind == "post" and found.created_at == NOON
    assert found.author is not None and found.author.name == "Anna" and not found.author.handle
    assert "anna" not in found.model_dump_json().replace("Anna", "")
    assert found.channel is not None and found.channel.handle == "help@teplobank.example"
    assert found.channel.kind == "mailbox" and found.extras["role"] == "complaints"
    again = post(letter("Другое", number=2, sender="ANNA@mail.example"))
    assert again.author is not None and again.author.id == found.author.id and again.author.name == ""
    elsewhere = post(letter(RUSSIAN), hash_key="env:TOKEN")
    assert elsewhere.author is not None and elsewhere.author.id != found.author.id


def test_addresses_are_kept_and_names_dropped_where_the_options_say_so() -> None:
    author = post(letter(RUSSIAN), addresses="keep", names="drop").author
    assert author is not None and (author.id, author.handle, author.name) == ("anna@mail.example",) * 2 + (
        "",
    )


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r", "iso-8859-5", "utf-16", "cp866"])
@pytest.mark.parametrize("encoding", ["base64", "8bit"])
def test_charsets(charset: str, encoding: str) -> None:
    if charset == "utf-16" and encoding == "8bit":
        return  # not a text of mail
    raw = RUSSIAN.encode(charset)
    body = base64.encodebytes(raw) if encoding == "base64" else raw
    word = f"=?{charset}?B?{base64.b64encode('Жалоба'.encode(charset)).decode()}?="
    head = letter("", subject=word, kind=f"text/plain; charset={charset}", encoding=encoding)
    assert post(head + body).text == f"Жалоба\n{RUSSIAN}"


@pytest.mark.parametrize("real", ["utf-8", "windows-1251", "koi8-r"])
@pytest.mark.parametrize("claimed", ["", "us-ascii", "iso-8859-1", "utf-8", "no-such-charset", "ansi", "hex"])
def test_charsets_that_are_wrong_or_missing_are_guessed(real: str, claimed: str) -> None:
    head = letter("", kind=f"text/plain; charset={claimed}" if claimed else "text/plain", subject="S")
    assert post(head + RUSSIAN.encode(real)).text == f"S\n{RUSSIAN}"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?B?0J/RgNC40LLQ?= =?utf-8?B?tdGC?=", "Привет"),
        ("=?utf-8?B?0J/RgNC40LLQtdGC?==?utf-8?Q?_=D0=BC=D0=B8=D1=80?=", "Привет мир"),
        ("=?UTF-8?Q?=D0=9F=D1=80=D0=B8 =D0=B2=D0=B5=D1=82?=", "При вет"),
        ("=?utf-8?B?0J/RgNC40LLQtdGC", "=?utf-8?B?0J/RgNC40LLQtdGC"),
        ("=?utf-8?B?0J/RgNC40LLQtdG?=", "Приве"),
        ("=?windows-1251*ru?Q?=CF=F0=E8=E2=E5=F2?=", "Привет"),
        ("Re: =?koi8-r?B?8NLJ18XU?= 1", "Re: Привет 1"),
        ("=?x-unknown?B?0J/RgNC40LLQtdGC?=", "Привет"),
        ("=?utf-8?B?8J+YgA==?=", "😀"),
    ],
)
def test_encoded_words_also_broken_ones(raw: str, text: str) -> None:
    assert text_of(raw).startswith(text)


@pytest.mark.parametrize(
    ("raw", "name", "mail"),
    [
        ('"=?utf-8?B?0JDQvdC90LA=?=" <A@b.example>', "Анна", "a@b.example"),
        ("=?utf-8?B?0JjQstCw0L3QvtCyLCDQkNC90L3QsA==?= <a@b.example>", "Иванов, Анна", "a@b.example"),
        ("a@b.example", "", "a@b.example"),
        ('"a@b.example" <a@b.example>', "", "a@b.example"),
        ("Анна Иванова <a@b.example", "Анна Иванова", "a@b.example"),
        ("<a@b.example>, c@d.example", "", "a@b.example"),
    ],
)
def test_senders(raw: str, name: str, mail: str) -> None:
    assert addresses(raw)[0] == (name, mail)


def test_raw_letters_in_headers_are_decoded() -> None:
    for charset in ("utf-8", "cp1251", "koi8-r"):
        content = letter("Текст", subject="SUBJECT", sender="NAME <a@b.example>")
        content = content.replace(b"SUBJECT", "Жалоба на карту".encode(charset))
        content = content.replace(b"NAME", "Анна Петрова".encode(charset))
        found = post(content)
        assert found.text == "Жалоба на карту\nТекст" and found.author and found.author.name == "Анна Петрова"


def test_threads_are_tied_by_message_ids() -> None:
    first = post(letter("Вопрос", number=1))
    headers = "References: <1@mail.example>\r\n <2@mail.example>\r\nIn-Reply-To: <2@mail.example>\r\n"
    reply = post(letter("Ответ", number=3, subject="Re: Вопрос", headers=headers))
    second = post(letter("Другой", number=2))
    assert (reply.kind, reply.thread_root, reply.reply_to) == ("comment", first.id, second.id)
    assert reply.text == "Ответ", "a reply does not have the words of the subject once more"
    assert post(letter("", subject="Re: Вопрос", number=4, headers=headers)).text == "Вопрос"
    assert post(letter("Иначе", number=1)).id == first.id, (
        "the same message in another folder is the same post"
    )


def test_attachments_are_named_and_html_is_read() -> None:
    name = base64.b64encode("Скан.pdf".encode()).decode()
    body = (
        "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain\n\nsee html\n"
        "--c\nContent-Type: text/html; charset=utf-8\n\n<p>Карта <b>не</b> работает, и уже очень "
        "давно</p><style>x</style>\n"
        f'--c--\n--b\nContent-Type: application/pdf; name="=?utf-8?B?{name}?="\nContent-Disposition: '
        f"attachment\n\nJVBERi0=\n"
        "--b\nContent-Type: image/png\nContent-Disposition: inline; "
        "filename*=utf-8''%D1%84%D0%BE%D1%82%D0%BE.png\n"
        "Content-Transfer-Encoding: base64\n\niVBOR\n--b\nContent-Type: application/x-new-thing; "
        "name=x.new\n\nzz\n"
        "--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nzz\n--b--\n"
    )
    found = post(letter(body, kind="multipart/mixed; boundary=b", subject="S"))
    assert found.text == "S\nКарта не работает, и уже очень давно"
    assert [(media.kind, media.alt) for media in found.media] == [
        ("document", "Скан.pdf"), ("photo", "фото.png"), ("document", "x.new"),
    ]  # fmt: skip
    only = post(
        letter("--b\nContent-Type: image/png; name=a.png\n\nxx\n--b--\n", kind="multipart/mixed; boundary=b")
    )
    assert only.text == "Письмо 1" and len(only.media) == 1


def test_a_message_that_is_forwarded_as_an_attachment_is_the_original() -> None:
    inner = letter(
        RUSSIAN, number="inner", sender="Клиент <client@mail.example>", at=NOON - timedelta(hours=3)
    ).decode()
    note = "--b\nContent-Type: text/plain; charset=utf-8\n\nПрошу разобраться\n--b\n"
    outer = f"{note}Content-Type: message/rfc822\n\n{inner}\n--b--"
    found = post(letter(outer.replace("\r\n", "\n"), kind="multipart/mixed; boundary=b", subject="Fwd: x"))
    assert found.text == f"Письмо inner\n{RUSSIAN}" and found.author and found.author.name == "Клиент"
    assert found.created_at == NOON - timedelta(hours=3) and found.extras["forwarded"] is True


def test_a_forward_in_the_text_has_the_author_and_the_date_of_the_original() -> None:
    text = (
        "---------- Forwarded message ---------\nОт: Клиент <client@mail.example>\nDate: пт, 20 нояб. "
        "2026 г. в 12:00\n"
        f"Subject: Жалоба\nTo: <help@teplobank.example>\n\n{RUSSIAN}"
    )
    found = post(letter(text, subject="Fwd: Карта"))
    assert (found.text, found.created_at) == (f"Жалоба\n{RUSSIAN}", datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
    assert found.author is not None and found.author.name == "Клиент"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ("Auto-Submitted: auto-replied\r\n", "auto-reply"),
        ("X-Autoreply: yes\r\n", "auto-reply"),
        ("Precedence: auto_reply\r\n", "auto-reply"),
        ("X-Failed-Recipients: a@b.example\r\n", "bounce"),
        ("X-Spam-Flag: YES\r\n", "spam"),
    ],
)
def test_what_nobody_wrote_is_left_out(headers: str, reason: str) -> None:
    assert outcome(letter("x", headers=headers)) == Skipped(reason)


def test_more_of_what_nobody_wrote() -> None:
    report = "multipart/report; report-type=delivery-status; boundary=b"
    assert outcome(letter("--b\n\nx\n--b--", kind=report)) == Skipped("bounce")
    assert outcome(letter("x", sender="Mail Delivery <MAILER-DAEMON@mail.example>")) == Skipped("bounce")
    assert outcome(letter("x", subject="Автоматический ответ: Карта")) == Skipped("auto-reply")
    assert outcome(letter("x"), flags=["\\draft"]) == Skipped("draft")
    bulk = letter("x", headers="List-Unsubscribe: <mailto:a@b.example>\r\n")
    assert outcome(bulk, role="press") == Skipped("bulk")
    post(bulk)
    post(letter("Форма на сайте", headers="Auto-Submitted: auto-generated\r\n"))


def test_a_clock_that_is_wrong_is_not_believed() -> None:
    for wrong in (timedelta(days=-400), timedelta(days=30), timedelta(hours=5)):
        assert post(letter("x", at=NOON + wrong)).created_at == NOON
    content = letter("x").replace(b"Date: ", b"Date: yesterday ")
    assert post(content).created_at == NOON


def test_own_senders_and_mailboxes_are_marked() -> None:
    watchlist = _watchlist()
    found = post(letter("Ответ банка", sender="Банк <press@teplobank.example>"), watchlist=watchlist)
    assert found.author is not None and found.author.own and found.author.handle == "press@teplobank.example"
    assert found.channel is not None and found.channel.own
    stranger = post(letter("x"), watchlist=watchlist).author
    assert stranger is not None and not stranger.own


def _watchlist() -> Watchlist:
    bank = {"id": "bank", "kind": "brand", "name": "Теплобанк", "aliases": [{"text": "теплобанк"}],
            "accounts": {"email": ["help@teplobank.example", "@teplobank.example"]}}  # fmt: skip
    return Watchlist((WatchObject.model_validate(bank),))


def test_a_message_of_bytes_alone_and_one_that_is_cut() -> None:
    assert post(b"").text == "" and post(b"\x00\xff\n\n\xfe").author is None
    cut = Letter(7, letter("x" * 500)[:300], NOON, frozenset(), 900)
    found = collected(cut, reading())
    assert isinstance(found, Found) and found.post.extras["cut_at_bytes"] == 300


def test_no_codec_that_is_no_charset() -> None:
    text = "a-" + "9" * 1_000_000
    assert post(letter(text, kind="text/plain; charset=punycode")).text.startswith("Письмо 1\na-999")
    assert text_of("=?punycode?q?a-99?= =?idna?q?b?=") == "a-99b"
    for charset in ("idna", "undefined", "punycode", "no-such"):
        attached = f"Content-Disposition: attachment; filename*={charset}''a%2D9.pdf\r\n"
        found = post(letter("x", kind="application/pdf", headers=attached))
        assert [media.alt for media in found.media] == ["a-9.pdf"], charset


@given(st.binary(max_size=600))
def test_no_bytes_break_it(content: bytes) -> None:
    assert outcome(b"From: a@b.example\n" + content)
    assert outcome(letter("", kind="multipart/mixed; boundary=b") + content)
    decoded(content, "utf-7")
