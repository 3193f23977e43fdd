"""What tests of sources look at in the items that a source yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agents.base import Collected, Found, Gone, Progress


def rounds(count: int) -> Callable[[Sequence[Collected]], bool]:
    """Until a source has said ``count`` times that it has read a place (a `Progress` without a cursor)."""

    def reached(items: Sequence[Collected]) -> bool:
        return sum(isinstance(each, Progress) and each.cursor is None for each in items) >= count

    return reached


def ids(items: Sequence[Collected]) -> list[str]:
    """Native ids of posts; ``id@`` of edited ones, ``-id`` of deleted ones."""
    found = []
    for item in items:
        match item:
            case Found(post=post):
                found.append(post.native_id + ("@" if post.revision else ""))
            case Gone(native_id=number):
                found.append(f"-{number}")
    return found


def posts(items: Sequence[Collected]) -> dict[str, Any]:
    """The last version of each post by native id."""
    return {item.post.native_id: item.post for item in items if isinstance(item, Found)}


def kills(items: Sequence[Collected], cursor: str | None) -> Iterator[tuple[list[str], str | None]]:
    """After each saved cursor: the ids that were published by then, and the cursor; ``cursor`` is the first.

    A kill between two cursors goes on from the first of them, and has published more: it loses no more.
    """
    yield [], cursor
    for index, item in enumerate(items):
        if item.cursor is not None:
            yield ids(items[: index + 1]), item.cursor


def last_cursor(items: Sequence[Collected]) -> str:
    return [item.cursor for item in items if item.cursor is not None][-1]
