"""What ``molva dead-letters`` prints: tables for people, one JSON document for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from pipeline.cli.context import out, print_json
from pipeline.dead_letters.choice import Found, Group, kafka_origin
from pipeline.dead_letters.preparing import Outcome, Status

DETAIL_CHARS = 100
SHOWN = 20
DONE: tuple[Status, ...] = ("sent", "already sent", "would be sent")
"""What leaves nothing to do."""


def show_groups(groups: Sequence[Group], as_json: bool) -> None:
    """Counts by stage, reason and source."""
    if as_json:
        total = sum(group.letters for group in groups)
        print_json({"letters": total, "groups": [group._asdict() for group in groups]})
        return
    if not groups:
        out.print("no dead letters")
        return
    table = Table("letters", "stage", "reason", "source", "newest", box=None, header_style="bold")
    for group in groups:
        cells = (group.stage, group.reason, escape(group.source))
        table.add_row(f"{group.letters:,}", *cells, _moment(group.newest))
    _print(table)
    out.print("\nthe newest of each:")
    for group in groups:
        out.print(f"{group.newest_id}  {_line(group.detail)}", markup=False)


def show_letters(found: Sequence[Found], as_json: bool) -> None:
    """One line per letter."""
    if as_json:
        print_json({"letters": [document(each) for each in found]})
        return
    table = Table("failed at", "state", "reason", "id", "what is wrong", box=None, header_style="bold")
    for each in found:
        letter = each.letter
        table.add_row(
            _moment(letter.failed_at),
            each.state,
            letter.reason,
            escape(letter.id),
            escape(_line(letter.detail)),
        )
    _print(table)


def show_letter(found: Found, as_json: bool) -> None:
    """Everything about one."""
    if as_json:
        print_json(document(found))
        return
    letter = found.letter
    origin = kafka_origin(letter)
    place = (
        letter.origin
        if origin is None
        else f"topic {origin.topic}, partition {origin.partition}, offset {origin.offset}"
    )
    became = found.state + (f": sent again as {found.resent}" if found.resent else "")
    kept = len(letter.payload.encode())
    cut = "" if letter.payload_size <= kept else f", the first {kept:,} follow"
    for name, value in (
        ("id", letter.id),
        ("stage", letter.stage),
        ("origin", place),
        ("reason", f"{letter.reason}: {letter.detail}"),
        ("failed at", _moment(letter.failed_at)),
        ("state", became),
        ("payload", f"{letter.payload_size:,} bytes, SHA-256 {letter.payload_sha256}{cut}"),
    ):
        out.print(f"{name:<10} {value}", markup=False)
    out.print(f"\n{letter.payload}\n", markup=False)


def show_outcomes(outcomes: Sequence[Outcome], as_json: bool) -> None:
    """How many were sent, and why the others were not."""
    counts = Counter(each.status for each in outcomes)
    if as_json:
        print_json({"outcomes": dict(counts), "records": [each._asdict() for each in outcomes]})
        return
    out.print(", ".join(f"{count:,} {status}" for status, count in counts.most_common()) or "nothing to send")
    troubles = [each for each in outcomes if each.status not in DONE]
    for each in troubles[:SHOWN]:
        out.print(f"{each.status}: {each.letter_id}: {_line(each.detail)}", markup=False)
    if len(troubles) > SHOWN:
        out.print(f"and {len(troubles) - SHOWN:,} more; --json tells all")


def document(found: Found) -> dict[str, Any]:
    """A letter for programs: its record, with the parts of its origin and what became of it."""
    origin = kafka_origin(found.letter)
    place = None if origin is None else origin.model_dump()
    return {
        **found.letter.model_dump(mode="json"),
        "place": place,
        "state": found.state,
        "resent": found.resent or None,
    }


def _print(table: Table) -> None:
    """With every cell whole, so that ids can be copied."""
    for column in table.columns:
        column.overflow = "fold"
    out.print(table)


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= DETAIL_CHARS else flat[: DETAIL_CHARS - 1] + "…"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
