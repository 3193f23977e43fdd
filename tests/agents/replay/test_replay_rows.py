"""Unusual and bad rows of replayed files, JSON lines and CSV; their neighbours are unharmed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.base import BrokenInput
from tests.agents.replay.replaying import found, lines, rejected, replay, row

BAD_ROWS: list[tuple[str, bytes, str, str]] = [
    ("truncated JSON", b'{"id": "2", "created_at": "2014-07-24T', "not_json", "not JSON"),
    ("a list", b"[1, 2]", "invalid", "this is a list"),
    ("null", b"null", "invalid", "this is null"),
    ("a wrong date", lines(row(2, created_at="yesterday")).strip(), "invalid", "created_at"),
    ("no date", b'{"id": "2", "text": "x"}', "invalid", "created_at"),
    ("1970", lines(row(2, created_at="1970-01-01T00:00:00Z")).strip(), "implausible_time", "1970"),
    ("2100", lines(row(2, created_at="2100-01-01T00:00:00Z")).strip(), "implausible_time", "2100"),
    (
        "the year 1",
        lines(row(2, created_at="0001-01-01T00:00:00+05:00")).strip(),
        "implausible_time",
        "range",
    ),
    ("a timestamp of no time", lines(row(2, created_at=10**30)).strip(), "implausible_time", "no moment"),
    ("5 MB of text", lines(row(2, text="x" * 5_000_000)).strip(), "too_large", "text"),
    ("large extras", lines(row(2, blob="x" * 20_000)).strip(), "too_large", "extras"),
    (
        "no UTF-8",
        b'{"id": "2", "created_at": "2014-07-24T17:55:54Z", "text": "\xff\xfe"}',
        "not_json",
        "decode",
    ),
    ("an id that is a list", lines(row(2, id=["a"])).strip(), "invalid", "id:"),
]


@pytest.mark.parametrize(
    ("line", "reason", "detail"), [bad[1:] for bad in BAD_ROWS], ids=[bad[0] for bad in BAD_ROWS]
)
async def test_a_bad_row_is_rejected_and_its_neighbours_are_unharmed(
    tmp_path: Path, line: bytes, reason: str, detail: str
) -> None:
    items = await replay(tmp_path / "f.jsonl", lines(row(1), line, row(3)))
    assert [item.post.native_id for item in found(items)] == ["1", "3"]
    (bad,) = rejected(items)
    assert (bad.origin, bad.reason, bad.payload) == ("f.jsonl:2", reason, line)
    assert detail in bad.detail


GOOD_ROWS: list[tuple[str, bytes, str]] = [
    ("a date without zone is UTC", lines(row(2, created_at="2014-07-24 17:55:54")), "text 2"),
    ("a Unix timestamp", lines(row(2, created_at=1406224554)), "text 2"),
    ("milliseconds in a string", lines(row(2, created_at="1406224554000")), "text 2"),
    ("another zone", lines(row(2, created_at="2014-07-24T20:55:54+03:00")), "text 2"),
    ("NUL", b'{"id": "2", "created_at": "2014-07-24T17:55:54Z", "text": "a\\u0000b"}\n', "ab"),
    (
        "a lone surrogate",
        b'{"id": "2", "created_at": "2014-07-24T17:55:54Z", "text": "a\\ud83db"}\n',
        "a\ufffdb",
    ),
    ("10,000 emoji", lines(row(2, text="😀" * 10_000)), "😀" * 10_000),
    ("an empty text", lines(row(2, text="")), ""),
    ("Windows line ends", lines(row(2)).replace(b"\n", b"\r\n"), "text 2"),
    ("a byte order mark", b"\xef\xbb\xbf" + lines(row(2)), "text 2"),
    ("empty lines", b"\n  \n" + lines(row(2)) + b"\n\n", "text 2"),
    ("no end of the last line", lines(row(2)).strip(), "text 2"),
]


@pytest.mark.parametrize(
    ("content", "text"), [good[1:] for good in GOOD_ROWS], ids=[good[0] for good in GOOD_ROWS]
)
async def test_an_unusual_row_is_a_post(tmp_path: Path, content: bytes, text: str) -> None:
    items = await replay(tmp_path / "f.jsonl", content)
    assert rejected(items) == []
    (item,) = found(items)
    assert (item.post.text, item.post.created_at) == (text, datetime(2014, 7, 24, 17, 55, 54, tzinfo=UTC))


async def test_a_table_maps_columns_to_parts(tmp_path: Path) -> None:
    content = (
        "\ufeffid;created_at;text;author_name;author_followers;channel;likes;verdict\r\n"
        '1;2014-07-24;"a; ""b""\r\nc";Анна;12;Стена;3;ok\r\n'
    ).encode()
    (item,) = found(await replay(tmp_path / "f.csv", content))
    post = item.post
    assert post.text == 'a; "b"\nc'
    assert post.author is not None and (post.author.id, post.author.followers) == ("Анна", 12)
    assert post.channel is not None and post.channel.name == "Стена"
    assert (post.engagement.likes, post.extras) == (3, {"verdict": "ok"})


async def test_bad_rows_of_a_table(tmp_path: Path) -> None:
    header = b"id,created_at,text\n"
    good = b"%d,2014-07-24T17:55:54Z,good\n"
    content = (
        header + good % 1 + b"2,2014-07-24\n" + good % 3 + b'4,2014-07-24,"no end\n' + good % 5
        + b"6,2014-07-24,\xff\n" + good % 7 + b"8,2014-07-24," + b"x" * 200_000 + b"\n" + good % 9
        + b'10,2014-07-24,"a"b\n' + good % 11
    )  # fmt: skip
    items = await replay(tmp_path / "f.csv", content)
    assert [item.post.native_id for item in found(items)] == ["1", "3", "5", "7", "9", "11"]
    assert [(bad.origin, bad.reason) for bad in rejected(items)] == [
        ("f.csv:3", "invalid"),
        ("f.csv:5", "invalid"),
        ("f.csv:7", "invalid"),
        ("f.csv:9", "too_large"),
        ("f.csv:11", "invalid"),
    ]
    assert "2 columns where the header has 3" in rejected(items)[0].detail


@pytest.mark.parametrize("header", [b"id,text\n", b"id,created_at\n", b"id,created_at,text,id\n"])
async def test_a_table_without_its_columns_is_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(BrokenInput, match="the CSV header has"):
        await replay(tmp_path / "f.csv", header + b"1,2,3\n")
