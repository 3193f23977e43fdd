"""What Telegram's errors mean to an agent: wait, leave a channel alone, or tell a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from telethon import errors

from agents.base import AgentError, BadConfiguration, Refused, SourceUnavailable
from agents.telegram.options import HOW_TO_LOG_IN

LONGEST_WAIT: Final = timedelta(days=1)
PAUSE: Final = timedelta(minutes=1)

KNOWN: Final = (
    errors.RPCError,
    errors.AuthKeyNotFound,
    errors.BadMessageError,
    errors.InvalidChecksumError,
    errors.SecurityError,
    errors.TypeNotFoundError,
    OSError,
    EOFError,
    BufferError,
    ValueError,
)
"""What Telethon raises: errors of Telegram, of the protocol, of the network; `ValueError` gives up."""


class Troubled(SourceUnavailable):
    """Telegram did not give what was asked about one channel; the others are none the worse."""


class Unreadable(Troubled):
    """A channel cannot be read by this account: private, absent, restricted, banned from."""


class Postponed(Troubled):
    """One kind of request has to wait; ``wait`` is how long, all others may go on."""

    def __init__(self, message: str, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait


class PlaceLost(SourceUnavailable):
    """Telegram does not know the place in a channel's events any more."""


BOTS_CANNOT: Final = "the session is a bot's, but bots cannot read channels: log in as a user"
_UNREADABLE: Final = {
    "CHANNEL_PRIVATE": "is private, or the account was banned from it",
    "CHANNEL_PUBLIC_GROUP_NA": "is not available to this account",
    "CHANNEL_INVALID": "is not known under the id that it had",
    "CHAT_FORBIDDEN": "may not be read by this account",
    "CHAT_ADMIN_REQUIRED": "may be read by its administrators only",
    "USERNAME_NOT_OCCUPIED": "does not exist: nobody has this name",
    "USERNAME_INVALID": "does not exist: Telegram allows no such name",
    "USER_BANNED_IN_CHANNEL": "has banned this account",
    "MSG_ID_INVALID": "has no such message (any more)",
    "PEER_ID_INVALID": "is not known under the id that it had",
    "CHANNELS_TOO_MUCH": "cannot be joined: the account is in as many channels as Telegram allows",
    "INVITE_REQUEST_SENT": "lets nobody in before an administrator agrees",
}
_LOST: Final = ("PERSISTENT_TIMESTAMP_INVALID", "PERSISTENT_TIMESTAMP_EMPTY")
_CREDENTIALS: Final = {
    "API_ID_INVALID": "`api_id` and `api_hash` do not belong together: look them up at my.telegram.org",
    "API_ID_PUBLISHED_FLOOD": "this `api_id` was published somewhere: make your own at my.telegram.org",
    "AUTH_KEY_DUPLICATED": f"the session was used at two places at once and is void; {HOW_TO_LOG_IN}",
    "BOT_METHOD_INVALID": f"{BOTS_CANNOT}; {HOW_TO_LOG_IN}",
    "USER_DEACTIVATED": "the account was deleted",
    "USER_DEACTIVATED_BAN": "Telegram has banned the account",
    "FROZEN_METHOD_INVALID": "Telegram has frozen the account: it says why in the app",
}


def translated(error: Exception, about: str) -> AgentError:
    """The agent's error for one of Telegram or Telethon; ``about`` is what was asked for."""
    match error:
        case errors.FloodWaitError() | errors.FloodPremiumWaitError():
            wait = min(timedelta(seconds=int(error.seconds)), LONGEST_WAIT)
            return Refused(f"{about}: Telegram wants a pause of {wait.total_seconds():.0f} s", wait)
        case errors.RPCError():
            return _of_rpc(error, about)
        case errors.InvalidBufferError(code=429):
            return Refused(f"{about}: Telegram has had too many connections", PAUSE)
        case errors.AuthKeyNotFound() | errors.InvalidBufferError(code=404):
            return BadConfiguration(f"Telegram does not know the session (any more): {HOW_TO_LOG_IN}")
        case TimeoutError():
            return Troubled(f"{about}: no answer in time")
        case errors.TypeNotFoundError():
            return Troubled(f"{about}: an answer that this version of Telethon does not know")
    return SourceUnavailable(f"{about}: {type(error).__name__}: {error}")


def _of_rpc(error: errors.RPCError, about: str) -> AgentError:
    name = name_of(error)
    if name in _UNREADABLE:
        return Unreadable(f"{about} {_UNREADABLE[name]} ({name})")
    if name in _LOST:
        return PlaceLost(f"{about}: {name}")
    if name in _CREDENTIALS:
        return BadConfiguration(_CREDENTIALS[name])
    if isinstance(error, errors.UnauthorizedError | errors.AuthKeyError):
        return BadConfiguration(f"the session is not logged in (any more), {name}: {HOW_TO_LOG_IN}")
    return Troubled(f"{about}: Telegram answered {name} ({error.code})")


def name_of(error: errors.RPCError) -> str:
    """Telegram's own name of an error: CHANNEL_PRIVATE."""
    if error.message and error.message != type(error).message:
        return str(error.message)
    words = type(error).__name__.removesuffix("Error")
    return "".join(f"_{each}" if each.isupper() else each for each in words).strip("_").upper()
