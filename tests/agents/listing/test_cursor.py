"""The cursor of lists: its size, its order, what is no cursor."""

from __future__ import annotations

import pytest

from agents.appstore_connect.options import MAX_APPS as CONNECT_APPS
from agents.appstore_connect.options import REMEMBERED as CONNECT_REMEMBERED
from agents.base import CursorCorrupt
from agents.googleplay.options import MAX_APPS, REMEMBERED
from agents.listing.cursor import MAX_LISTS, Cursor, Known, ListState, PastCursor
from agents.listing.cursor import REMEMBERED as USUAL

MEBIBYTE = 1024 * 1024


def _state(entries: int) -> ListState:
    known = {f"{number:012x}": Known("0123456789ab", 1_763_726_400_000) for number in range(entries)}
    return ListState().with_seen(known, [*known], entries)


@pytest.mark.parametrize(
    ("lists", "entries"),
    [(MAX_LISTS, USUAL), (MAX_APPS, REMEMBERED), (CONNECT_APPS, CONNECT_REMEMBERED)],
)
def test_the_largest_cursor_is_below_a_mebibyte(lists: int, entries: int) -> None:
    cursor = Cursor(lists={f"https://example.org/{number:0200}": _state(entries) for number in range(lists)})
    assert len(cursor.model_dump_json()) < MEBIBYTE
    assert Cursor.read(cursor.model_dump_json(exclude_defaults=True)) == cursor


def test_what_a_list_shows_stays_known_before_what_it_no_longer_shows() -> None:
    state = _state(4)
    state = state.with_seen({"new": Known("x", 1)}, ["new", "000000000003"], 3)
    assert [*state.seen] == ["new", "000000000003", "000000000000"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"lists": 1}'])
def test_what_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorCorrupt):
        Cursor.read(text)


def test_what_is_no_cursor_of_a_backfill() -> None:
    with pytest.raises(CursorCorrupt):
        PastCursor.read('{"done": 1}')
