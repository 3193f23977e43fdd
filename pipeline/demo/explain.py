"""A spike in the demo's view: what `pipeline.core.telling` tells of it, in a frame or in a line."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from rich.panel import Panel
from rich.text import Text

from pipeline.core.telling import body, headline
from pipeline.demo.wording import WORDS, Lang, moment
from schemas import Spike

UTC = ZoneInfo("UTC")
_STYLES = {"opened": "bold red", "updated": "yellow", "resolved": "green"}


def render_spike(spike: Spike, lang: Lang = "en", *, name: str = "") -> Panel:
    """One event of a spike as a panel: the headline, and what explains it.

    Args:
        name: how people call the object; empty: its id.
    """
    style, called = _STYLES[spike.status], name or spike.object_id
    title = f"{called} ({WORDS[lang][spike.object_kind]}, {spike.resolution})"
    told = Text(headline(spike, called, lang, UTC), style="bold")
    told.append(f"\n{body(spike, called, lang, UTC)}", style="not bold")
    return Panel(told, title=Text(title, style=style), title_align="left", border_style=style)


def one_line(spike: Spike, lang: Lang = "en", *, name: str = "") -> str:
    """The headline with its moment, for logs and plain terminals."""
    at = moment(lang, spike.updated_at)
    return f"{at} [{spike.resolution}] {headline(spike, name or spike.object_id, lang, UTC)}"
