"""The list of feeds of the ``rss`` agent: a YAML file, checked with the line of every mistake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, ValidationError

from agents.base import BadConfiguration

MIN_INTERVAL = timedelta(seconds=30)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _interval(value: Any) -> Any:
    """``10m`` and the like, or seconds."""
    if isinstance(value, str) and value[:-1].isdigit() and value[-1:] in UNITS:
        return timedelta(seconds=int(value[:-1]) * UNITS[value[-1]])
    return value


class Feed(BaseModel):
    """One feed. ``source`` is the source of its posts, ``name`` the name of their channel."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    url: HttpUrl
    name: str = ""
    source: str = Field(default="rss", min_length=1, max_length=128, pattern=r"^[^:\s\x00]+$")
    interval: Annotated[timedelta, BeforeValidator(_interval)] = Field(
        default=timedelta(minutes=5), ge=MIN_INTERVAL, le=timedelta(days=7)
    )
    kind: str = "feed"
    own: bool = False
    """True where it is the watched company's own."""


class Feeds(BaseModel):
    """The file's top level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feeds: tuple[Feed, ...] = Field(min_length=1, max_length=10_000)


def read_feeds(path: Path) -> tuple[Feed, ...]:
    """Read a list of feeds.

    Raises:
        BadConfiguration: each mistake with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: cannot be read: {error}") from error
    return parse_feeds(text, str(path))


def parse_feeds(text: str, name: str) -> tuple[Feed, ...]:
    """The feeds of a YAML text; ``name`` is what errors call it.

    Raises:
        BadConfiguration: each mistake with its line.
    """
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadConfiguration(f"{name}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise BadConfiguration(f"{name}: not YAML: {error}") from error
    try:
        feeds = Feeds.model_validate(document).feeds
    except ValidationError as error:
        mistakes = [
            f"{name}:{_line_of(tree, item['loc'])}: {_path(item['loc'])}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
        raise BadConfiguration("\n".join(mistakes)) from error
    seen: dict[str, int] = {}
    for index, feed in enumerate(feeds):
        line = _line_of(tree, ("feeds", index))
        if (first := seen.setdefault(str(feed.url), line)) != line:
            raise BadConfiguration(f"{name}:{line}: {feed.url} stands in line {first} already")
    return feeds


def _path(steps: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in steps) or "the file"


def _line_of(node: yaml.Node | None, steps: Sequence[int | str]) -> int:
    """The line of a place in the document, or of the nearest part of it that exists."""
    if node is None:
        return 1
    if steps:
        step, rest = steps[0], steps[1:]
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return _line_of(node.value[step], rest)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    return _line_of(value, rest) if rest else int(key.start_mark.line) + 1
    return int(node.start_mark.line) + 1
