"""The cursor of a ``vk`` agent: how far walls, searches, mentions are read, which posts are watched."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from agents.base import CursorCorrupt

MAX_SEEN: Final = 6000
"""Versions of posts that searches have found lately, of all queries together."""
MAX_WATCHED: Final = 2000
"""Posts that are read again for edits, deletions and comments."""
MAX_COMMENTS: Final = 12_000
"""Comments that are watched for edits and deletions."""
_PAIR: Final = struct.Struct(">QI")


def digest(*parts: Any) -> int:
    """64 bits of a hash."""
    joined = "\x00".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "big")


def _unpacked(text: Any) -> Any:
    """Comments of a text of `_packed`."""
    if not isinstance(text, str):
        return text
    try:
        return dict(_PAIR.iter_unpack(b64decode(text, validate=True)))
    except (Base64Error, struct.error) as error:
        raise ValueError("comments are not packed as they should be") from error


def _packed(known: Mapping[int, int]) -> str:
    return b64encode(b"".join(_PAIR.pack(*each) for each in known.items())).decode()


Comments = Annotated[dict[int, int], BeforeValidator(_unpacked), PlainSerializer(_packed, return_type=str)]
"""Comments by id: 32 bits of a hash of what each says."""


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Hole(_State):
    """Posts of a wall below ``high`` and above ``low`` are still to be read, from the newest on.

    ``offset`` is about where they begin on the wall; ``left`` how many of them are wanted.
    """

    low: int
    high: int
    offset: int
    left: int


class Wall(_State):
    """``last`` is the newest post that was read; ``since``: when the wall was read first, Unix seconds."""

    since: int = 0
    last: int = 0
    hole: Hole | None = None


class Search(_State):
    """``done``: Unix seconds up to which a query was read; ``span``: of the next window, in seconds.

    ``deep``: when posts that VK was late to find were last looked for.
    """

    done: int = 0
    span: int = 0
    deep: int = 0


class Watched(_State):
    """A post that is read again when it is ``due``, all moments in Unix seconds.

    Attributes:
        edited: its last edit.
        tree: whether comments are collected; ``count`` is how many there were, ``visits`` counts readings.
        missed: how often in a row it was absent.
        last: the newest comment that was read.
        known: its comments; ``absent`` of them those that were missing in the last reading;
            ``trimmed`` where there were too many to remember.
    """

    date: int
    due: int = 0
    edited: int = 0
    tree: bool = False
    count: int = -1
    visits: int = 0
    missed: int = 0
    last: int = 0
    known: Comments = {}
    absent: tuple[int, ...] = ()
    trimmed: bool = False


class Seen:
    """Which versions of posts were found lately; the oldest are forgotten."""

    def __init__(self, known: Iterable[int] = (), most: int = MAX_SEEN) -> None:
        self._known = dict.fromkeys(known)
        self._most = most

    def __len__(self) -> int:
        return len(self._known)

    def add(self, *parts: Any) -> bool:
        """Note a version; True where it is new."""
        mark = digest(*parts)
        if mark in self._known:
            return False
        self._known[mark] = None
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return True

    def packed(self) -> str:
        """As the cursor has it."""
        return b64encode(struct.pack(f">{len(self._known)}Q", *self._known)).decode()

    @classmethod
    def unpacked(cls, text: str) -> Seen:
        """Raises: ValueError."""
        try:
            raw = b64decode(text, validate=True)
            return cls(struct.unpack(f">{len(raw) // 8}Q", raw))
        except (Base64Error, struct.error) as error:
            raise ValueError("`seen` is not packed as it should be") from error


class Cursor(_State):
    """Everything that a restart must know."""

    version: Literal[1] = 1
    walls: dict[int, Wall] = {}
    searches: dict[str, Search] = {}
    mentions: dict[int, int] = {}
    """Unix seconds up to which the mentions of an account were read."""
    watched: dict[str, Watched] = {}
    """Posts by native id."""
    seen: str = ""
    queue: tuple[str, ...] = ()
    """Of a back-fill: what is still to be read."""

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Read a cursor.

        Raises:
            CursorCorrupt: it is not one of this kind.
        """
        try:
            found = cls() if text is None else cls.model_validate_json(text)
            Seen.unpacked(found.seen)
        except (ValidationError, ValueError) as error:
            raise CursorCorrupt(f"the cursor of a vk agent cannot be read: {error}") from error
        return found

    def written(self) -> str:
        return self.model_dump_json(exclude_defaults=True)

    def trim(self, now: int, span: int) -> None:
        """Forget posts older than ``span`` seconds, the oldest of too many, and comments of the oldest."""
        kept = [(name, each) for name, each in self.watched.items() if now - each.date <= span]
        if len(kept) > MAX_WATCHED or sum(len(each.known) for _, each in kept) > MAX_COMMENTS:
            kept.sort(key=lambda pair: (pair[1].tree, pair[1].date), reverse=True)
        self.watched = dict(kept[:MAX_WATCHED])
        room = MAX_COMMENTS
        for each in self.watched.values():
            if len(each.known) > room:
                each.known = dict(sorted(each.known.items())[len(each.known) - room :]) if room else {}
                each.absent, each.trimmed = (), True
            room -= len(each.known)
