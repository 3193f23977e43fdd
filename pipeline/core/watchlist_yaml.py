"""YAML text -> `Watchlist`, or every problem of it at once, each with its line and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.core.accounts import spellings
from pipeline.core.fold import plain
from pipeline.core.watchlist import ANY_SOURCE, Problem, Watchlist, WatchlistError, WatchObject
from pipeline.core.watchlist_problems import explain, telling

Path = tuple[int | str, ...]
Lines = dict[Path, int]

MAX_DEPTH = 8
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def parse_watchlist(text: str, file: str = "watchlist") -> Watchlist:
    """Read a watchlist: a YAML list of objects, or a mapping with that list under ``objects``.

    Raises:
        WatchlistError: with every problem found; ``file`` is only its name in the messages.
    """
    problems: list[Problem] = []
    lines: Lines = {}
    try:
        _check_events(text)
        root = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, UnicodeError) as error:
        raise WatchlistError(file, [_syntax_problem(error, text)]) from error
    document = _build(root, (), lines, problems) if root is not None else None
    if isinstance(document, dict) and set(document) == {"objects"}:
        lines = {path[1:]: line for path, line in lines.items() if path}
        document = document["objects"]
    if not isinstance(document, list) or not document:
        what = "is empty" if not document else "is not a list"
        hint = "write one `- id: ...` block per object (see examples/watchlist.example.yaml)"
        raise WatchlistError(file, [*problems, Problem(1, "", f"the watchlist {what}: {hint}")])
    objects = [_object(number, item, lines, problems) for number, item in enumerate(document)]
    valid = {number: watched for number, watched in enumerate(objects) if watched is not None}
    problems += [*_same_ids(document, lines), *_same_aliases(valid, lines), *_same_accounts(valid, lines)]
    if problems:
        raise WatchlistError(file, problems)
    return Watchlist(tuple(valid.values()))


class _TooClever(yaml.YAMLError):
    """YAML that a watchlist has no use for; ``line`` counts from 0."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


def _row(mark: Any) -> int:
    return int(mark.line)


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise _TooClever("`*` at the start means a reference", _row(event.start_mark))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _TooClever("brackets nested too deep", _row(event.start_mark))


def _syntax_problem(error: yaml.YAMLError | UnicodeError, text: str) -> Problem:
    if isinstance(error, _TooClever):
        problem, number = str(error), error.line
    elif isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        problem, number = str(error.problem), error.problem_mark.line
    else:
        return Problem(1, "", f"not YAML: {' '.join(str(error).split())}; save the file as UTF-8 text")
    row = dict(enumerate(text.splitlines())).get(number, "")
    hint = "check the indentation, the quotes and the `:` of this line and the one before"
    if "\t" in row[: len(row) - len(row.lstrip())]:
        hint = "a tab stands there: indent with spaces"
    elif re.search(r"(^|[-:\[,{])\s*[@*&!%`|>]", row):
        hint = 'put values that begin with @ * & ! % ` in quotes, e.g. "@sberbank"'
    return Problem(number + 1, "", f"not YAML: {problem}; {hint}")


def _build(node: yaml.Node, path: Path, lines: Lines, problems: list[Problem]) -> Any:
    """Plain lists, mappings and strings (no numbers, no booleans: an alias `24` or `no` is text)."""
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, index), lines, problems) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name in mapping:
                where = lines[*path, name]
                problems.append(
                    Problem(
                        key.start_mark.line + 1,
                        "",
                        f"`{name}` is given twice (first on line {where}): keep one",
                    )
                )
            lines[*path, name] = key.start_mark.line + 1
            mapping[name] = _build(value, (*path, name), lines, problems)
        return mapping
    return None if node.value == "" and getattr(node, "style", None) is None else node.value


def _object(number: int, item: Any, lines: Lines, problems: list[Problem]) -> WatchObject | None:
    try:
        return WatchObject.model_validate(item)
    except ValidationError as error:
        object_id = _id_of(item)
        for detail in telling(error.errors(include_url=False)):
            line = _line((number, *detail["loc"]), lines)
            problems.append(Problem(line, object_id, explain(detail)))
    return None


def _id_of(item: Any) -> str:
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def _line(path: Path, lines: Lines) -> int:
    path = tuple(step for step in path if step != ANY_SOURCE or path in lines)
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _same_ids(document: list[Any], lines: Lines) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, item in enumerate(document):
        object_id = _id_of(item)
        line = _line((number, "id"), lines)
        if object_id in first:
            yield Problem(line, object_id, f"the id is taken on line {first[object_id]}: choose another")
        elif object_id:
            first[object_id] = line


def _same_aliases(objects: dict[int, WatchObject], lines: Lines) -> Iterator[Problem]:
    """One alias of two objects is only sound where context words tell them apart."""
    first: dict[str, tuple[WatchObject, int]] = {}
    for number, watched in objects.items():
        for index, alias in enumerate(watched.aliases):
            if watched.required(alias):
                continue
            line = _line((number, "aliases", index), lines)
            other, where = first.setdefault(plain(alias.text), (watched, line))
            if other is not watched:
                yield Problem(
                    line,
                    watched.id,
                    f"the alias {alias.text!r} also names {other.id!r} (line {where}): remove one, "
                    "or give one of them `require` words that tell them apart",
                )


def _same_accounts(objects: dict[int, WatchObject], lines: Lines) -> Iterator[Problem]:
    first: dict[tuple[str, str], tuple[WatchObject, int]] = {}
    for number, watched in objects.items():
        for source, accounts in watched.accounts.items():
            for index, account in enumerate(accounts):
                line = _line((number, "accounts", source, index), lines)
                for name in spellings(account, source).owners:
                    other, where = first.setdefault(name, (watched, line))
                    if other is not watched:
                        message = (
                            f"the account {account!r} belongs to {other.id!r} (line {where}): remove one"
                        )
                        yield Problem(line, watched.id, message)
                        break
