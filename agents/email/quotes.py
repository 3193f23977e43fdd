"""A mail's text -> what its sender wrote, and the original where it was only passed on. Pure.

What the programs put around quotes is in `agents.email.marks`. Strangers choose the text: marks are looked
for on lines of bounded length without runs of blanks, on which none of their patterns takes long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from agents.email import marks

MAX_LINES: Final = 20_000
MARK_CHARS: Final = 1000
"""No mark stands on a longer line."""
RUN: Final = re.compile(r"\s{2,}")
QUOTED: Final = re.compile(r"^\s*(?:>|&gt;|\|\s)")
HEAD_LINES: Final = 12
HEAD_KEYS: Final = 3
"""Among the first lines of a head is the sender; Thunderbird begins with subject and date."""
WHO: Final = re.compile(r"\d{1,2}:\d{2}(?::\d\d)?\s*(?:[+-]\d\d:?\d\d)?\s*,?\s*(?:от\s)?(.*?)\s*:\s*$")
DEEPEST: Final = 5
NOTHING_CHARS: Final = 200
BLANK_LINES: Final = re.compile(r"\n{3,}")

Kind = Literal["forward", "either", "wrote"]


class Original(NamedTuple):
    """A forwarded message: ``head`` has what stood before it (from, date, to, subject) as it was written."""

    head: dict[str, str]
    text: str


class Cut(NamedTuple):
    """``own``: without quotes and signature. ``original``: what was forwarded, if anything."""

    own: str
    original: Original | None = None

    @property
    def passed_on(self) -> bool:
        """Whether the sender forwarded something and added nothing to it."""
        return self.original is not None and says_nothing(self.own)


class _Boundary(NamedTuple):
    kind: Kind
    begin: int
    """The first line of the mark."""
    after: int
    """The first line behind it: of the head, or of the quote."""


def cut(text: str, *, forwarded: bool = False, depth: int = 0) -> Cut:
    """Take a text apart.

    Args:
        forwarded: the subject says that it is a forward; Outlook marks replies and forwards the same way.
        depth: how many forwards it was in.
    """
    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    lines = [RUN.sub(" ", line).rstrip().replace("\xa0", " ") for line in lines]
    found = _boundary(lines)
    if found is None:
        return Cut(_own(lines))
    if found.kind == "wrote":
        return Cut(_own([*lines[: found.begin], *_between_quotes(lines[found.after :])]))
    if found.kind == "either" and not forwarded:
        return Cut(_own(lines[: found.begin]))
    own = _own(lines[: found.begin])
    return Cut(own, _original(lines[found.after :], depth))


def says_nothing(text: str) -> bool:
    """Whether it is empty, or only what people write who pass something on."""
    return len(text) <= NOTHING_CHARS and not re.search(r"\w", marks.NOTHING.sub("", text))


def _marked(mark: re.Pattern[str], line: str) -> re.Match[str] | None:
    return mark.match(line) if len(line) <= MARK_CHARS else None


def _boundary(lines: Sequence[str]) -> _Boundary | None:
    """The first place where something begins that somebody else wrote."""
    for index, line in enumerate(lines):
        if QUOTED.match(line):
            continue
        if _marked(marks.FORWARD, line) and (_has_head(lines, index + 1, 2) or _told(lines, index + 1)):
            return _Boundary("forward", index, index + 1)
        if _marked(marks.ORIGINAL, line):
            return _Boundary("either", index, index + 1)
        if _marked(marks.HEADER_LINE, line) and _has_head(lines, index, marks.HEADERS_AT_LEAST):
            begin = index - 1 if index and _marked(marks.RULE, lines[index - 1]) else index
            return _Boundary("either", begin, index)
        if (count := _attribution(lines, index)) is not None:
            return _Boundary("wrote", index, index + count)
    return None


def _has_head(lines: Sequence[str], begin: int, least: int) -> bool:
    """Whether the head of a message begins within two lines, with a sender."""
    keys: list[str] = []
    for line in lines[begin : begin + HEAD_LINES]:
        if found := _marked(marks.HEADER_LINE, line):
            keys.append(marks.KEYS[found[1].lower()])
        elif line.strip(" >") and not keys:
            return False
    return "from" in keys[:HEAD_KEYS] and len(set(keys)) >= least


def _attribution(lines: Sequence[str], index: int) -> int | None:
    """How many lines the mark of a reply takes that begins here: ``... wrote:``; None: it does not."""
    if not _marked(marks.ATTRIBUTION_START, lines[index]):
        return None
    joined = ""
    for count in range(1, marks.ATTRIBUTION_LINES + 1):
        if index + count > len(lines):
            return None
        joined = f"{joined} {lines[index + count - 1].strip()}".strip()
        if len(joined) > 500:
            return None
        if marks.WROTE.match(joined) or marks.FROM_WHOM.match(joined):
            return count
    return None


def _told(lines: Sequence[str], start: int) -> tuple[str, int] | None:
    """The mark of a reply in the place of a head, as Yandex writes it: its text, and where it ends."""
    begin = next((at for at, line in enumerate(lines[start : start + 3], start) if line.strip()), None)
    count = None if begin is None else _attribution(lines, begin)
    if begin is None or count is None:
        return None
    return " ".join(line.strip() for line in lines[begin : begin + count]), begin + count


def _between_quotes(lines: Sequence[str]) -> list[str]:
    """Answers that stand between the lines of a quote; none where the quote has no marks."""
    first = next((line for line in lines if line.strip()), "")
    return [line for line in lines if not QUOTED.match(line)] if QUOTED.match(first) else []


def _original(lines: Sequence[str], depth: int) -> Original:
    """A forwarded message, with the messages that it forwards itself opened."""
    inner = [line for line in lines if line.strip()]
    if inner and sum(1 for line in inner if QUOTED.match(line)) > 0.8 * len(inner):
        lines = [re.sub(r"^\s*> ?", "", line) for line in lines]
    head, begin = _head(lines)
    end = next((at for at, line in enumerate(lines) if _marked(marks.FORWARD_END, line)), len(lines))
    subject = head.get("subject", "")
    body = "\n".join(lines[begin:end])
    if depth >= DEEPEST:
        return Original(head, _own(lines[begin:end]))
    deeper = cut(body, forwarded=bool(_marked(marks.FORWARDED, subject)), depth=depth + 1)
    if deeper.original is not None and deeper.passed_on:
        return deeper.original
    return Original(head, deeper.own)


def _head(lines: Sequence[str]) -> tuple[dict[str, str], int]:
    """What stands before a forwarded message, and where that begins."""
    if (told := _told(lines, 0)) is not None:
        who = WHO.search(told[0])
        return {"date": told[0], "from": who[1] if who else ""}, told[1]
    head: dict[str, str] = {}
    begin = 0
    for index, line in enumerate(lines[:HEAD_LINES]):
        found = _marked(marks.HEADER_LINE, line)
        if found is not None:
            head.setdefault(marks.KEYS[found[1].lower()], found[2].strip())
            begin = index + 1
        elif line.strip():
            break
    return head, begin


def _own(lines: Sequence[str]) -> str:
    """Lines without quotes, signature and disclaimer."""
    kept = _unsigned([line for line in lines if not QUOTED.match(line)])
    text = "\n".join(line.strip() for line in kept).strip()
    return BLANK_LINES.sub("\n\n", text)


def _unsigned(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        left = len(lines) - index - 1
        if (
            _marked(marks.DASHES, line)
            or _marked(marks.DISCLAIMER, line)
            or (left <= SIGNATURE_LEFT and _marked(marks.SENT_WITH, line))
            or (left <= marks.SIGNATURE_LINES and _regards(lines, index))
        ):
            return lines[:index] + _postscript(lines[index + 1 :])
    return lines


def _regards(lines: Sequence[str], index: int) -> bool:
    """Whether the regards above a signature stand there, below a text."""
    is_short = sum(map(len, lines[index + 1 :])) <= marks.SIGNATURE_CHARS
    below = any(line.strip() for line in lines[:index])
    return is_short and below and _marked(marks.REGARDS, lines[index]) is not None


SIGNATURE_LEFT: Final = 6


def _postscript(lines: list[str]) -> list[str]:
    """What was added below a signature."""
    begin = next((index for index, line in enumerate(lines) if _marked(marks.POSTSCRIPT, line)), None)
    return [] if begin is None else lines[begin:]
