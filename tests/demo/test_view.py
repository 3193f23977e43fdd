"""What the demo shows, on a terminal and without one, in both languages."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console, RenderableType

from pipeline.demo.expectations import check
from pipeline.demo.explain import one_line, render_spike
from pipeline.demo.report import QUERIES, DemoReport, further, render_report
from pipeline.demo.view import DemoSnapshot, DemoView, NewPost, ObjectCounts, progress_line, render
from pipeline.demo.wording import ABOUT, WORDS, Lang
from schemas import Spike, TopPost, TopSource
from schemas.spike import Explanation, TopTerm

NOON = datetime(2026, 3, 6, 9, 5, tzinfo=UTC)
LANGS: tuple[Lang, ...] = ("en", "ru")
SPIKE = Spike(
    id="rassvet-online/5m/2026-03-06T09:35:00Z",
    revision=1,
    status="opened",
    object_id="rassvet-online",
    object_kind="product",
    resolution="5m",
    opened_at=NOON + timedelta(minutes=35),
    started_at=NOON,
    updated_at=NOON + timedelta(minutes=35),
    score=13.2,
    peak_score=13.2,
    negatives=21,
    expected_negatives=1.4,
    total=27,
    expected_total=4.0,
    authors=19,
    top_posts=(
        TopPost(
            post_id="vk:1",
            url="https://vk.example/1",
            excerpt="Рассвет Онлайн [b]лежит[/b]",
            author="Анна Лосева",
            followers=12_000,
            p_negative=0.99,
        ),
    ),
    top_sources=(TopSource(source="vk", negatives=12), TopSource(source="telegram", negatives=9)),
    explanation=Explanation(expected_high=4.0, words=(TopTerm(text="лежит", posts=9, expected=0.2, z=6.0),)),
)
SNAPSHOT = DemoSnapshot(
    elapsed=12.3,
    posts_expected=5_775,
    stages={"published": 5_000, "enriched": 4_800, "mentions": 4_900, "stored": 4_500, "detected": 3},
    posts_per_second=420,
    event_time=NOON,
    objects=(
        ObjectCounts("rassvet-online", "Рассвет Онлайн", 40, 48),
        ObjectCounts("polus", "Полюс Банк", 1, 3),
    ),
    open_spikes=(SPIKE,),
    posts=(NewPost(NOON, "vk", "Анна", "[red]позор[/red]", "negative"),),
)


def shown(what: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def told(spike: Spike, lang: Lang, name: str = "") -> str:
    """The panel's text in one line, without its frame."""
    return " ".join(shown(render_spike(spike, lang, name=name)).replace("│", " ").split())


def test_a_spike_explains_itself_in_english() -> None:
    text = told(SPIKE, "en", "Рассвет Онлайн")
    for part in (
        "Рассвет Онлайн (product, 5m)",
        "spike of negativity, 21 negative mentions (15 times the usual) since 6 March 09:05 UTC",
        "1.4 expected (95%: 0 to 4)",
        "Severity: warning",
        "by 19 authors",
        "Words: лежит 9 (usually 0.2).",
        "vk 12, telegram 9",
        "[b]лежит[/b]",
        "12,000 followers",
    ):
        assert part in text


def test_a_spike_explains_itself_in_russian() -> None:
    end = {"status": "resolved", "resolved_at": NOON + timedelta(hours=3)}
    text = told(SPIKE.model_copy(update=end), "ru")
    for part in ("всплеск негатива закончился, 21 негативное упоминание", "ожидалось 1,4", "длилось 3 ч"):
        assert part in text


def test_a_day_and_a_surge_of_all_talk_have_their_words() -> None:
    assert "(product, 1d)" in told(SPIKE.model_copy(update={"resolution": "1d"}), "en")
    surge = SPIKE.model_copy(update={"signal": "volume", "severity": "info"})
    assert "surge of attention, 27 mentions (6.8 times the usual)" in told(surge, "en")
    assert "всплеск внимания" in told(surge, "ru")


def test_a_spike_without_posts_and_expectation_is_still_told() -> None:
    bare = SPIKE.model_copy(update={"top_posts": (), "top_sources": (), "expected_negatives": 0.0})
    assert "0 expected" in told(bare, "en")


def test_one_line_is_one_line() -> None:
    assert one_line(SPIKE, "en") == (
        "6 Mar 09:40 UTC [5m] rassvet-online: spike of negativity, 21 negative mentions "
        "(15 times the usual) since 6 March 09:05 UTC"
    )


@pytest.mark.parametrize("lang", LANGS)
def test_the_screen_shows_stages_objects_and_posts(lang: Lang) -> None:
    text = shown(render(SNAPSHOT, lang))
    for part in ("4 500", "Рассвет Онлайн", "21 : 1.4", "[red]позор[/red]", WORDS[lang]["newest"]):
        assert part in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("lang", LANGS)
def test_the_screen_keeps_its_height(lang: Lang) -> None:
    empty = DemoSnapshot(elapsed=0.0, posts_expected=0, objects=SNAPSHOT.objects)
    many = DemoSnapshot(elapsed=0.0, posts_expected=9, objects=SNAPSHOT.objects, posts=SNAPSHOT.posts * 40)
    assert len(shown(render(empty, lang)).splitlines()) == len(shown(render(many, lang)).splitlines())


def test_the_progress_line_is_plain() -> None:
    assert progress_line(SNAPSHOT) == (
        " 12.3 s | posts in ClickHouse 4500/5775 | 420 posts/s | event time 6 Mar 09:05 UTC | "
        "open spikes: rassvet-online/5m"
    )


def test_without_a_terminal_there_are_lines_every_few_seconds_and_no_control_codes() -> None:
    console = Console(file=io.StringIO(), width=100)
    with DemoView(console, names={"rassvet-online": "Рассвет Онлайн"}) as view:
        for elapsed in (0.0, 1.0, 2.9, 3.0, 3.1, 6.2):
            view.update(DemoSnapshot(elapsed=elapsed, posts_expected=10))
        view.announce(SPIKE)
        view.announce(SPIKE.model_copy(update={"status": "updated", "revision": 2}))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.count("posts/s") == 3
    assert "\x1b" not in text
    assert "Рассвет Онлайн: spike of negativity, 21" in text
    assert "Рассвет Онлайн: spike of negativity goes on, 21" in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_screen_is_redrawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    console = Console(file=Terminal(), width=100, height=40)
    with DemoView(console) as view:
        view.update(SNAPSHOT)
        view.announce(SPIKE)
        view.update(SNAPSHOT)
    assert isinstance(console.file, Terminal)
    assert "\x1b[" in console.file.getvalue()


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    console = Console(file=Terminal(), width=100, height=40)
    with DemoView(console) as view:
        view.update(SNAPSHOT)
    assert isinstance(console.file, Terminal)
    assert console.file.getvalue() == f"{progress_line(SNAPSHOT)}\n"


def report(**changes: int) -> DemoReport:
    findings = tuple(finding for finding in check([SPIKE]) if finding.outcome == "found")
    counts = {"lost": 0, "duplicated": 0, "dead_letters": 0, **changes}
    return DemoReport(5_000, 10.0, 0.4, 1.9, findings=findings, memory_mib=812.0, **counts)


@pytest.mark.parametrize("lang", LANGS)
def test_the_report_tells_what_was_measured_and_found(lang: Lang) -> None:
    text = shown(render_report(report(), lang, names={"rassvet-online": "Рассвет Онлайн"}))
    for part in (
        "500",
        "0.40 / 1.90 s",
        "812 MiB",
        "Рассвет Онлайн",
        WORDS[lang]["found"],
        ABOUT[lang]["outage"],
    ):
        assert part in text
    assert WORDS[lang]["passed"] in text


@pytest.mark.parametrize("bad", ["lost", "duplicated", "dead_letters"])
def test_a_lost_or_doubled_post_fails_the_demo(bad: str) -> None:
    assert report().good
    assert not report(**{bad: 1}).good


def test_a_missed_spike_fails_the_demo() -> None:
    missed = DemoReport(1, 1.0, 0.1, 0.1, 0, 0, 0, tuple(check([SPIKE])))
    assert not missed.good
    assert WORDS["en"]["failed"] in shown(render_report(missed))


def test_the_conclusion_gives_queries_that_can_be_copied() -> None:
    console = Console(file=io.StringIO(), width=80)
    with DemoView(console) as view:
        view.conclude(report(), "molva sql --data-dir D")
    assert isinstance(console.file, io.StringIO)
    assert f'  molva sql --data-dir D "{QUERIES[0]}"\n' in console.file.getvalue()
    assert len(further()) == 1 + len(QUERIES)


def test_both_languages_have_all_words() -> None:
    assert WORDS["en"].keys() == WORDS["ru"].keys()
