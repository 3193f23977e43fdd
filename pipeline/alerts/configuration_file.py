"""Reads alerts.yaml: every mistake with its line, every secret from the environment or a file of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.alerts.configuration import Configuration
from pipeline.core.yaml_lines import Lines, NotYaml, line_of, read_yaml
from pipeline.errors import UsageError

MAX_BYTES = 1024 * 1024
SECRETS = ("url", "secret", "proxy", "headers")
"""Keys of receivers in which ``${NAME}`` stands for a variable of the environment."""
PRIVATE = {"apprise": ("url",), "webhook": ("secret",), "alertmanager": ()}
"""Keys that hold nothing but secrets: written out in the file they are refused."""
TYPES = tuple(PRIVATE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PASSWORD = re.compile(rf"(?<=:){_VARIABLE.pattern}(?=@)")
"""A password in an address (``user:${NAME}@host``): what stands in NAME is percent-encoded there."""


class AlertsError(UsageError):
    """alerts.yaml cannot be used; the message names every problem as ``file:line: problem``."""


class _Problems(list[tuple[int, str]]):
    def told(self, file: Path) -> str:
        return "\n".join(f"{file}:{line}: {problem}" for line, problem in sorted(set(self)))


def read_configuration(path: Path, environment: Mapping[str, str]) -> Configuration:
    """Read and check the file; secrets stand in the result as `SecretStr`.

    Args:
        environment: where ``${NAME}`` is looked up.

    Raises:
        AlertsError: the file, or a file of secrets that it names, cannot be read or has mistakes.
    """
    try:
        content = path.read_bytes()[: MAX_BYTES + 1]
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise AlertsError(f"{path}:1: cannot be read ({error.strerror}): check MOLVA_ALERTS") from error
    except UnicodeDecodeError as error:
        raise AlertsError(f"{path}:1: not UTF-8 text: save the file in UTF-8") from error
    if len(content) > MAX_BYTES:
        raise AlertsError(f"{path}:1: the file is larger than 1 MiB: is it the right one?")
    try:
        document, lines = read_yaml(text)
    except NotYaml as error:
        raise AlertsError(f"{path}:{error.line}: {error}") from error
    if not isinstance(document, dict):
        raise AlertsError(f"{path}:1: write `receivers:` and `routes:` (see deploy/alerts.example.yaml)")
    problems = _Problems()
    for place, receiver in _receivers(document):
        _fill_in(receiver, place, path.parent, environment, lines, problems)
    try:
        configuration = Configuration.model_validate(document)
    except ValidationError as error:
        found = [_problem(each, lines) for each in error.errors(include_url=False, include_input=False)]
        filled = {(line, problem.partition(":")[0]) for line, problem in problems}
        # an address whose variable is not set need not be told to be no address
        problems += [each for each in found if (each[0], each[1].partition(":")[0]) not in filled]
    if problems:
        raise AlertsError(problems.told(path))
    return configuration


def _receivers(document: dict[str, Any]) -> Iterator[tuple[tuple[int | str, ...], dict[str, Any]]]:
    listed = document.get("receivers")
    for number, receiver in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(receiver, dict):
            yield ("receivers", number), receiver


def _fill_in(
    receiver: dict[str, Any],
    place: tuple[int | str, ...],
    folder: Path,
    environment: Mapping[str, str],
    lines: Lines,
    problems: _Problems,
) -> None:
    """Put the secrets of one receiver in their places, in the document."""

    def complain(key: str, problem: str) -> None:
        problems.append((line_of((*place, key), lines), f"`{key}`{problem}"))

    def expand(key: str, value: str) -> str:
        for name in _VARIABLE.findall(value):
            if not environment.get(name):
                complain(key, f": the variable {name} is not set in the environment")
        if key in ("url", "proxy"):
            value = _PASSWORD.sub(lambda found: quote(environment.get(found[1], ""), safe=""), value)
        return _VARIABLE.sub(lambda found: environment.get(found[1], ""), value)

    for key in PRIVATE.get(str(receiver.get("type")), ()):
        value = receiver.get(key)
        if isinstance(value, str) and value and not _VARIABLE.search(value):
            hint = f"write `{key}: ${{NAME}}` and set NAME in the environment, or `{key}_file: PATH`"
            complain(key, f" holds a secret: {hint}")
    for key in SECRETS:
        value = receiver.get(key)
        if isinstance(value, str):
            receiver[key] = expand(key, value)
        elif isinstance(value, dict):
            receiver[key] = {
                name: expand(key, item) if isinstance(item, str) else item for name, item in value.items()
            }
    _read_files(receiver, folder, complain)


def _read_files(receiver: dict[str, Any], folder: Path, complain: Callable[[str, str], None]) -> None:
    """Replace ``url_file`` and ``secret_file`` by what stands in the files."""
    for key in ("url", "secret"):
        named = receiver.get(f"{key}_file")
        if not isinstance(named, str):
            continue
        file = folder / named
        try:
            found = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            complain(f"{key}_file", f": {file} cannot be read ({type(error).__name__})")
            continue
        if key in receiver:
            complain(key, f" and `{key}_file` are both given: keep one")
        receiver[key] = found
        del receiver[f"{key}_file"]


def _problem(detail: ErrorDetails, lines: Lines) -> tuple[int, str]:
    loc = tuple(step for step in detail["loc"] if step not in TYPES)
    keys = [step for step in loc if isinstance(step, str)]
    where = f"`{keys[-1]}`" if keys else "the file"
    match detail["type"]:
        case "missing":
            problem = f"{where} is missing"
        case "extra_forbidden":
            problem = f"unknown key {where}"
        case "union_tag_invalid" | "union_tag_not_found":
            problem = f"a receiver needs `type`: {', '.join(TYPES)}"
        case "value_error":
            problem = f"{where}: {detail['ctx']['error']}"
        case "string_pattern_mismatch":
            problem = f"{where} may hold letters, digits, `_`, `.` and `-`"
        case _:
            problem = f"{where}: {detail['msg']}"
    return line_of(loc, lines), problem
