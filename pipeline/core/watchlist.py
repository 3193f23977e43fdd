"""What is watched: the objects of the watchlist with their aliases, own accounts and contexts.

``pipeline/core/watchlist_yaml.py`` makes a `Watchlist` from YAML; the matcher is built from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from pipeline.core.fold import plain
from schemas.mention import ObjectKind
from schemas.spike import Resolution

KINDS: tuple[ObjectKind, ...] = get_args(ObjectKind)
ANY_SOURCE = "any"
"""The source of accounts that are listed without a source."""
LEAST_SENSITIVITY, MOST_SENSITIVITY = 8.0, 50.0
"""What a score may have to reach: below, the detector would learn its own spikes; above, no score goes."""

Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Threshold = Annotated[float, Field(ge=LEAST_SENSITIVITY, le=MOST_SENSITIVITY, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Alias(_Strict):
    """One way to name an object. ``require`` and ``exclude`` replace the object's where they are given."""

    text: Phrase
    exact: bool = False
    """True: only as written, with this case; no inflection, no disguise of any kind."""
    translit: bool = True
    """False: no spelling in the other alphabet is made from it."""
    misspellings: bool = True
    """False: slips of the pen and finger are not looked for."""
    require: tuple[Phrase, ...] | None = None
    exclude: tuple[Phrase, ...] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Alias:
        size = len(plain(self.text))
        if not self.exact and size < 2:
            raise ValueError("one letter is met everywhere: give a longer alias, or add `exact: true`")
        if any(char in self.text for char in "*\n\x00"):
            raise ValueError(
                "an alias is plain text without `*` or line ends: its forms are found by themselves"
            )
        return self


class WatchObject(_Strict):
    """An entry of the watchlist; ``name`` is for people to read, ``aliases`` are what is searched for."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    kind: ObjectKind
    name: Phrase
    aliases: tuple[Alias, ...] = Field(min_length=1)
    accounts: dict[str, tuple[Phrase, ...]] = Field(default_factory=dict)
    """Own accounts by source: handles, numeric ids, addresses; `ANY_SOURCE` where none was given."""
    require: tuple[Phrase, ...] = ()
    """An alias counts only where one of these words stands near it."""
    exclude: tuple[Phrase, ...] = ()
    """An alias does not count where one of these words stands near it."""
    unless_part_of: tuple[Phrase, ...] = ()
    """Longer names that contain an alias and mean something else (МТС Банк is not МТС)."""
    sensitivity: dict[Resolution, Threshold] = Field(default_factory=dict)
    """The score that opens a spike, by length of the bucket; higher is less sensitive."""

    @field_validator("aliases", mode="before")
    @classmethod
    def _plain_strings_are_aliases(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [{"text": item} if isinstance(item, str) else item for item in value]

    @field_validator("accounts", mode="before")
    @classmethod
    def _a_list_is_for_any_source(cls, value: Any) -> Any:
        return {ANY_SOURCE: value} if isinstance(value, list | tuple) else value

    def required(self, alias: Alias) -> tuple[str, ...]:
        """The context words of which one must be near ``alias``; empty: none."""
        return self.require if alias.require is None else alias.require

    def excluded(self, alias: Alias) -> tuple[str, ...]:
        """The context words of which none may be near ``alias``."""
        return self.exclude if alias.exclude is None else alias.exclude


class Watchlist:
    """The objects in their order, and by id."""

    def __init__(self, objects: tuple[WatchObject, ...]) -> None:
        self.objects = objects
        self._by_id = {watched.id: watched for watched in objects}
        if len(self._by_id) < len(objects):
            raise ValueError("two objects have the same id")

    def __getitem__(self, object_id: str) -> WatchObject:
        return self._by_id[object_id]

    def __contains__(self, object_id: object) -> bool:
        return object_id in self._by_id

    def __iter__(self) -> Iterator[WatchObject]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self.objects)

    def sensitivity(self) -> dict[tuple[str, Resolution], float]:
        """The thresholds of the objects that have their own, by id and length of the bucket."""
        return {
            (watched.id, resolution): threshold
            for watched in self.objects
            for resolution, threshold in watched.sensitivity.items()
        }


class Problem(NamedTuple):
    """One thing to repair in a watchlist; ``line`` counts from 1, ``object_id`` is empty where unknown."""

    line: int
    object_id: str
    message: str

    def __str__(self) -> str:
        about = f"object {self.object_id!r}: " if self.object_id else ""
        return f"{self.line}: {about}{self.message}"


class WatchlistError(ValueError):
    """A watchlist that cannot be used; ``problems`` are all that were found, in the order of their lines."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = sorted(problems)
        super().__init__("\n".join(f"{file}:{problem}" for problem in self.problems))
