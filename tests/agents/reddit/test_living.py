"""Kills, limits, a day without growth."""

from __future__ import annotations

import pytest

from agents.reddit.options import Options
from tests.agents.day import lives_a_day
from tests.agents.listing.checks import assert_paced
from tests.agents.reddit.reading import TEPLO, reader
from tests.agents.reddit.server import Server
from tests.agents.telegram.items import ids, kills

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # asyncprawcore uses it


async def test_the_budget_that_reddit_tells_is_kept(site: Server) -> None:
    site.publish("Банк")
    site.remaining = ("1.0", "100")
    await reader(site).read()
    gaps = [(b - a).total_seconds() for a, b in zip(site.times, site.times[1:], strict=False)]
    assert max(gaps) >= 100


async def test_nothing_is_lost_by_a_kill_at_any_item(site: Server) -> None:
    own = [site.publish(f"Teplobank {number}", place="news") for number in range(3)]
    for name in own:
        site.comment(site.comment(name, "раз"), "два")
    for number in range(20):
        site.publish(f"новость {number}", place="teplobank")
    read = reader(site, TEPLO)
    whole = await read.read(until=read.passed(minutes=4))
    assert set(ids(whole)) == set(site.things)
    for before, saved in kills(whole, None):
        again = reader(site, TEPLO)
        assert set(before) | set(ids(await again.read(saved, until=again.passed(minutes=4)))) == set(
            site.things
        )


async def test_requests_keep_to_the_limit(site: Server) -> None:
    site.publish("Банк")
    read = reader(site, subreddits=[f"place_{number}" for number in range(20)])
    await read.read(limited=True)
    assert len(site.times) >= 40
    assert_paced(site.times, Options.LIMITS.requests_per_second, Options.LIMITS.burst)


async def test_a_day_without_growth(site: Server) -> None:
    read = reader(site)

    def every_hour(hour: int) -> None:
        name = site.publish(f"час {hour}")
        for number in range(4):
            site.comment(name, f"{number}")

    async with read.web() as web:
        found = await lives_a_day(
            read.source(web),
            read.time,
            every_hour,
            connections=lambda: site.connections,
            most_connections=1,
            largest_cursor=20_000,
        )
    assert len(found) == len(set(found)) >= 5 * 22
