"""Rows of files as posts: every format, watermarks, pace, and going on after a stop."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.base import BadConfiguration, BrokenInput, Collected, Found, Progress
from agents.manual_time import NOON, JumpingTime, ManualTime
from agents.replay.lines import MAX_LINE_BYTES, Line, line_blocks
from agents.replay.source import ReplaySource
from tests.agents.replay.replaying import CREATED, collect, found, lines, rejected, replay, row


async def test_a_row_becomes_a_post_of_the_file(tmp_path: Path) -> None:
    items = await replay(
        tmp_path / "tweets_banks_2014.jsonl", lines(row(1, likes=3, targets={"vtb": "neutral"}))
    )
    post = found(items)[0].post
    assert post.id == "tweets_banks_2014:1"
    assert post.created_at == datetime(2014, 7, 24, 17, 55, 54, tzinfo=UTC)
    assert post.collected_at == NOON
    assert post.timeline == "replay:tweets_banks_2014.jsonl"
    assert post.extras == {"likes": 3, "targets": {"vtb": "neutral"}}
    assert items[-1] == Progress(watermark=post.created_at, final=True)


async def test_names_can_be_chosen(tmp_path: Path) -> None:
    items = await replay(tmp_path / "a b.jsonl", lines(row(1)), source="my source", timeline="live")
    assert (found(items)[0].post.id, found(items)[0].post.timeline) == ("my_source:1", "live")


async def test_a_row_keeps_its_own_source_and_a_full_id_is_not_doubled(tmp_path: Path) -> None:
    content = lines(
        row(1, id="vk:7", source="vk"), row(2, id="f:8"), {"created_at": CREATED, "text": "x"}, row(3, id=9)
    )
    ids = [item.post.id for item in found(await replay(tmp_path / "f.jsonl", content))]
    assert ids[:2] == ["vk:7", "f:8"]
    assert ids[2] == "f:sha256-" + ids[2][-32:]
    assert ids[3] == "f:9"


async def test_a_duplicate_is_published_again(tmp_path: Path) -> None:
    assert len(found(await replay(tmp_path / "f.jsonl", lines(row(1), row(1))))) == 2


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst", ".gz", ""])
@pytest.mark.parametrize("compress", [gzip.compress, zstd, bytes])
async def test_compression_is_seen_in_the_content(
    tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    half = lines(row(1))
    items = await replay(tmp_path / f"f{suffix}", compress(half) + compress(lines(row(2))))
    assert [item.post.id for item in found(items)] == ["f:1", "f:2"]


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
async def test_a_cut_file_is_published_up_to_the_cut(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "f.jsonl.gz").write_bytes(compress(lines(row(1), row(2))) + compress(lines(row(3)))[:-9])
    source = ReplaySource(tmp_path / "f.jsonl.gz", clock=ManualTime().clock)
    items: list[Collected] = []
    with pytest.raises(BrokenInput, match=r"f\.jsonl\.gz: the (gzip|zstd) stream ends early"):
        async for item in source.posts(None):
            items.append(item)
    assert [item.post.native_id for item in found(items)][:2] == ["1", "2"]
    assert isinstance(items[-1], Progress) and items[-1].final


async def test_damage_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokenInput, match="damaged"):
        await replay(tmp_path / "f.gz", b"\x1f\x8b" + b"rubbish" * 10)
    with pytest.raises(BrokenInput, match="UTF-16"):
        await replay(tmp_path / "f.jsonl", "{}".encode("utf-16"))
    with pytest.raises(BrokenInput, match=r"one JSON array.*jq -c"):
        await replay(tmp_path / "f.json", b'\xef\xbb\xbf\n [{"id": "1"}]')


async def test_an_empty_file_is_a_replay_of_nothing(tmp_path: Path) -> None:
    for name in ("f.jsonl", "f.csv", "f"):
        assert found(await replay(tmp_path / name, b"")) == []


def test_a_missing_file_and_a_wrong_speed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="no such file"):
        ReplaySource(tmp_path / "none", clock=ManualTime().clock)
    (tmp_path / "f").touch()
    with pytest.raises(BadConfiguration, match="speed"):
        ReplaySource(tmp_path / "f", clock=ManualTime().clock, speed=0)


async def test_speed_paces_event_time_and_states_watermarks_before_pauses(tmp_path: Path) -> None:
    time = JumpingTime()
    first = datetime(2014, 7, 24, tzinfo=UTC)
    moments = [first, first + timedelta(hours=2), first + timedelta(hours=1), first + timedelta(hours=3)]
    path = tmp_path / "f.jsonl"
    path.write_bytes(lines(*(row(n, created_at=moment.isoformat()) for n, moment in enumerate(moments))))
    items = await collect(ReplaySource(path, clock=time.clock, sleep=time.sleep, speed=3600))
    assert time.pauses == [2.0, 1.0]
    watermarks = [item.watermark for item in items if isinstance(item, Progress)]
    assert watermarks == [moments[2], moments[3], moments[3], moments[3]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hours=st.lists(st.integers(0, 99), max_size=700),
    stop=st.integers(0, 700),
    form=st.sampled_from(["jsonl", "csv"]),
    bad=st.sets(st.integers(0, 700), max_size=5),
)
async def test_stopped_anywhere_it_goes_on_there_and_no_watermark_is_broken(
    tmp_path: Path, hours: list[int], stop: int, form: str, bad: set[int]
) -> None:
    first = datetime(2014, 7, 24, tzinfo=UTC)
    path = tmp_path / f"f.{form}"
    if form == "jsonl":
        rows = [
            row(n, created_at=(first + timedelta(hours=hour)).isoformat()) for n, hour in enumerate(hours)
        ]
        path.write_bytes(lines(*(b"broken" if n in bad else content for n, content in enumerate(rows))))
    else:
        table = ["id,created_at,text"] + [
            "broken" if n in bad else f'{n},{(first + timedelta(hours=hour)).isoformat()},"a\n{n}"'
            for n, hour in enumerate(hours)
        ]
        path.write_text("\n".join(table) + "\n")
    whole = await collect(ReplaySource(path, clock=ManualTime().clock))
    rows_of = [item for item in whole if not isinstance(item, Progress)]
    assert len(rows_of) == len(hours)
    if rows_of:
        at = min(stop, len(rows_of) - 1)
        rest = await collect(ReplaySource(path, clock=ManualTime().clock), rows_of[at].cursor)
        assert [item for item in rest if not isinstance(item, Progress)] == rows_of[at + 1 :]
    promised = datetime.min.replace(tzinfo=UTC)
    for item in whole:
        if isinstance(item, Found):
            assert item.post.created_at >= promised
        elif isinstance(item, Progress) and item.watermark is not None:
            promised = max(promised, item.watermark)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")), max_size=20),
    form=st.sampled_from(["jsonl", "csv"]),
)
async def test_any_bytes_give_a_post_or_a_rejection(tmp_path: Path, content: list[bytes], form: str) -> None:
    header = b"id,created_at,text\n" if form == "csv" else b"{}\n"
    items = await replay(tmp_path / f"f.{form}", header + b"\n".join(content))
    assert len(found(items)) + len(rejected(items)) <= len(content) + 1
    if form == "jsonl":
        assert len(rejected(items)) == 1 + sum(1 for line in content if line.removesuffix(b"\r").strip())


async def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        source = ReplaySource(None, clock=ManualTime().clock, descriptor=reading)
        items = source.posts(None)
        os.write(writing, lines(row(1)) + b'{"id": "2", ')
        first = await anext(items)
        assert isinstance(first, Found)
        assert (first.post.id, first.post.timeline, first.cursor) == ("stdin:1", "replay:stdin", None)
        assert await anext(items) == Progress(watermark=first.post.created_at - timedelta(hours=1))
        os.write(writing, b'"created_at": "2014-07-24", "text": ""}\n')
        second = await anext(items)
        assert isinstance(second, Found) and second.post.id == "stdin:2"
    finally:
        os.close(writing)
    rest = [item async for item in items]
    os.close(reading)
    assert rest[-1] == Progress(watermark=first.post.created_at, final=True)
    with pytest.raises(BrokenInput, match="cannot be read again"):
        await collect(source)


def test_a_line_without_end_is_cut() -> None:
    chunks = [b"a" * MAX_LINE_BYTES, b"b" * 10, b"\nnext\n", b"c" * (MAX_LINE_BYTES + 1)]
    first, second, third = (line for block in line_blocks(chunks) for line in block)
    assert (first.cut, len(first.content), first.end) == (True, MAX_LINE_BYTES, MAX_LINE_BYTES + 11)
    assert second == Line(2, MAX_LINE_BYTES + 16, b"next")
    assert (third.cut, third.end) == (True, 2 * MAX_LINE_BYTES + 17)


async def test_the_real_tweets_are_all_posts() -> None:
    folder = Path(os.environ.get("MOLVA_DATA", Path(__file__).parents[4] / "shared" / "data"))
    path = folder / "tweets_banks_2014.jsonl"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not there (set MOLVA_DATA)")
    source = ReplaySource(path, clock=ManualTime().clock)
    items = await collect(source)
    assert (len(found(items)), rejected(items), source.rows) == (4847, [], 4847)


async def test_a_cursor_of_another_file_starts_over(tmp_path: Path) -> None:
    items = await replay(tmp_path / "f.jsonl", lines(row(1), row(2)))
    (tmp_path / "f.jsonl").write_bytes(lines(row(1), row(2), row(3)))
    again = await collect(
        ReplaySource(tmp_path / "f.jsonl", clock=ManualTime().clock), found(items)[0].cursor
    )
    assert len(found(again)) == 3
