"""What a test asks of findings."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.checks import Part


def wrong(parts: Iterable[Part]) -> dict[str, Part]:
    """Findings that are not well, by name; every one has a cure."""
    found = {part.name: part for part in parts if not part.ready}
    assert all(part.cure for part in found.values()), found
    return found
