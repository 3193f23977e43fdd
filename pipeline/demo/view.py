"""What `molva demo` shows while it runs: a live screen, or plain progress lines where there is no terminal.

Fed with plain snapshots by the command; knows nothing of Kafka, ClickHouse or clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.core.telling import shortened
from pipeline.demo.explain import one_line, render_spike
from pipeline.demo.report import DemoReport, further, render_report
from pipeline.demo.wording import WORDS, Lang, moment
from schemas import Spike
from schemas.base import Label

POSTS = 6
LINES_EVERY = 3.0
"""Seconds between two progress lines on a plain terminal."""
STYLES: dict[Label, str] = {"negative": "red", "neutral": "dim", "positive": "green"}


@dataclass(frozen=True)
class ObjectCounts:
    """Mentions of an object in the last hour of event time."""

    object_id: str
    name: str
    negatives: int
    total: int


@dataclass(frozen=True)
class NewPost:
    """A post as the screen shows it; ``label`` is None where the post is not enriched yet."""

    at: datetime
    source: str
    author: str
    text: str
    label: Label | None = None


@dataclass(frozen=True)
class DemoSnapshot:
    """The demo at one moment; ``stages``: records by published, enriched, mentions, stored, detected."""

    elapsed: float
    """Seconds since the replay began."""
    posts_expected: int
    stages: Mapping[str, int] = field(default_factory=dict)
    posts_per_second: float = 0.0
    event_time: datetime | None = None
    objects: tuple[ObjectCounts, ...] = ()
    open_spikes: tuple[Spike, ...] = ()
    posts: tuple[NewPost, ...] = ()
    """Newest first."""


def render(snapshot: DemoSnapshot, lang: Lang = "en") -> RenderableType:
    """The whole screen; its height does not depend on the posts shown."""
    top = Table.grid(expand=True, padding=(0, 1))
    top.add_column(ratio=2)
    top.add_column(ratio=3)
    top.add_row(_stages(snapshot, lang), _objects(snapshot, lang))
    return Group(top, _posts(snapshot, lang))


def progress_line(snapshot: DemoSnapshot, lang: Lang = "en") -> str:
    """The same in one line of plain text."""
    words = WORDS[lang]
    done = snapshot.stages.get("stored", 0)
    parts = [f"{snapshot.elapsed:5.1f} s", f"{words['stored']} {done}/{snapshot.posts_expected}"]
    parts.append(words["rate"].format(rate=f"{snapshot.posts_per_second:.0f}"))
    if snapshot.event_time is not None:
        parts.append(f"{words['event_time']} {moment(lang, snapshot.event_time)}")
    parts.append(f"{words['open_spikes']}: {', '.join(_open_ids(snapshot)) or '-'}")
    return " | ".join(parts)


class DemoView:
    """Shows snapshots and spikes on a console, as a context manager.

    Live where the console is interactive; elsewhere a plain line every few seconds of ``elapsed`` and no
    control codes.
    """

    def __init__(self, console: Console, lang: Lang = "en", names: Mapping[str, str] | None = None) -> None:
        self._console = console
        self._lang: Lang = lang
        self._names = dict(names or {})
        self._next_line = 0.0
        self._live: Live | None = None
        if console.is_interactive and console.file.isatty():
            self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, snapshot: DemoSnapshot) -> None:
        """Show the newest state."""
        if self._live is not None:
            self._live.update(render(snapshot, self._lang), refresh=True)
        elif snapshot.elapsed >= self._next_line:
            self._next_line = snapshot.elapsed + LINES_EVERY
            self.say(progress_line(snapshot, self._lang))

    def announce(self, spike: Spike) -> None:
        """Print an event of a spike above the live screen: in full where it opens, else one line."""
        name = self._names.get(spike.object_id, "")
        if spike.status == "opened":
            self._console.print(render_spike(spike, self._lang, name=name))
        else:
            self.say(one_line(spike, self._lang, name=name))

    def conclude(self, report: DemoReport, command: str = "molva sql") -> None:
        """Print the closing report and what to ask further."""
        self._console.print(render_report(report, self._lang, names=self._names))
        for line in further(self._lang, command):
            self.say(line)

    def say(self, line: str) -> None:
        """Print one line of plain text (never read as markup)."""
        self._console.print(Text(line), soft_wrap=True)


def _stages(snapshot: DemoSnapshot, lang: Lang) -> Panel:
    words = WORDS[lang]
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column()
    table.add_column(justify="right")
    for stage in ("published", "enriched", "mentions", "stored", "detected"):
        table.add_row(words[stage], f"{snapshot.stages.get(stage, 0):,}".replace(",", " "))
    table.add_row(words["speed"], words["rate"].format(rate=f"{snapshot.posts_per_second:.0f}"))
    at = "-" if snapshot.event_time is None else moment(lang, snapshot.event_time)
    table.add_row(words["event_time"], Text(at, style="bold"))
    bar = ProgressBar(total=max(1, snapshot.posts_expected), completed=snapshot.stages.get("stored", 0))
    return Panel(Group(table, bar), title="molva demo", title_align="left")


def _objects(snapshot: DemoSnapshot, lang: Lang) -> Panel:
    words = WORDS[lang]
    table = Table(box=None, expand=True, padding=(0, 1), show_edge=False)
    table.add_column(words["object"], no_wrap=True, ratio=1)
    table.add_column(words["negative"], justify="right")
    table.add_column(words["all"], justify="right")
    table.add_column(words["spike"], no_wrap=True)
    open_now = {spike.object_id: spike for spike in snapshot.open_spikes}
    for counts in snapshot.objects:
        spike = open_now.get(counts.object_id)
        mark = "" if spike is None else f"{spike.negatives} : {spike.expected_negatives:.1f}"
        style = "bold red" if spike else ""
        table.add_row(counts.name, str(counts.negatives), str(counts.total), mark, style=style)
    return Panel(table, title=words["last_hour"], title_align="left")


def _posts(snapshot: DemoSnapshot, lang: Lang) -> Panel:
    words = WORDS[lang]
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, style="dim", max_width=9)
    table.add_column(no_wrap=True, max_width=18)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for post in snapshot.posts[:POSTS]:
        style = "" if post.label is None else STYLES[post.label]
        at = f"{post.at.astimezone(UTC):%d.%m %H:%M}"
        table.add_row(at, post.source, Text(post.author), Text(shortened(post.text), style=style))
    for missing in range(POSTS - len(snapshot.posts[:POSTS])):
        table.add_row("", "", "", words["nothing_yet"] if missing == 0 and not snapshot.posts else "")
    return Panel(table, title=words["newest"], title_align="left")


def _open_ids(snapshot: DemoSnapshot) -> list[str]:
    return [f"{spike.object_id}/{spike.resolution}" for spike in snapshot.open_spikes]
