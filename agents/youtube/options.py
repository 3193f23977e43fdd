"""The options of a ``youtube`` agent in agents.yaml."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from agents.options import AgentOptions, Interval, Limits, Secret

SOURCE: Final = "youtube"
_ADDRESS: Final = re.compile(r"^https?://(?:www\.|m\.)?youtube\.com/(?:channel/)?", re.IGNORECASE)
_ID: Final = re.compile(r"^UC[A-Za-z0-9_-]{22}$")
_HANDLE: Final = re.compile(r"^@[\w.·-]{3,30}$")


def channel_name(text: str) -> str:
    """``UC...`` or ``@handle`` of a channel; its address will do.

    Raises:
        ValueError: it names no channel.
    """
    name = _ADDRESS.sub("", text.strip()).rstrip("/")
    if _ID.match(name) is None and _HANDLE.match(name) is None:
        raise ValueError(f"{text!r} is no channel: write @handle, or the id that begins with UC")
    return name if _ID.match(name) else name.lower()


class Options(AgentOptions):
    """Channels and searches of one API key, within its quota."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=5.0, burst=10)

    key: Secret
    """An API key of a project with the YouTube Data API v3."""
    channels: tuple[Annotated[str, AfterValidator(channel_name)], ...] = Field(default=(), max_length=100)
    """Channels that are collected besides the watchlist's own ones."""
    search: bool = True
    """Whether videos are searched for by the watchlist's aliases: 100 units each time."""
    queries: tuple[Annotated[str, Field(min_length=2, max_length=200)], ...] = Field(
        default=(), max_length=100
    )
    comments: bool = True
    comments_for: Interval = Field(default=timedelta(days=30), ge=timedelta(hours=1), le=timedelta(days=365))
    """How long a video is read again for its comments and edits."""
    history: int = Field(default=50, ge=1, le=500)
    """How many past videos of a channel are collected when it is new to the agent."""
    daily_units: int = Field(default=10_000, ge=100)
    """The project's quota a day."""
    search_share: float = Field(default=0.3, ge=0, le=0.9)
    """How much of the quota searches may take."""
    every: Interval = Field(default=timedelta(minutes=10), ge=timedelta(minutes=1), le=timedelta(days=1))
    """How often channels are asked for new videos, at most."""
    api: str = Field(default="https://www.googleapis.com", pattern=r"^https?://[^/?#@\s]+$")

    def hosts(self) -> tuple[str, ...]:
        return (self.api,)
