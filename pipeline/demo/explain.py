"""A spike in words for a person, Russian or English: how many against how many, since when, who, where."""

from __future__ import annotations

from collections.abc import Mapping

from rich.panel import Panel
from rich.text import Text

from pipeline.demo.wording import WORDS, Lang, counted, lasting, moment
from schemas import Spike, TopPost, TopSource

EXCERPT_CHARS = 150
_STYLES = {"opened": "bold red", "updated": "yellow", "resolved": "green"}


def render_spike(spike: Spike, lang: Lang = "en", *, name: str = "", top: int = 3) -> Panel:
    """One event of a spike as a panel.

    Args:
        name: how people call the object; empty: its id.
        top: how many posts are quoted.
    """
    words = WORDS[lang]
    style = _STYLES[spike.status]
    title = (
        f"{words[spike.status]}: {name or spike.object_id} ({words[spike.object_kind]}, {spike.resolution})"
    )
    body = Text()
    for line in (_observed(spike, lang), _times(spike, lang), _authors(spike, lang)):
        body.append(f"{line}\n")
    if spike.top_sources:
        body.append(f"{words['sources']}: ", style="bold")
        body.append(_sources(spike.top_sources))
    if spike.top_posts[:top]:
        body.append(f"\n{words['posts']}:", style="bold")
    for post in spike.top_posts[:top]:
        body.append(f"\n  - {excerpt(post.excerpt)}")
        body.append(f"  {_signed(post, words)}", style="dim")
    body.rstrip()
    return Panel(body, title=Text(title, style=style), title_align="left", border_style=style)


def one_line(spike: Spike, lang: Lang = "en", *, name: str = "") -> str:
    """The same in one line, for logs and plain terminals."""
    words = WORDS[lang]
    return (
        f"{words[spike.status]}: {name or spike.object_id} [{spike.resolution}] "
        f"{moment(lang, spike.updated_at)}, {_observed(spike, lang).split('; ')[0]}"
    )


def excerpt(text: str, size: int = EXCERPT_CHARS) -> str:
    """At most ``size`` characters of a text in one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= size:
        return line
    kept = line[: size - 1]
    return f"{kept[: kept.rfind(' ')] if ' ' in kept else kept}…"


def _observed(spike: Spike, lang: Lang) -> str:
    words = WORDS[lang]
    ratio = spike.negatives / spike.expected_negatives if spike.expected_negatives else float(spike.negatives)
    negatives = words["observed"].format(
        negatives=counted(lang, "negatives", spike.negatives),
        expected=_number(spike.expected_negatives, lang),
        ratio=_number(ratio, lang),
    )
    volume = words["volume"].format(total=spike.total, expected=_number(spike.expected_total, lang))
    return f"{negatives}; {volume}"


def _times(spike: Spike, lang: Lang) -> str:
    words = WORDS[lang]
    line = words["since"].format(started=moment(lang, spike.started_at), opened=moment(lang, spike.opened_at))
    if spike.resolved_at is None:
        return line
    lasted = lasting(lang, spike.resolved_at - spike.started_at)
    return f"{line}; {words['until'].format(resolved=moment(lang, spike.resolved_at), lasted=lasted)}"


def _authors(spike: Spike, lang: Lang) -> str:
    return WORDS[lang]["from"].format(
        authors=counted(lang, "authors", spike.authors),
        score=_number(spike.score, lang),
        peak=_number(spike.peak_score, lang),
    )


def _sources(sources: tuple[TopSource, ...]) -> str:
    return ", ".join(f"{source.source} {source.negatives}" for source in sources)


def _signed(post: TopPost, words: Mapping[str, str]) -> str:
    followers = "" if post.followers is None else words["followers"].format(count=f"{post.followers:,}")
    followers = followers.replace(",", " ")
    return ", ".join(part for part in (post.author, followers, post.url) if part)


def _number(value: float, lang: Lang) -> str:
    text = f"{value:.0f}" if value >= 10 else f"{value:.1f}"
    return text.replace(".", ",") if lang == "ru" else text
