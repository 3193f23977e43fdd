"""Back-fills of one agent side by side: an unreachable one, one that is withdrawn, one that is forgotten."""

from __future__ import annotations

import asyncio

from agents.fleet.cursor_rows import FORGET, STATE, partition_of
from agents.fleet.past_runs import TRIES, request_key
from agents.fleet.process import Fleet
from agents.options import Backfill
from tests.agents.fleet.counting import Options
from tests.agents.fleet.hosting import House
from tests.agents.fleet.test_hosted import AGENT, JANUARY, options, posts_of, timelines

FEBRUARY = Backfill(since="2026-02-01", until="2026-02-02")  # type: ignore[arg-type]
ASKED = {request_key(AGENT, asked): asked.model_dump_json().encode() for asked in (JANUARY, FEBRUARY)}
FIRST, SECOND = ASKED
OF_JANUARY, OF_FEBRUARY = (f"backfill:{AGENT}:2026-0{month}-01..2026-0{month}-02" for month in (1, 2))


def told(house: House, problem: str) -> bool:
    """Whether a report has told that problem of a back-fill; the next report may tell another."""
    pasts = [report.backfill for report in house.reports(AGENT)]
    return any(past is not None and past.problem == problem for past in pasts)


async def test_a_period_that_does_not_answer_holds_up_no_other() -> None:
    house = House(dict(ASKED))
    hosted = house.host(options(away="2026-01-01"))
    await house.until(lambda: (SECOND, None) in house.written)
    await house.until(lambda: told(house, "its archive does not answer"))
    await hosted.stop(orderly=True)
    assert timelines(house)[OF_FEBRUARY] == 24 and OF_JANUARY not in timelines(house)
    assert (FIRST, None) not in house.written, "it is still asked for"
    failures = house.sample("molva_agent_errors_total", agent=f"{AGENT}#backfill", error="SourceUnavailable")
    assert failures is not None and failures >= TRIES
    assert {0.75, 1.5, 3.0, 6.0} <= set(house.time.pauses), "longer each time"


async def test_what_is_withdrawn_ends_and_goes_on_when_it_is_asked_for_again() -> None:
    house = House()
    house.past_backlog.tell(11)  # whatever is begun waits
    hosted = house.host(options())
    await hosted.told(FIRST, ASKED[FIRST])
    await house.until(lambda: any(report.backfill is not None for report in house.reports(AGENT)))
    await hosted.told(FIRST, None)
    await house.until(lambda: told(house, "withdrawn"))
    await hosted.told(SECOND, ASKED[SECOND])
    house.past_backlog.tell(0)
    await house.until(lambda: (SECOND, None) in house.written)
    assert OF_JANUARY not in timelines(house) and (FIRST, None) not in house.written
    await hosted.told(FIRST, ASKED[FIRST])
    await house.until(lambda: (FIRST, None) in house.written)
    await hosted.stop(orderly=True)
    assert (timelines(house)[OF_JANUARY], timelines(house)[OF_FEBRUARY]) == (24, 24)


async def test_a_back_fill_of_the_file_is_not_withdrawn() -> None:
    house = House()
    hosted = house.host(options(backfill=JANUARY))
    await hosted.told(FIRST, None)
    await house.until(lambda: timelines(house).get(OF_JANUARY) == 24)
    await hosted.stop(orderly=True)


async def test_what_was_heard_and_written_while_it_ran_is_forgotten_too() -> None:
    house = House()
    house.past_backlog.tell(11)
    fleet, partition = Fleet([options()], house.premises(), house.write), partition_of(AGENT)
    await fleet.begin(partition, house.rows, house.lease)
    await house.until(lambda: posts_of(house) > 0 and AGENT in house.rows)
    await fleet.told(partition, FIRST, ASKED[FIRST])
    assert FIRST in house.rows
    before = len(house.written)
    await fleet.told(partition, f"{AGENT}{FORGET}", b"{}")
    forgotten = {key for key, value in house.written[before:] if value is None}
    assert {AGENT, FIRST, f"{AGENT}{STATE}", f"{AGENT}{FORGET}"} <= forgotten
    await fleet.end(partition, orderly=True)
    house.past_backlog.tell(0)
    assert OF_JANUARY not in timelines(house)


async def test_a_halt_ends_all_agents_at_once() -> None:
    house = House()
    agents = [Options(name=name) for name in ("a", "b", "c", "d", "e", "f", "g", "h")]
    number = partition_of("counting:a")
    fleet = Fleet(agents, house.premises(), house.write)
    await fleet.begin(number, house.rows, house.lease)
    await house.until(lambda: posts_of(house) > 0)
    fleet.halt(number)
    for _ in range(20):
        await asyncio.sleep(0)
    sent = len(house.publisher.sent)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(house.publisher.sent) == sent
    await fleet.end(number, orderly=False)
