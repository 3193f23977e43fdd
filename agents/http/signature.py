"""Signed bodies: ``X-Molva-Signature: t=<Unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">``. Pure.

The body is signed as it is sent (compressed, if it is). A signature is good for a few minutes, and once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

HEADER = "X-Molva-Signature"
MAX_HEADER_CHARS = 1024
MAX_SIGNATURES = 4
"""A sender that changes its secret may sign with the old and the new one."""
TOLERANCE_SECONDS = 300
MAX_REMEMBERED = 100_000
TIME = re.compile(r"[0-9]{1,12}")
V1 = re.compile(r"[0-9a-f]{64}")


class BadSignature(ValueError):
    """The header cannot be used; the message says why to who sent it."""


class Signature(NamedTuple):
    """What the header says."""

    time: int
    """Unix seconds."""
    values: tuple[str, ...]
    """Hexadecimal."""


def parse_signature(header: str, now: float) -> Signature:
    """Read the header; unknown parts are left out, for later versions.

    Args:
        now: Unix seconds.

    Raises:
        BadSignature: it is none, or too old, or dated in the future.
    """
    if len(header) > MAX_HEADER_CHARS:
        raise BadSignature(f"{HEADER} is longer than {MAX_HEADER_CHARS} characters")
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    values = tuple(value.lower() for name, _, value in parts if name == "v1")
    if len(times) != 1 or not TIME.fullmatch(times[0]):
        raise BadSignature(f"{HEADER} has no part t=<Unix seconds>")
    if not 0 < len(values) <= MAX_SIGNATURES or not all(V1.fullmatch(value) for value in values):
        raise BadSignature(f"{HEADER} has no part v1=<64 hexadecimal digits>")
    apart = int(times[0]) - now
    if abs(apart) > TOLERANCE_SECONDS:
        raise BadSignature(f"t is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the clock here")
    return Signature(int(times[0]), values)


class Verification:
    """The signing of one body as it comes in, with every secret of a caller."""

    def __init__(self, signature: Signature, secrets: Iterable[bytes]) -> None:
        self._signature = signature
        begin = f"{signature.time}.".encode()
        self._plain = hashlib.sha256(begin)
        self._digests = [hmac.new(secret, begin, hashlib.sha256) for secret in secrets]

    def feed(self, piece: bytes) -> None:
        """The next bytes of the body, as they were sent."""
        self._plain.update(piece)
        for digest in self._digests:
            digest.update(piece)

    def right(self) -> bool:
        """Whether one of the signatures is that of one of the secrets; compares all with all."""
        found = False
        for digest in self._digests:
            made = digest.hexdigest()
            for value in self._signature.values:
                found |= hmac.compare_digest(made, value)
        return found

    @property
    def identity(self) -> bytes:
        """Tells this body at this time from all others of the caller, whichever secret signed it."""
        return self._plain.digest()


def sign(secret: bytes, body: bytes, time: int) -> str:
    """The header of a body: what a sender does."""
    return f"t={time},v1={hmac.new(secret, f'{time}.'.encode() + body, hashlib.sha256).hexdigest()}"


class Replays:
    """The bodies that were taken lately, so that nobody sends them again; bounded."""

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._limit = limit
        self._taken: OrderedDict[tuple[str, bytes], float] = OrderedDict()
        """When each came, in order."""

    def full(self, now: float) -> bool:
        """Whether no more can be remembered now: who signs more than that must wait."""
        # dated up to the tolerance ahead, a body can come again until twice the tolerance from now
        while self._taken and now - next(iter(self._taken.values())) > 2 * TOLERANCE_SECONDS:
            self._taken.popitem(last=False)
        return len(self._taken) >= self._limit

    def take(self, caller: str, identity: bytes, now: float) -> bool:
        """Remember a body; False where it was taken already. Look first whether it is `full`."""
        if (caller, identity) in self._taken:
            return False
        self._taken[caller, identity] = now
        return True

    def forget(self, caller: str, identity: bytes) -> None:
        """It was not taken after all: it may come again."""
        self._taken.pop((caller, identity), None)
