"""A rating as a page shows it, a number, ``4 из 5``, ``8/10``, stars, a width -> 0 to 5 stars. Pure."""

from __future__ import annotations

import re
from typing import Final

BEST: Final = 5.0
_SCALED: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:/|из|out of|of)\s*(\d+)", re.IGNORECASE)
_PERCENT: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*%")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")
_STAR, _HALF, _HOLLOW = "★⭐", "⯪⯨½", "☆✩"
LONGEST: Final = 200


def stars_of(text: str, best: float = BEST) -> float | None:
    """0 to 5 stars; None where ``text`` has no rating.

    ``best`` is the highest rating where the text does not say it. Of a class such as ``stars stars--4`` the
    first number counts.
    """
    text = text[:LONGEST].strip()
    if (scaled := _SCALED.search(text)) is not None:
        return _on_scale(_float(scaled[1]), float(scaled[2]))
    if (percent := _PERCENT.search(text)) is not None:
        return _on_scale(_float(percent[1]), 100.0)
    full = sum(text.count(star) for star in _STAR)
    half = sum(text.count(star) for star in _HALF)
    if full or half or any(star in text for star in _HOLLOW):
        hollow = sum(text.count(star) for star in _HOLLOW)
        return _on_scale(full + half / 2, max(best, full + half + hollow))
    number = _NUMBER.search(text)
    return None if number is None else _on_scale(_float(number[0]), best)


def _on_scale(value: float, best: float) -> float | None:
    if best <= 0 or value > best:
        return None
    return round(value / best * BEST, 2)


def _float(text: str) -> float:
    return float(text.replace(",", "."))
