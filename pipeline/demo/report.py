"""The end of `molva demo`: what was measured, what was found of what the story holds, how to ask further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.demo.expectations import Finding, passed
from pipeline.demo.wording import ABOUT, WORDS, Lang, moment

QUERIES: tuple[str, ...] = (
    "SELECT object_id, resolution, opened_at, minutes, negatives, round(expected_negatives, 1) AS expected "
    "FROM spike_history ORDER BY opened_at",
    "SELECT bucket, mentions, negatives, round(net_sentiment, 2) AS net FROM net_sentiment "
    "WHERE object_id = 'rassvet-online' AND toDate(bucket) = '2026-03-06' ORDER BY bucket",
    "SELECT author_name, author_followers, excerpt FROM mentions WHERE object_id = 'ladogin' "
    "AND label = 'negative' ORDER BY author_followers DESC NULLS LAST LIMIT 10",
    "SELECT leftUTF8(lowerUTF8(excerpt), 40) AS begins, count() AS posts, uniqExact(author_id) AS authors "
    "FROM mentions WHERE object_id = 'rassvet' AND toDate(created_at) = '2026-03-07' "
    "GROUP BY begins ORDER BY posts DESC LIMIT 5",
    "SELECT bucket, object_id, mentions, round(market_share, 2) AS share FROM share_of_voice "
    "WHERE object_kind IN ('brand', 'competitor') ORDER BY bucket, object_id",
)
"""Questions to ask of the story's data with ``molva sql``; tests run them on a real ClickHouse."""

_STYLES = {"found": "green", "missed": "bold red", "unexpected": "yellow"}


@dataclass(frozen=True)
class DemoReport:
    """What the demo measured. Latencies and ``seconds`` are seconds, memory is MiB."""

    posts: int
    seconds: float
    latency_p50: float
    latency_p99: float
    lost: int
    duplicated: int
    dead_letters: int
    findings: tuple[Finding, ...]
    memory_mib: float | None = None

    @property
    def posts_per_second(self) -> float:
        """Posts over the time from the first published to the last stored and judged."""
        return self.posts / self.seconds if self.seconds else 0.0

    @property
    def good(self) -> bool:
        """Whether the demo may exit with 0."""
        return passed(self.findings) and not (self.lost or self.duplicated or self.dead_letters)


def render_report(
    report: DemoReport,
    lang: Lang = "en",
    *,
    names: Mapping[str, str] | None = None,
) -> Panel:
    """The closing report.

    Args:
        names: how people call the objects, by id.
    """
    words = WORDS[lang]
    style = "bold green" if report.good else "bold red"
    verdict = Text(words["passed" if report.good else "failed"], style=style)
    parts = (_measured(report, lang), Text(""), _found(report.findings, lang, names or {}), Text(""), verdict)
    return Panel(Group(*parts), title=words["report"], title_align="left")


def _measured(report: DemoReport, lang: Lang) -> Table:
    words = WORDS[lang]
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    rows = [
        ("posts_done", f"{report.posts}"),
        ("taken", f"{report.seconds:.1f} s"),
        ("throughput", words["rate"].format(rate=f"{report.posts_per_second:.0f}")),
        ("latency", f"{report.latency_p50:.2f} / {report.latency_p99:.2f} s"),
        ("lost", f"{report.lost}"),
        ("duplicated", f"{report.duplicated}"),
        ("dead_letters", f"{report.dead_letters}"),
    ]
    if report.memory_mib is not None:
        rows.append(("memory", f"{report.memory_mib:.0f} MiB"))
    for name, value in rows:
        bad = name in {"lost", "duplicated", "dead_letters"} and value != "0"
        table.add_row(words[name], Text(value, style="bold red" if bad else "bold"))
    return table


def _found(findings: tuple[Finding, ...], lang: Lang, names: Mapping[str, str]) -> Table:
    words = WORDS[lang]
    table = Table(expand=True, box=None, padding=(0, 1))
    for heading in ("verdict", "object", "resolution", "opened_at"):
        table.add_column(words[heading], no_wrap=True)
    table.add_column(words["about"], ratio=1)
    for finding in findings:
        style = "bold red" if finding.fatal else _STYLES[finding.outcome]
        table.add_row(
            Text(words[finding.outcome], style=style),
            names.get(finding.object_id, finding.object_id),
            finding.resolution,
            "-" if finding.outcome == "missed" else moment(lang, finding.at),
            ABOUT[lang][finding.about],
        )
    return table


def further(lang: Lang = "en", command: str = "molva sql") -> list[str]:
    """Lines to print unwrapped, so that they can be copied: a heading and a command per query.

    Args:
        command: what the queries are given to, with its options.
    """
    return [f"{WORDS[lang]['further']}:", *(f'  {command} "{query}"' for query in QUERIES)]
