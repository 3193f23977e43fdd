"""What an agent of Telegram remembers is bounded; when channels are asked; which are the company's own."""

from __future__ import annotations

from datetime import timedelta

from agents.base import SourceUnavailable
from agents.fleet.cursor_rows import MAX_CURSOR_BYTES, pack
from agents.manual_time import ManualTime
from agents.pace import LONGEST_BACKOFF, Pace
from agents.telegram import albums, copies
from agents.telegram.copies import Copies
from agents.telegram.cursor import MAX_THREADS, Cursor, RoomState
from agents.telegram.options import MAX_CHANNELS
from agents.telegram_names import own_channels
from pipeline.core.watchlist import Alias, Watchlist, WatchObject
from tests.agents.telegram.items import ids, posts
from tests.agents.telegram.reading import Reader
from tests.agents.telegram.server import Server


def pace(time: ManualTime) -> Pace:
    spans = {"fastest": timedelta(seconds=10), "slowest": timedelta(minutes=5), "gap": timedelta(seconds=3)}
    return Pace(time.clock, lambda: 0.5, **spans)


def wait(known: Pace, time: ManualTime) -> float:
    return (known.due - time.clock()).total_seconds()


def test_a_silent_channel_is_asked_ever_more_seldom_and_one_with_news_soon() -> None:
    time = ManualTime()
    known = pace(time)
    assert wait(known, time) == 0
    waits = []
    for _ in range(12):
        known.visited(0)
        waits.append(wait(known, time))
    assert waits[:3] == [15.0, 22.5, 33.75]
    assert waits[-1] == 300.0
    known.visited(7)
    assert wait(known, time) == 150.0
    for _ in range(10):
        known.visited(1)
    assert wait(known, time) == 10.0


def test_the_source_may_want_to_be_left_alone_longer_but_not_for_ever() -> None:
    time = ManualTime()
    known = pace(time)
    known.visited(1, least=60.0)
    assert wait(known, time) == 60.0
    known.visited(1, least=86_400.0)
    assert wait(known, time) == 300.0


def test_failures_double_the_wait_and_pushed_news_does_not_break_it() -> None:
    time = ManualTime()
    known = pace(time)
    waits = []
    for _ in range(10):
        known.failed(SourceUnavailable("no"))
        waits.append(wait(known, time))
    assert waits[:3] == [300.0, 600.0, 1200.0]
    assert waits[-1] == LONGEST_BACKOFF.total_seconds()
    known.pushed()
    assert wait(known, time) == waits[-1]
    known.visited(0)
    known.pushed()
    assert wait(known, time) == 3.0
    known.postpone(timedelta(minutes=1))
    assert wait(known, time) == 60.0


def test_the_cursor_of_the_most_channels_fits() -> None:
    group = RoomState(
        id=1_999_999_999,
        access_hash=-(2**63),
        called="c/1999999999",
        title="т" * 128,
        pts=9_999_999,
        last=9_999_999,
        goal=9_999_999,
        albums=dict.fromkeys(range(9_900_000, 9_900_000 + albums.KEPT), 1023),
    )
    threads = dict.fromkeys(range(900_000, 900_000 + MAX_THREADS), 9_999_999)
    numbers = tuple(range(9_900_000, 9_900_000 + copies.KEPT))
    for comments in (group.changed(threads=threads, albums={}), group.changed(copies=numbers)):
        state = group.changed(called="a" * 32, group=comments)
        whole = Cursor(account=1, rooms={f"{'a' * 28}{number}": state for number in range(MAX_CHANNELS)})
        assert len(pack("telegram:one", whole.written())) <= MAX_CURSOR_BYTES


def test_threads_keep_to_the_newest_posts() -> None:
    state = RoomState(threads={})
    for number in range(200):
        state = state.noting({number: 0})
    assert state.threads is not None
    assert sorted(state.threads) == list(range(200 - MAX_THREADS, 200))


def test_copies_that_were_met_are_forgotten_in_the_end() -> None:
    known = Copies(1)
    for number in range(copies.REMEMBERED + 500):
        known.remember(number, number)
    assert not known.has(1)
    assert known.has(copies.REMEMBERED + 400)


def test_own_channels_of_the_watchlist() -> None:
    accounts = {
        "telegram": ("@TeploBank", "https://t.me/s/teplo_news", "12345", "teplo_bot", "ab"),
        "any": ("t.me/third_one", "teplobank.example", "vk.com/teplobank"),
        "vk": ("elsewhere",),
    }
    watched = WatchObject(id="bank", kind="brand", name="Б", aliases=(Alias(text="банк"),), accounts=accounts)
    assert own_channels(Watchlist((watched,))) == ("teplobank", "teplo_news", "third_one")
    assert own_channels(None) == ()


async def test_the_companys_own_channels_are_read_whole(telegram: Server) -> None:
    own, other = telegram.world.room("TeploBank"), telegram.world.room("news_daily")
    telegram.publish(own, "наша новость")
    telegram.publish(other, "чужая новость")
    watched = WatchObject(
        id="bank",
        kind="brand",
        name="Б",
        aliases=(Alias(text="банк"),),
        accounts={"telegram": ("@teplobank",)},
    )
    items = await Reader(telegram, "news_daily", watchlist=Watchlist((watched,))).read()
    assert ids(items) == ["news_daily/1", "teplobank/1"]
    found = posts(items)
    assert (found["teplobank/1"].channel.own, found["teplobank/1"].author.own) == (True, True)
    assert (found["news_daily/1"].channel.own, found["news_daily/1"].author.own) == (False, False)
