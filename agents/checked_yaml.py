"""A YAML file of settings, checked against models, every mistake told as ``file:line: place: problem``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agents.base import BadConfiguration
from pipeline.core.yaml_lines import Lines, NotYaml, line_of, read_yaml

MAX_BYTES = 8 * 1024 * 1024
M = TypeVar("M", bound=BaseModel)
Place = tuple[int | str, ...]


def read_text(path: Path) -> str:
    """The text of a file of settings.

    Raises:
        BadConfiguration: it cannot be read, is no UTF-8, or is too large to be one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise BadConfiguration(f"{path}: larger than {MAX_BYTES} bytes: is it the right file?")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: cannot be read: {error}") from error


class CheckedYaml:
    """One document; `mistake` and `model` collect what is wrong with it, `require_none` raises it.

    ``name`` is what messages call the file.
    """

    def __init__(self, text: str, name: str) -> None:
        """Parse the text; scalars stay text until a model reads them.

        Raises:
            BadConfiguration: it is not YAML.
        """
        self._name = name
        self._mistakes: list[tuple[int, str]] = []
        self.document: Any
        self._lines: Lines
        try:
            self.document, self._lines = read_yaml(text)
        except NotYaml as error:
            raise BadConfiguration(f"{name}:{error.line}: {error}") from error

    def line(self, place: Place) -> int:
        """The line of a place in the document, or of the nearest part of it that exists."""
        return line_of(place, self._lines)

    def mistake(self, place: Place, problem: str) -> None:
        """Note something to mend."""
        self._mistakes.append((self.line(place), problem))

    def model(
        self,
        model: type[M],
        place: Place = (),
        *,
        context: Any = None,
        called: Callable[[Sequence[int | str]], str] | None = None,
    ) -> M | None:
        """Check the part of the document at ``place``; None where it has mistakes, which are noted.

        Args:
            context: given to the model's validators.
            called: how a field, given by its path below ``place``, is called; default: the whole path.
        """
        part = self.document
        for step in place:
            part = part[step]
        try:
            return model.model_validate(part, context=context)
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False, include_context=False):
                steps = (*place, *found["loc"])
                where = _path(steps) if called is None else called(found["loc"])
                self.mistake(steps, f"{where}: {found['msg'].removeprefix('Value error, ')}")
        return None

    def require_none(self) -> None:
        """Go on only without mistakes.

        Raises:
            BadConfiguration: every mistake with its line.
        """
        if self._mistakes:
            told = [f"{self._name}:{line}: {problem}" for line, problem in sorted(set(self._mistakes))]
            raise BadConfiguration("\n".join(told))


def _path(steps: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in steps) or "the file"
