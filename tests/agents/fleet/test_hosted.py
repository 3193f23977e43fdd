"""One agent of a fleet: live and past side by side, failures told and tried again, nothing left behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agents.fleet.cursor_rows import BACKFILL, REQUEST, pack
from agents.fleet.hosted import REMEDY_SECONDS
from agents.fleet.past_runs import request_key
from agents.options import Backfill
from pipeline.topics import DELETED, RAW
from schemas import RawPost
from tests.agents.fleet.counting import Options
from tests.agents.fleet.hosting import House

AGENT = "counting:a"
JANUARY = Backfill(since="2026-01-01", until="2026-01-02")  # type: ignore[arg-type]


def options(**more: Any) -> Options:
    return Options(name="a", **more)


def posts_of(house: House) -> int:
    """As its newest report tells."""
    return max((report.posts for report in house.reports(AGENT)), default=0)


def timelines(house: House) -> dict[str, int]:
    counted: dict[str, int] = {}
    for record in house.publisher.of(RAW):
        if isinstance(record, RawPost):
            counted[record.timeline] = counted.get(record.timeline, 0) + 1
    return counted


async def test_it_goes_on_from_its_row_and_reports() -> None:
    house = House({AGENT: pack(AGENT, "100")})
    hosted = house.host(options())
    await house.until(lambda: posts_of(house) > 30)
    await hosted.stop(orderly=True)
    posts = [record for record in house.publisher.of(RAW) if isinstance(record, RawPost)]
    assert posts[0].native_id == "a/100" and len(house.publisher.of(DELETED)) > 0
    first, *_, last = house.reports(AGENT)
    assert (first.phase, last.phase) == ("starting", "stopped") and last.owner == "here:1"
    assert last.posts == len(posts) and last.last_post_at is not None and last.posts_per_minute > 0
    assert house.reports(AGENT)[-2].phase == "running"
    assert int(dict(house.written)[AGENT].split(b'"cursor": "')[1].rstrip(b'"}')) == 100 + len(posts)  # type: ignore[union-attr]


async def test_what_it_exported_goes_with_it() -> None:
    house = House()
    hosted = house.host(options())
    await house.until(lambda: posts_of(house) > 0)
    assert house.sample("molva_agent_running", agent=AGENT) == 1
    assert house.sample("molva_source_silence_surprise", agent=AGENT, source="counting") is not None
    await hosted.stop(orderly=False)
    assert house.sample("molva_agent_running", agent=AGENT) is None
    assert house.sample("molva_source_silence_surprise", agent=AGENT, source="counting") is None
    assert house.sample("molva_agent_posts_total", agent=AGENT) is not None, "a counter goes on"
    assert all(report.phase != "stopped" for report in house.reports(AGENT))


async def test_missing_credentials_are_told_and_tried_again_later() -> None:
    house = House()
    hosted = house.host(options(broken="VK_TOKEN lacks the right `wall`"))
    await house.until(
        lambda: sum(report.errors.get("BadConfiguration", 0) for report in house.reports(AGENT)) > 3
    )
    report = house.reports(AGENT)[-1]
    assert (report.phase, report.problem) == ("failed", "VK_TOKEN lacks the right `wall`")
    assert house.sample("molva_agent_running", agent=AGENT) == 0
    assert REMEDY_SECONDS in house.time.pauses
    await hosted.stop(orderly=True)


async def test_a_back_fill_of_the_file_runs_beside_the_present_once() -> None:
    house = House()
    hosted = house.host(options(backfill=JANUARY))
    await house.until(
        lambda: any(report.backfill and report.backfill.done for report in house.reports(AGENT))
    )
    await hosted.stop(orderly=True)
    counted = timelines(house)
    assert counted["backfill:counting:a:2026-01-01..2026-01-02"] == 24 and counted["live"] > 0
    assert house.sample("molva_agent_posts_total", agent=f"{AGENT}{BACKFILL}") == 24
    again = House(house.rows)
    hosted = again.host(options(backfill=JANUARY))
    await again.until(lambda: posts_of(again) > 30)
    await hosted.stop(orderly=True)
    assert set(timelines(again)) == {"live"}


async def test_a_back_fill_waits_while_stages_are_behind_and_the_present_goes_on() -> None:
    house = House()
    house.past_backlog.tell(11)
    hosted = house.host(options(backfill=JANUARY))
    await house.until(lambda: posts_of(house) > 50)
    assert set(timelines(house)) == {"live"}
    house.past_backlog.tell(0)
    await house.until(
        lambda: any(report.backfill and report.backfill.done for report in house.reports(AGENT))
    )
    await hosted.stop(orderly=True)
    assert timelines(house)["backfill:counting:a:2026-01-01..2026-01-02"] == 24


async def test_a_kind_without_a_past_says_so_and_is_not_asked_again() -> None:
    key = request_key(AGENT, JANUARY)
    house = House({key: JANUARY.model_dump_json().encode()})
    hosted = house.host(options(past=False))
    await house.until(lambda: (key, None) in house.written)
    await house.until(lambda: posts_of(house) > 0 and house.reports(AGENT)[-1].backfill is not None)
    shown = house.reports(AGENT)[-1].backfill
    assert shown is not None and shown.problem == "the counting agent cannot collect the past"
    assert not shown.done and house.reports(AGENT)[-1].phase == "running"
    await hosted.stop(orderly=True)


async def test_a_request_is_worked_off_and_deleted_whenever_it_comes() -> None:
    key = request_key(AGENT, JANUARY)
    assert key == f"{AGENT}{REQUEST}2026-01-01..2026-01-02"
    early = House({key: JANUARY.model_dump_json().encode()})
    hosted = early.host(options())
    await early.until(lambda: (key, None) in early.written)
    await hosted.stop(orderly=True)
    late = House()
    hosted = late.host(options())
    await late.until(lambda: posts_of(late) > 0)
    await hosted.told(key, JANUARY.model_dump_json().encode())
    await late.until(lambda: (key, None) in late.written)
    await hosted.stop(orderly=True)
    for house in (early, late):
        assert timelines(house)["backfill:counting:a:2026-01-01..2026-01-02"] == 24


async def test_a_request_that_is_none_disturbs_nobody() -> None:
    house = House({f"{AGENT}{REQUEST}x": b"{"})
    hosted = house.host(options())
    await hosted.told(f"{AGENT}{REQUEST}y", b'{"since": 1}')
    await house.until(lambda: posts_of(house) > 0)
    await hosted.stop(orderly=True)
    assert set(timelines(house)) == {"live"}


async def test_a_cursor_file_of_a_run_before_the_fleet_is_taken_over_once() -> None:
    house = House()
    await house.files.save("counting", "40")
    hosted = house.host(options())
    await house.until(lambda: posts_of(house) > 0)
    await hosted.stop(orderly=True)
    assert house.publisher.of(RAW)[0].event_id == "counting:a/40"
    assert house.files.load("counting") is None
    assert house.written[0] == (AGENT, pack(AGENT, "40")) or (AGENT, pack(AGENT, "40")) in house.written


async def test_without_its_lease_it_publishes_and_writes_nothing() -> None:
    house = House()
    hosted = house.host(options())
    await house.until(lambda: posts_of(house) > 0)
    house.lease.end()
    sent, reports = len(house.publisher.sent), len(house.reports(AGENT))
    await hosted.stop(orderly=True)
    assert len(house.publisher.sent) == sent and len(house.reports(AGENT)) == reports


async def test_a_corrupt_row_says_how_to_go_on() -> None:
    house = House({AGENT: b"{"})
    hosted = house.host(options())
    await house.until(lambda: any(report.phase == "failed" for report in house.reports(AGENT)))
    assert "molva agents forget counting:a" in house.reports(AGENT)[-1].problem
    await hosted.stop(orderly=True)
    assert datetime.now(UTC) > house.reports(AGENT)[0].began_at
