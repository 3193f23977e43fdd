"""Versions that were found lately, as eight bytes each, and small sets of numbers as a cursor keeps them."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_PAIR: Final = struct.Struct(">QI")


def digest(*parts: Any) -> int:
    """64 bits of a hash."""
    joined = "\x00".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "big")


class Seen:
    """What was found lately; of more than ``most`` the oldest are forgotten.

    ``renewed``: what is seen again counts as new, and changes the cursor; else the first time counts.
    """

    def __init__(self, known: Iterable[int] = (), most: int = 6000, *, renewed: bool = True) -> None:
        self._renewed = renewed
        self._known = dict.fromkeys(known)
        self._most = most
        self._forget()

    def __len__(self) -> int:
        return len(self._known)

    def add(self, *parts: Any) -> bool:
        """Note a version; True where it is new."""
        mark = digest(*parts)
        new = mark not in self._known
        if self._renewed:
            self._known.pop(mark, None)
        self._known[mark] = None
        self._forget()
        return new

    def drop(self, *parts: Any) -> None:
        """Forget a version."""
        self._known.pop(digest(*parts), None)

    def has(self, *parts: Any) -> bool:
        """Whether a version is known; it is kept no longer for that."""
        return digest(*parts) in self._known

    def packed(self) -> str:
        """As a cursor has it."""
        return b64encode(struct.pack(f">{len(self._known)}Q", *self._known)).decode()

    @classmethod
    def unpacked(cls, text: str, most: int = 6000, *, renewed: bool = True) -> Seen:
        """Read it from a cursor.

        Raises:
            ValueError: it is not packed as it should be.
        """
        try:
            raw = b64decode(text, validate=True)
            return cls(struct.unpack(f">{len(raw) // 8}Q", raw), most, renewed=renewed)
        except (Base64Error, struct.error) as error:
            raise ValueError("`seen` is not packed as it should be") from error

    def _forget(self) -> None:
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]


def _checked(text: str) -> str:
    Seen.unpacked(text)
    return text


PackedSeen = Annotated[str, AfterValidator(_checked)]
"""What `Seen.packed` gave, as a field of a cursor."""


def _unpacked(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return dict(_PAIR.iter_unpack(b64decode(text, validate=True)))
    except (Base64Error, struct.error) as error:
        raise ValueError("numbers are not packed as they should be") from error


def _packed(known: Mapping[int, int]) -> str:
    return b64encode(b"".join(_PAIR.pack(*each) for each in known.items())).decode()


Marks = Annotated[dict[int, int], BeforeValidator(_unpacked), PlainSerializer(_packed, return_type=str)]
"""Numbers (64 bits) with 32 bits about each; twelve bytes a number in the cursor."""
