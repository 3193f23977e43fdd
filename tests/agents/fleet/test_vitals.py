"""What an agent tells of itself: rates over ten minutes, failures by type, circuits of its own hosts."""

from __future__ import annotations

from datetime import timedelta

from agents.fleet.vitals import STALE, Report, Vitals
from agents.manual_time import ManualTime
from agents.web import Reach
from pipeline.metrics import Metrics


def test_the_rate_is_of_the_last_ten_minutes() -> None:
    time = ManualTime()
    vitals = Vitals("vk:a", "here", Metrics(), time.clock)
    vitals.confirmed(6, 0, 0)
    assert vitals.report().posts_per_minute == 6, "of the first minute, though it is not over"
    for _ in range(20):
        time.move(minutes=1)
        vitals.confirmed(2, 1, 1)
    report = vitals.report()
    assert (report.posts, report.deletions, report.rejected) == (46, 20, 20)
    assert report.posts_per_minute == 2 and report.last_post_at == time.clock()
    time.move(minutes=30)
    assert vitals.report().posts_per_minute == 0


def test_a_phase_has_lasted_since_it_began_whatever_the_problem_was() -> None:
    time = ManualTime()
    vitals = Vitals("vk:a", "here", Metrics(), time.clock)
    began = time.clock()
    for problem in ("HTTP 500", "HTTP 429"):
        vitals.now("waiting", problem)
        time.move(minutes=20)
    report = vitals.report()
    assert report.since == began and report.idle(time.clock())
    vitals.confirmed(1, 0, 0)
    assert not vitals.report().idle(time.clock() + timedelta(days=1))
    vitals.confirmed(0, 0, 0, "none of 3 feeds can be read")
    assert (vitals.phase, vitals.problem) == ("waiting", "none of 3 feeds can be read")
    assert vitals.report().since == time.clock()


def test_failures_and_circuits_are_its_own() -> None:
    metrics = Metrics()
    vitals = Vitals("vk:a", "here", metrics, ManualTime().clock)
    vitals.places = Reach.of("api.vk.com", "*.userapi.com", "https://m.example/x").places
    metrics.agent_errors.labels("vk:a", "Refused").inc(3)
    metrics.agent_errors.labels("vk:ab", "Refused").inc(5)
    for host in ("api.vk.com:443", "cdn.userapi.com:443", "userapi.com:80", "m.example:443"):
        metrics.web_circuit_open.labels(host).set(1)
    for other in ("other.example:443", "notuserapi.com:443", "m.example:8443"):
        metrics.web_circuit_open.labels(other).set(1)
    report = vitals.report()
    assert report.errors == {"Refused": 3}
    assert report.open_circuits == (
        "api.vk.com:443",
        "cdn.userapi.com:443",
        "m.example:443",
        "userapi.com:80",
    )


def test_a_report_survives_its_journey_and_grows_stale() -> None:
    time, metrics = ManualTime(), Metrics()
    vitals = Vitals("vk:a", "here", metrics, time.clock)
    vitals.now("failed", "x" * 10_000)
    report = Report.model_validate_json(vitals.report().model_dump_json())
    assert report == vitals.report() and len(report.problem) == 500
    assert metrics.registry.get_sample_value("molva_agent_running", {"agent": "vk:a"}) == 0
    assert not report.stale(time.clock() + STALE) and report.stale(
        time.clock() + STALE + timedelta(seconds=1)
    )
    vitals.now("stopped")
    assert not vitals.report().stale(time.clock() + timedelta(days=1))
