"""The options of a ``telegram`` agent in agents.yaml."""

from __future__ import annotations

import ipaddress
import struct
from typing import ClassVar, Final

from pydantic import Field
from telethon.sessions import StringSession

from agents.base import BadConfiguration
from agents.options import AgentOptions, Limits, Secret
from agents.telegram_names import ChannelHandle

MAX_CHANNELS: Final = 500
"""So that the cursor stays small."""
HOW_TO_LOG_IN: Final = "`python -m agents.telegram.login` makes one (docs/sources/telegram.md)"
UNREAD: Final = ("not-read.invalid",)


class Options(AgentOptions):
    """One account of Telegram and the public channels and groups that it reads."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=2.0, burst=5)
    ALONE: ClassVar[bool] = True

    api_id: Secret
    """Of an application at my.telegram.org."""
    api_hash: Secret
    session: Secret
    """The session string of a user's login."""
    channels: tuple[ChannelHandle, ...] = Field(default=(), max_length=MAX_CHANNELS)
    """Public channels and groups, besides the own ones of the watchlist."""
    comments: bool = True
    """Whether the comments under posts are collected as well."""
    join: bool = False
    """Whether the account may join the channels, so that Telegram tells it at once of what is new there."""
    history: int = Field(default=100, ge=0, le=100_000)
    """How many past messages of a channel are collected when it is new to the agent."""

    def hosts(self) -> tuple[str, ...]:
        """The data centre of the session."""
        try:
            known = opened(self.session.get_secret_value())
        except BadConfiguration:
            return UNREAD
        address = ipaddress.ip_address(known.server_address)
        return (f"[{address}]:{known.port}" if address.version == 6 else f"{address}:{known.port}",)


class Session(StringSession):  # type: ignore[misc]  # Telethon has no types
    """A login in memory that does not collect everybody whom the account ever met."""

    def process_entities(self, tlo: object) -> None:
        """Remember nobody: the agent keeps the ids of its channels in its cursor."""


def opened(text: str) -> Session:
    """The session of a session string.

    Raises:
        BadConfiguration: it is none; the message does not show it.
    """
    try:
        session = Session(text)
    except (ValueError, struct.error) as error:
        raise BadConfiguration(f"`session` is no session string of Telethon: {HOW_TO_LOG_IN}") from error
    if session.auth_key is None or not session.server_address:
        raise BadConfiguration(f"`session` is empty or cut off: {HOW_TO_LOG_IN}")
    return session
