"""The options of a ``telegram-web`` agent in agents.yaml."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field

from agents.options import AgentOptions, Limits
from agents.telegram_names import ChannelHandle

MAX_CHANNELS: Final = 300
"""So that the cursor, with up to 40 posts of each, stays small."""


class Options(AgentOptions):
    """Public channels that have a preview; groups and comments have none."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=0.5, burst=2)

    channels: tuple[ChannelHandle, ...] = Field(default=(), max_length=MAX_CHANNELS)
    """Public channels, besides the own ones of the watchlist."""
    history: int = Field(default=40, ge=0, le=100_000)
    """How many past posts of a channel are collected when it is new to the agent, about."""
    site: str = Field(default="https://t.me", pattern=r"^https?://[^/?#]+$")
    """Where the previews are: another address where a firm's own gateway stands before them."""

    def hosts(self) -> tuple[str, ...]:
        return (self.site,)
