"""Parquet files replayed: types, nesting, cursors by row, bounded memory, damaged and hostile files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet as pq

from agents.base import BrokenInput, Collected, Progress
from agents.manual_time import ManualTime
from agents.replay.source import ReplaySource
from schemas import RawPost
from tests.agents.replay.replaying import collect, found, rejected

BEGIN = datetime(2014, 7, 24, 17, 55, 54, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


def source(path: Path, **options: Any) -> ReplaySource:
    return ReplaySource(path, clock=ManualTime().clock, **options)


def stored(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def many(path: Path, count: int, group: int) -> Path:
    columns = {
        "id": [str(number) for number in range(count)],
        "created_at": pa.array(
            [BEGIN + timedelta(seconds=n) for n in range(count)], pa.timestamp("us", "UTC")
        ),
        "text": [f"пост {number} 🙂" for number in range(count)],
    }
    return stored(path, columns, row_group_size=group)


async def posts(path: Path) -> list[RawPost]:
    items = await collect(source(path))
    assert rejected(items) == []
    return [item.post for item in found(items)]


async def test_rows_in_order_with_exact_watermarks(tmp_path: Path) -> None:
    items = await collect(source(many(tmp_path / "posts.parquet", 1000, 300)))
    assert [item.post.native_id for item in found(items)] == [str(number) for number in range(1000)]
    first = found(items)[0]
    assert (first.post.id, first.post.created_at) == ("posts:0", BEGIN)
    assert (first.post.text, first.origin) == ("пост 0 🙂", "posts.parquet:1")
    last = [item for item in items if isinstance(item, Progress)][-1]
    assert last.final and last.watermark == BEGIN + timedelta(seconds=999)


@pytest.mark.parametrize("behind", [0, 1, 255, 256, 299, 300, 301, 599, 600, 998, 999, 1000])
async def test_it_goes_on_behind_every_row(tmp_path: Path, behind: int) -> None:
    path = many(tmp_path / "posts.parquet", 1000, 300)
    whole = found(await collect(source(path)))
    cursor = None if behind == 0 else whole[behind - 1].cursor
    rest = found(await collect(source(path), cursor))
    assert [item.origin for item in rest] == [item.origin for item in whole[behind:]]
    assert all(len(item.cursor or "") < 80 for item in whole)


async def test_nested_and_flat_columns_make_the_same_post(tmp_path: Path) -> None:
    plain = {"id": [1], "created_at": ["2014-07-24T17:55:54Z"], "text": ["а"]}
    nested = stored(
        tmp_path / "same.parquet",
        plain
        | {
            "author": [{"id": "7", "name": "Иван", "followers": 3, "bio": None}],
            "channel": [{"id": "c", "own": True}],
            "engagement": [{"likes": 2, "views": None}],
            "media": [[{"kind": "photo", "url": "https://example.org/1.jpg", "alt": None}]],
        },
    )
    (one,) = await posts(nested)
    assert one.author is not None and (one.author.id, one.author.followers, one.author.bio) == ("7", 3, "")
    assert one.media[0].url.endswith("1.jpg")
    flat = plain | {
        "author_id": ["7"],
        "author": ["Иван"],
        "author_followers": [3.0],
        "channel_id": ["c"],
        "channel_own": [True],
        "likes": [2],
        "views": pa.array([None], pa.int64()),
    }
    (other,) = await posts(stored(tmp_path / "same.pq", flat))
    assert other == one.model_copy(update={"media": (), "timeline": "replay:same.pq"})


MOMENTS: Sequence[tuple[str, Any]] = [
    ("ns with a zone", pa.array([BEGIN], pa.timestamp("ns", "Europe/Moscow"))),
    ("us", pa.array([BEGIN], pa.timestamp("us", "UTC"))),
    ("ms without a zone is UTC", pa.array([BEGIN.replace(tzinfo=None)], pa.timestamp("ms"))),
    ("seconds", pa.array([BEGIN.replace(tzinfo=None)], pa.timestamp("s"))),
    ("an offset", pa.array([BEGIN], pa.timestamp("us", "+05:30"))),
    ("text", ["2014-07-24T20:55:54+03:00"]),
    ("Unix seconds", [int(BEGIN.timestamp())]),
    ("Unix milliseconds", [BEGIN.timestamp() * 1000]),
    ("binary text", pa.array([b"2014-07-24T17:55:54Z"], pa.binary())),
    ("a dictionary", pa.array(["2014-07-24T17:55:54Z"]).dictionary_encode()),
]


@pytest.mark.parametrize("moments", [case[1] for case in MOMENTS], ids=[case[0] for case in MOMENTS])
async def test_moments_of_every_kind(tmp_path: Path, moments: Any) -> None:
    path = stored(tmp_path / "m.parquet", {"id": ["1"], "created_at": moments, "text": ["а"]})
    assert [post.created_at for post in await posts(path)] == [BEGIN]


async def test_columns_unknown_here_are_kept_as_json(tmp_path: Path) -> None:
    columns = {
        "id": ["1"],
        "created_at": [BEGIN],
        "text": ["а"],
        "price": [Decimal("1.50")],
        "day": [date(2014, 7, 24)],
        "seen": pa.array([BEGIN.replace(tzinfo=None)], pa.timestamp("ns")),
        "took": [timedelta(seconds=2)],
        "tags": [["x", None, "y"]],
        "empty": pa.array([None], pa.string()),
        "missing": [float("nan")],
    }
    (post,) = await posts(stored(tmp_path / "k.parquet", columns))
    seen = "2014-07-24T17:55:54+00:00"
    extras = {"price": 1.5, "day": "2014-07-24", "seen": seen, "took": 2.0, "tags": ["x", "y"]}
    assert post.extras == extras


async def test_a_bad_row_is_a_dead_letter_and_its_neighbours_are_unharmed(tmp_path: Path) -> None:
    far = pa.array([0, 10**15, None, 1_400_000_000, 1_400_000_000], pa.int64()).cast(pa.timestamp("s"))
    texts = pa.Array.from_buffers(
        pa.string(),
        5,
        [None, *pa.array([b"a", b"b", b"c", b"\xff\xfe", b"good"], pa.binary()).buffers()[1:]],
    )
    path = stored(tmp_path / "bad.parquet", {"id": list("12345"), "created_at": far, "text": texts})
    items = await collect(source(path))
    assert [item.post.native_id for item in found(items)] == ["5"]
    letters = rejected(items)
    assert [(each.origin, each.reason) for each in letters] == [
        ("bad.parquet:1", "implausible_time"),
        ("bad.parquet:2", "invalid"),
        ("bad.parquet:3", "invalid"),
        ("bad.parquet:4", "invalid"),
    ]
    assert all(each.payload for each in letters) and b'"id": "1"' in letters[0].payload


@pytest.mark.parametrize(
    ("column", "values"),
    [("created_at", [True]), ("created_at", ["soon"]), ("text", [7]), ("id", [1.5]), ("rating", ["five"])],
)
async def test_wrong_types_are_dead_letters(tmp_path: Path, column: str, values: list[Any]) -> None:
    columns: dict[str, Any] = {"id": ["1"], "created_at": [BEGIN], "text": ["а"]} | {column: values}
    items = await collect(source(stored(tmp_path / "w.parquet", columns)))
    assert [each.reason for each in rejected(items)] == ["invalid"] and found(items) == []


async def broken(path: Path) -> tuple[list[Collected], str]:
    items: list[Collected] = []
    with pytest.raises(BrokenInput) as caught:
        async for item in source(path).posts(None):
            items.append(item)
    return items, str(caught.value)


@pytest.mark.parametrize("columns", [{"id": ["1"], "text": ["а"]}, {"created_at": [BEGIN], "body": ["а"]}])
async def test_the_columns_that_must_be_there(tmp_path: Path, columns: dict[str, Any]) -> None:
    _, told = await broken(stored(tmp_path / "c.parquet", columns))
    assert "c.parquet has no column" in told and "it has: " in told


async def test_damaged_files_are_told_clearly(tmp_path: Path) -> None:
    whole = many(tmp_path / "whole.parquet", 2000, 500).read_bytes()
    cases = {
        "cut off": whole[: len(whole) // 2],
        "no footer length": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        "a footer of noise": whole[:-200] + bytes(192) + whole[-8:],
        "only the magic": b"PAR1",
        "empty": b"",
        "text": b"id,text\n1,a\n",
    }
    for name, content in cases.items():
        path = tmp_path / f"{name.replace(' ', '_')}.parquet"
        path.write_bytes(content)
        items, told = await broken(path)
        assert items == [] and path.name in told and "Parquet" in told, name


async def test_what_stands_before_the_damage_is_published(tmp_path: Path) -> None:
    path = many(tmp_path / "d.parquet", 2000, 500)
    content = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(2).column(2)
    begin = group.dictionary_page_offset or group.data_page_offset
    content[begin : begin + 300] = bytes(300)
    path.write_bytes(content)
    items, told = await broken(path)
    assert len(found(items)) == 1000 and "1000 rows before were read" in told


async def test_packed_or_streamed_parquet_is_told(tmp_path: Path) -> None:
    plain = many(tmp_path / "p.parquet", 10, 10)
    packed = tmp_path / "p.parquet.zst"
    packed.write_bytes(zstandard.compress(plain.read_bytes()))
    _, told = await broken(packed)
    assert "p.parquet.zst is Parquet, which is read from its end: replay it as an unpacked file" in told
    with plain.open("rb") as stream, pytest.raises(BrokenInput, match="stdin is Parquet"):
        await collect(ReplaySource(None, clock=ManualTime().clock, descriptor=stream.fileno()))


MEASURE = """
import sys, pyarrow
from pathlib import Path
from agents.replay.parquet import ParquetInput
reading, rows = ParquetInput(Path(sys.argv[1])), 0
while batch := reading.take():
    rows += len(batch)
print(rows, pyarrow.default_memory_pool().max_memory())
"""


def test_one_huge_row_group_is_streamed(tmp_path: Path) -> None:
    count = 6_000
    columns = {
        "id": [str(number) for number in range(count)],
        "created_at": pa.array([BEGIN] * count, pa.timestamp("ns", "UTC")),
        "text": [f"{number} " + "я" * 5000 for number in range(count)],
    }
    path = stored(
        tmp_path / "huge.parquet", columns, row_group_size=count, compression="none", use_dictionary=False
    )
    assert path.stat().st_size > 55_000_000
    command = [sys.executable, "-c", MEASURE, str(path)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()
    assert int(told[0]) == count
    assert int(told[1]) < 30_000_000, "Arrow held a small part of the row group at a time"
