"""A spike in words for people, in Russian and English: one line to glance at, and the body that explains it.

Notifications and ``molva backtest`` show them; everything said here is in the record `schemas.Spike`.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten
from zoneinfo import ZoneInfo

from pipeline.core.wording import (
    WORDS,
    Language,
    counted,
    date,
    duration,
    number,
    percent,
    times,
)
from schemas import Spike, TopPost
from schemas.base import LIVE
from schemas.spike import Explanation, TopTerm

EXAMPLES = 3
EXCERPT = 200
"""Characters of an example that are shown."""
NOTABLE = 1.5
"""From this many times the usual on, the ratio is told."""
_STEP_MINUTES = {"5m": 5, "1h": 60, "1d": 1_440}

__all__ = ["Language", "body", "headline"]


def headline(spike: Spike, name: str, language: Language, zone: ZoneInfo) -> str:
    """One line: whose spike, what happens to it, how many and how much more than usual.

    Args:
        name: the object as people call it; ``spike.object_id`` is an identifier.
        zone: on whose clocks the moments are told.
    """
    words = WORDS[language]
    count, expected = _observed(spike)
    forms = words.negative_mentions if spike.signal == "negativity" else words.mentions
    return words.headline[spike.signal, spike.status].format(
        name=_whose(spike, name, language),
        count=counted(count, forms, language),
        more=_more(count, expected, language),
        since=date(spike.started_at, zone, language, year=False),
        lasted=_lasted(spike, language),
    )


def body(spike: Spike, name: str, language: Language, zone: ZoneInfo) -> str:
    """The explanation, one fact a line, as plain text; what is not known is left out.

    Args:
        name: the object as people call it.
        zone: on whose clocks the moments are told.
    """
    lines = [
        *_facts(spike, name, language, zone),
        *_explained(spike, language),
        *_posts(spike, language, zone),
        *_footnotes(spike, language),
    ]
    return "\n".join(lines)


def _observed(spike: Spike) -> tuple[int, float]:
    if spike.signal == "negativity":
        return spike.negatives, spike.expected_negatives
    return spike.total, spike.expected_total


def _whose(spike: Spike, name: str, language: Language) -> str:
    words = WORDS[language]
    aspects: dict[str, str] = dict(words.aspect.items())
    value = aspects.get(spike.value, spike.value) if spike.dimension == "aspect" else spike.value
    return words.dimension[spike.dimension].format(name=name, value=value)


def _more(count: int, expected: float, language: Language) -> str:
    line = WORDS[language].line
    if expected >= 0.5 and count >= NOTABLE * expected:
        return line["more"].format(times=times(count / expected, language))
    return line["usual"].format(expected=number(expected, language))


def _lasted(spike: Spike, language: Language) -> str:
    return duration((spike.resolved_at or spike.updated_at) - spike.started_at, language)


def _facts(spike: Spike, name: str, language: Language, zone: ZoneInfo) -> Iterator[str]:
    words, why = WORDS[language], spike.explanation
    total = number(spike.total, language)
    if spike.signal == "volume":
        total = counted(spike.total, words.mentions, language)
    yield words.line[spike.signal].format(
        name=_whose(spike, name, language),
        count=counted(spike.negatives, words.negative_mentions, language),
        negatives=number(spike.negatives, language),
        expected=number(spike.expected_negatives, language),
        interval=_interval(why, language),
        total=total,
        expected_total=number(spike.expected_total, language),
    )
    yield words.line["over" if spike.status == "resolved" else "open"].format(
        since=date(spike.started_at, zone, language),
        until=date(spike.resolved_at or spike.updated_at, zone, language),
        lasted=_lasted(spike, language),
    )
    yield words.line["severity"].format(
        severity=words.severity[spike.severity],
        score=number(spike.score, language),
        peak=number(spike.peak_score, language),
        step=_step(spike, language),
    )
    if spike.authors:
        yield _authors(spike, language)


def _interval(why: Explanation, language: Language) -> str:
    if not why.expected_high:
        return ""
    low, high = number(why.expected_low, language), number(why.expected_high, language)
    return WORDS[language].line["interval"].format(low=low, high=high)


def _step(spike: Spike, language: Language) -> str:
    minutes = _STEP_MINUTES[spike.resolution]
    days, hours, short = WORDS[language].units
    if minutes < 60:
        return f"{minutes} {short}"
    return f"{minutes // 60} {hours}" if minutes < 1_440 else f"{minutes // 1_440} {days}"


def _authors(spike: Spike, language: Language) -> str:
    words, why = WORDS[language], spike.explanation
    usual = ""
    if why.activation is not None:
        kind = "usual_authors" if why.activation >= NOTABLE else "same_authors"
        usual = words.line[kind].format(
            expected=number(why.expected_authors, language), times=times(why.activation, language)
        )
    reach = words.line["reach"].format(reach=number(why.reach, language)) if why.reach else ""
    return words.line["authors"].format(
        authors=counted(spike.authors, words.authors, language), usual=usual, reach=reach
    )


def _explained(spike: Spike, language: Language) -> Iterator[str]:
    words, why = WORDS[language], spike.explanation
    lists = {
        "words": [_term(term, language) for term in why.words],
        "names": [_term(term, language) for term in why.names],
        "aspects": [f"{words.aspect[a.aspect]} {number(a.negatives, language)}" for a in why.aspects],
        "sources": [f"{s.source} {number(s.negatives, language)}" for s in spike.top_sources],
        "channels": [f"{c.name or c.channel} {number(c.negatives, language)}" for c in why.channels],
    }
    for kind, terms in lists.items():
        if terms:
            yield words.line[kind].format(terms=", ".join(terms))
    if why.duplicate_share >= 0.005:
        yield words.line["duplicates"].format(share=percent(why.duplicate_share, language))
    if why.coordination.suspected:
        reasons = "; ".join(words.reason.get(reason, reason) for reason in why.coordination.reasons)
        yield words.line["coordination"].format(reasons=reasons)


def _term(term: TopTerm, language: Language) -> str:
    return (
        WORDS[language]
        .line["term"]
        .format(text=term.text, posts=number(term.posts, language), expected=number(term.expected, language))
    )


def _posts(spike: Spike, language: Language, zone: ZoneInfo) -> Iterator[str]:
    line, why = WORDS[language].line, spike.explanation
    if why.first_post:
        yield line["first"].format(post=_post(why.first_post, language, zone))
    told = {_text(why.first_post)} if why.first_post else set()
    examples: list[str] = []
    for post in (*why.representative, *spike.top_posts):
        if _text(post) not in told:
            told.add(_text(post))
            examples.append(f"{len(examples) + 1}. {_post(post, language, zone)}")
    if examples:
        yield line["examples"]
        yield from examples[:EXAMPLES]


def _post(post: TopPost, language: Language, zone: ZoneInfo) -> str:
    known = [
        date(post.created_at, zone, language) if post.created_at else "",
        post.author,
        post.source,
        counted(post.followers, WORDS[language].followers, language) if post.followers else "",
    ]
    about = ", ".join(part for part in known if part)
    shown = shortened(post.excerpt)
    quoted = f"«{shown}»" if language == "ru" else f"“{shown}”"
    return " ".join(part for part in (f"{about}:" if about else "", quoted, post.url) if part)


def _text(post: TopPost) -> str:
    """What is compared, so that no text is shown twice."""
    return shortened(post.excerpt).casefold()


def shortened(text: str, limit: int = EXCERPT) -> str:
    """``text`` on one line, cut after a word (or within one that is too long) to ``limit`` characters."""
    line = " ".join(text.split())
    cut = shorten(line, limit, placeholder="…")
    return cut if cut != "…" else line[: limit - 1] + "…"


def _footnotes(spike: Spike, language: Language) -> Iterator[str]:
    line = WORDS[language].line
    if spike.late:
        yield line["late"].format(late=number(spike.late, language))
    if spike.timeline != LIVE:
        yield line["timeline"].format(timeline=spike.timeline)
