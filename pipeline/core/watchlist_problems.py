"""Pydantic's errors about a watchlist in words that say what to write instead (for `watchlist_yaml`)."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import get_args

from pydantic_core import ErrorDetails

from pipeline.core.watchlist import (
    ANY_SOURCE,
    KINDS,
    LEAST_SENSITIVITY,
    MOST_SENSITIVITY,
    Alias,
    WatchObject,
)
from schemas.spike import Resolution

_MISSING = {
    "id": "add a short name for programs, e.g. `id: sberbank`",
    "kind": f"add one of {', '.join(KINDS)}, e.g. `kind: brand`",
    "name": "add what people should read, e.g. `name: Сбербанк`",
    "aliases": "add how people call it, e.g. `aliases: [Сбербанк, Сбер]`",
    "text": "add the alias itself, e.g. `- text: Сбер`",
}


def telling(details: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """The errors without those that only follow from another (a misspelt key is also a missing one)."""
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    misspelt = {(*loc[:-1], _closest(str(loc[-1]), _known_keys(loc))) for loc in unknown}
    with_unknown = {loc[:-1] for loc in unknown}
    for detail in details:
        loc = detail["loc"]
        follows = detail["type"] == "missing" and (
            loc in misspelt or (loc[-1] == "text" and loc[:-1] in with_unknown)
        )
        if not follows and not (detail["type"] == "too_short" and detail["input"]):
            yield detail


def explain(detail: ErrorDetails) -> str:
    """A pydantic error in words that say what to write instead."""
    loc, given = detail["loc"], detail["input"]
    key = next((step for step in reversed(loc) if isinstance(step, str) and step != ANY_SOURCE), "")
    where = f"`{key}`" if key else "the object"
    if loc[:1] == ("sensitivity",):
        return _about_sensitivity(detail)
    match detail["type"]:
        case "missing":
            return f"{where} is missing: {_MISSING[key]}"
        case "extra_forbidden":
            known = _known_keys(loc)
            quotes = "; an alias with a colon needs quotes" if len(loc) > 1 else ""
            return f"unknown key {where}{_meant(key, known)}; the keys are {', '.join(known)}{quotes}"
        case "literal_error":
            return f"unknown kind {given!r}{_meant(str(given), KINDS)}; the kinds are {', '.join(KINDS)}"
        case "string_pattern_mismatch":
            return f"the id {given!r} may hold at most 64 of a-z, 0-9, _ . -: write it like `id: my-bank`"
        case "too_short":
            return f"{where} is empty: {_MISSING[key]}"
        case "string_too_long":
            return f"{where} is longer than 200 characters: give the name only"
        case "bool_parsing" | "bool_type":
            return f"{where} is {given!r}: write true or false"
        case "value_error":
            return f"{where}: {detail['ctx']['error']}"
    if given is None or given == "":
        return f"an empty value in {where}: remove it, or put it in quotes if it begins with #"
    if detail["type"] in ("tuple_type", "list_type"):
        return f"{where} must be a list: write `{key}: [{given if isinstance(given, str) else '...'}]`"
    if detail["type"] in ("model_type", "dict_type"):
        return f"{where} must be `key: value` lines, not {given!r}"
    return f"{where} must be text, not {given!r}: put it in quotes if it holds a colon"


def _about_sensitivity(detail: ErrorDetails) -> str:
    loc, given = detail["loc"], detail["input"]
    if len(loc) == 1:
        return "`sensitivity` is given by length of the bucket: write it like `sensitivity: {1h: 15}`"
    known: tuple[str, ...] = get_args(Resolution)
    if detail["type"] == "literal_error":
        return f"unknown length of a bucket {given!r} in `sensitivity`; there are {', '.join(known)}"
    return (
        f"the sensitivity of `{loc[1]}` is {given!r}: write a number from {LEAST_SENSITIVITY:g} to "
        f"{MOST_SENSITIVITY:g} (12 is the default, higher is less sensitive)"
    )


def _meant(word: str, known: tuple[str, ...]) -> str:
    closest = _closest(word, known)
    return f": did you mean `{closest}`?" if closest else ""


def _closest(word: str, known: tuple[str, ...]) -> str:
    return next(iter(get_close_matches(word.lower(), known, n=1, cutoff=0.5)), "")


def _known_keys(loc: tuple[int | str, ...]) -> tuple[str, ...]:
    return tuple((Alias if loc[0] == "aliases" and len(loc) > 1 else WatchObject).model_fields)
