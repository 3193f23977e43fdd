"""Letters that strangers make to stop or to slow the agent: docs/security-ingest.md. None may take long."""

from __future__ import annotations

import pytest

from agents.base import Found, Rejected
from agents.email import headers, mime
from agents.email.quotes import cut
from tests.agents.email.letters import letter
from tests.agents.email.reading import Reader
from tests.agents.email.server import USER, Server
from tests.agents.email.test_posts import outcome
from tests.agents.telegram.items import ids

MANY = 400_000
NESTED = "Content-Type: multipart/mixed; boundary=b{0}\n\n--b{0}\n"


def bare(kind: str, body: bytes = b"\xff", *, more: str = "", sender: str = "a@b.example") -> bytes:
    head = f"From: {sender}\nMessage-ID: <x@b.example>\nSubject: x\nMIME-Version: 1.0\nContent-Type: {kind}\n"
    return (head + more).encode() + b"\n" + body


def nested(times: int, body: str = "x") -> bytes:
    return (
        bare("text/plain", b"").replace(b"Content-Type: text/plain\n\n", b"")
        + ("".join(NESTED.format(number) for number in range(times)) + body).encode()
    )


UNREADABLE: dict[str, bytes] = {
    "a charset that decodes nothing": bare("text/plain; charset=undefined"),
    "a charset of names of hosts": bare("text/plain; charset=idna"),
    "a charset with NUL": bare('text/plain; charset="a\0b"'),
    "a charset in a charset": bare("text/plain; charset*=utf-8''utf-8"),
    "a file name in no charset": bare(
        "image/png; name=a", more="Content-Disposition: x; filename*=undefined''x\n"
    ),
    "a file name of a host": bare("image/png", more="Content-Disposition: x; filename*=idna''x%FF\n"),
    "a sender in comments": bare("text/plain", sender="(" * 5000),
    "parts in parts": nested(1500),
    "letters in letters": bare("text/plain", b"Content-Type: message/rfc822\n\n" * 1500).replace(
        b"Content-Type: text/plain\n\n", b""
    ),
    "many lines in many parts": nested(90, "\n" * 200_000),
    "a flood of parameters": bare('multipart/mixed; a="' + ";" * 2_000_000),
    "a flood of headers": bare("text/plain", more="a:\n" * 100_000),
    "flowing lines": bare("text/plain; format=flowed", b"a \n" * 300_000),
    "quotes in quotes": bare("text/html", b"<blockquote>" * 100_000),
    "words without an end": bare("text/plain", sender="=?a?b?" * 3000),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_no_letter_raises_or_takes_long(name: str) -> None:
    made = outcome(UNREADABLE[name])
    assert isinstance(made, Found | Rejected)
    if isinstance(made, Rejected):
        assert "cannot be read" in made.detail and not made.payload


async def test_the_agent_goes_on_behind_them(imap: Server) -> None:
    imap.publish(letter(number="first"))
    for content in UNREADABLE.values():
        imap.publish(content[:1_000_000])
    imap.publish(letter(number="last"))
    items = await Reader(imap).read()
    rejected = [item for item in items if isinstance(item, Rejected)]
    assert len(ids(items)) + len(rejected) == len(UNREADABLE) + 2
    assert any("RecursionError" in each.detail for each in rejected)
    assert all(each.origin.startswith(f"{USER}/INBOX#") for each in rejected)


LINES = {
    "blanks": " " * MANY + "x",
    "blanks of HTML": "\xa0" * MANY + "x",
    "a header": "From" + " " * MANY + "x",
    "a header's value": "From: " + " " * MANY + "x",
    "a forward": "Forwarded message" + " " * MANY + "x",
    "a forward without a head": "fwd message\n" * 33_000,
    "quotes": "> " * (MANY // 2) + "x",
    "dashes": "- " * (MANY // 2) + "x",
    "many lines of marks": ("> " * 495 + "x\n") * (MANY // 1000),
    "dates": ("1.1.2026 1:11 1:11 1:11 " + " от x" * 90 + ":\n") * 400,
    "the mark of a reply": "fwd message\n1.1.2026 12:00" + " " * MANY + "x:\n",
    "signatures": "-- x\nс уважением\n" * 20_000,
    "a note": "fyi " * 100_000 + "\n---------- Forwarded message ---------\nFrom: a\nTo: b\nx",
}


@pytest.mark.parametrize("forwarded", [True, False])
@pytest.mark.parametrize("name", LINES)
def test_no_text_takes_long(name: str, forwarded: bool) -> None:
    cut(LINES[name], forwarded=forwarded)


def test_headers_are_cut_where_they_would_take_long() -> None:
    message = mime.parsed(bare("text/plain; a=" + "x" * 9000, more="References: " + "<a@b> " * 9000 + "\n"))
    assert len(str(message["Content-Type"])) == mime.MAX_PARAMETERS
    assert len(str(message["References"])) == headers.MAX_HEADER


def test_runs_of_blanks_become_one() -> None:
    assert cut("карта \t не   работает").own == "карта не работает"
