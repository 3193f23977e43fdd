"""The quota of the day, limits, a day without growth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agents.base import Refused
from agents.youtube.cursor import Spent
from agents.youtube.options import Options
from agents.youtube.quota import Quota
from tests.agents.day import lives_a_day
from tests.agents.listing.checks import assert_paced
from tests.agents.telegram.items import ids, last_cursor
from tests.agents.youtube.reading import reader, teplo
from tests.agents.youtube.server import Server


async def test_the_quota_lasts_for_the_day_and_over_a_restart(site: Server) -> None:
    channel = site.channel("@teplobank")
    for number in range(5):
        site.publish(channel, f"Teplobank {number}")
    read = reader(site, teplo("@teplobank"), daily_units=1000)
    items = await read.read(until=read.passed(hours=10))
    first = site.units
    items = await read.read(last_cursor(items), until=read.passed(hours=9))
    assert first < site.units <= 2 * 1000, "Pacific midnight came once"
    assert site.requests["/youtube/v3/search"] <= 2 * 3


async def test_a_used_up_quota_ends_the_day(site: Server) -> None:
    site.publish(site.channel("@teplobank"), "раз")
    site.refusal = (403, "quotaExceeded")
    read = reader(site)
    items = await read.read(until=read.passed(hours=15))
    assert site.units == 1
    site.refusal = None
    assert ids(await read.read(last_cursor(items), until=read.passed(hours=6))) == ["video000000"]


def test_the_plan_of_a_day() -> None:
    now = datetime(2026, 11, 1, 7, 0, tzinfo=UTC)  # midnight in Los Angeles, a day of 25 hours
    spent = Spent()
    quota = Quota(spent, 1000, 0.3, lambda: now)
    for _ in range(100):
        quota.take(reserved=False)
    with pytest.raises(Refused, match="planned"):
        quota.take(reserved=False)
    quota.take()
    quota.take_search()
    with pytest.raises(Refused, match="planned"):
        quota.take_search()
    quota.used_up()
    now += timedelta(hours=24, minutes=59)
    with pytest.raises(Refused, match="used up") as told:
        quota.take()
    assert told.value.retry_after == timedelta(minutes=1, seconds=30)
    now += timedelta(minutes=2)
    quota.take()
    assert (spent.units, spent.searches) == (1, 0)


async def test_requests_keep_to_the_limit(site: Server) -> None:
    channel = site.channel("@teplobank")
    for number in range(50):
        site.comment(site.publish(channel, f"{number}"), "слово")
    read = reader(site)
    await read.read(limited=True, until=read.passed(minutes=3))
    assert len(site.times) > 50
    assert_paced(site.times, Options.LIMITS.requests_per_second, Options.LIMITS.burst)


async def test_a_day_without_growth(site: Server) -> None:
    channel = site.channel("@teplobank")
    read = reader(site, comments_for="12h")

    def every_hour(hour: int) -> None:
        video = site.publish(channel, f"час {hour}")
        for number in range(4):
            site.comment(video, f"{number}")

    async with read.web() as web:
        found = await lives_a_day(
            read.source(web),
            read.time,
            every_hour,
            connections=lambda: site.connections,
            most_connections=1,
            largest_cursor=10_000,
        )
    assert len(found) == len(set(found)) >= 5 * 22
    assert site.units < 2 * 10_000
