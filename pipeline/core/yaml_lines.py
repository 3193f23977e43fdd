"""YAML text -> lists, mappings and strings with their lines, for configuration that names its errors."""

from __future__ import annotations

from typing import Any

import yaml

Path = tuple[int | str, ...]
Lines = dict[Path, int]
"""Where each value stands; lines count from 1."""

MAX_DEPTH = 12
MAX_VALUES = 100_000


class NotYaml(ValueError):
    """The text is no YAML, or uses what configuration has no use for; ``line`` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def read_yaml(text: str) -> tuple[Any, Lines]:
    """Parse one document; scalars stay text (``no`` and ``09:00`` are no boolean and no number).

    Raises:
        NotYaml: with the line and the problem.
    """
    lines: Lines = {}
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        hint = "check the indentation, the quotes and the `:` of this line and the one before"
        raise NotYaml(line, f"not YAML: {error.problem or error.context}; {hint}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise NotYaml(1, f"not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise NotYaml(1, "brackets nested too deep") from error
    return (None if node is None else _build(node, (), lines)), lines


def line_of(path: Path, lines: Lines) -> int:
    """The line of a value, or of the nearest one around it."""
    while path not in lines and path:
        path = path[:-1]
    return lines.get(path, 1)


def _build(node: yaml.Node, path: Path, lines: Lines) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if len(lines) > MAX_VALUES:
        raise NotYaml(line, f"more than {MAX_VALUES} values (or `*` references that multiply)")
    if len(path) > MAX_DEPTH:
        raise NotYaml(line, "nested too deep (or a `*` reference to what holds it)")
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, index), lines) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return node.value
    mapping: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise NotYaml(key.start_mark.line + 1, "a key must be plain text")
        if key.value in mapping:
            where = lines[*path, key.value]
            raise NotYaml(
                key.start_mark.line + 1, f"`{key.value}` is given twice (first on line {where}): keep one"
            )
        lines[*path, key.value] = key.start_mark.line + 1
        mapping[key.value] = _build(value, (*path, key.value), lines)
    return mapping
