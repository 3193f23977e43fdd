"""What VK's error codes mean to an agent: wait, use another token, leave a place alone, tell a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from agents.base import AgentError, BadConfiguration, SourceUnavailable

HOW: Final = "docs/sources/vk.md says how to get a token"
LONGEST: Final = 300


class Failure(NamedTuple):
    """VK's answer that something cannot be done."""

    code: int
    message: str

    def __str__(self) -> str:
        return f"VK answered {self.code}: {self.message}"


class Troubled(SourceUnavailable):
    """VK did not give what was asked about one place; the others are none the worse."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Restricted(Troubled):
    """A place cannot be read with this token: private, deleted, closed, banned from."""


class Broken(Troubled):
    """VK does not take a parameter: a place in a list that is not valid any more, or an id that is none."""


AUTH: Final = frozenset({4, 5, 17, 1116, 1117, 1118, 3609, 3610})
TOO_MANY, FLOOD, CAPTCHA, QUOTA = 6, 9, 14, 29
TRANSIENT: Final = frozenset({1, 10, 43, 603})
TOO_HEAVY: Final = frozenset({12, 13})
"""``execute`` was too much: of operations, or of answer."""
NOT_FOR_TOKEN: Final = frozenset({7, 20, 21, 24, 27, 28, 1051})
"""The method is not for tokens of this kind, or of these rights."""
RESTS: Final[Mapping[int, timedelta]] = MappingProxyType(
    {
        TOO_MANY: timedelta(seconds=1),
        FLOOD: timedelta(minutes=10),
        CAPTCHA: timedelta(hours=1),
        QUOTA: timedelta(hours=1),
    }
)
"""How long a token is not used after the error; with `AUTH` until `AUTH_REST` is over."""
AUTH_REST: Final = timedelta(hours=1)
BY_METHOD: Final = frozenset({FLOOD, QUOTA})
"""Errors that are about one method: the token may go on with others."""
OF_TOKEN: Final = frozenset({*AUTH, *RESTS, *TRANSIENT, *NOT_FOR_TOKEN})
"""What may go well with another token, or later."""

_RESTRICTED: Final[Mapping[int, str]] = MappingProxyType(
    {
        15: "is not open to this token",
        18: "was deleted or banned",
        19: "is not available",
        30: "is a private profile",
        104: "does not exist",
        113: "does not exist: no user has this id",
        125: "does not exist: no community has this id",
        203: "is a closed community",
        210: "has closed its wall",
        211: "has closed its comments",
        212: "has closed its comments",
        1900: "is not available any more",
    }
)
_WRONG: Final[Mapping[int, str]] = MappingProxyType(
    {
        2: "the application of the token is switched off: switch it on at dev.vk.com",
        3: "VK does not know the method: is `api` the right address?",
        8: "VK could not read the request: is `api` the right address?",
        11: "the application of the token is in test mode: publish it at dev.vk.com",
    }
)


def failure_of(error: Any) -> Failure:
    """Read the object ``error`` of an answer."""
    if not isinstance(error, dict):
        return Failure(1, f"an error of an unknown form: {str(error)[:LONGEST]}")
    code, said = error.get("error_code"), error.get("error_msg")
    return Failure(code if isinstance(code, int) else 1, str(said or "no explanation")[:LONGEST])


def translated(failure: Failure, about: str) -> AgentError:
    """The agent's error for one that no other token cures; ``about`` is what was asked for."""
    if failure.code in _RESTRICTED:
        return Restricted(f"{about} {_RESTRICTED[failure.code]} ({failure})", failure.code)
    if failure.code in _WRONG:
        return BadConfiguration(f"{_WRONG[failure.code]} ({failure})")
    if failure.code in (100, 101):
        return Broken(f"{about}: {failure}", failure.code)
    return Troubled(f"{about}: {failure}", failure.code)
