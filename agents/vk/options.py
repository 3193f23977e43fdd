"""The options of a ``vk`` agent in agents.yaml."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agents.options import AgentOptions, Interval, Limits, Secret
from agents.vk.names import place_name

MAX_PLACES: Final = 500
"""So that the cursor stays small."""
USER: Final = Limits(requests_per_second=3, burst=1)
COMMUNITY: Final = Limits(requests_per_second=20, burst=1)
"""VK counts the requests of each second, so none come at once."""

TokenKind = Literal["user", "service", "community"]


class Token(BaseModel):
    """An access token; what it may ask depends on whose it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    secret: Secret
    of: TokenKind = "user"


def _api(address: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@\s]+", address):
        raise ValueError(f"{address!r} is no address: write https://api.vk.com")
    return address


class Options(AgentOptions):
    """What one agent collects of VK with its tokens."""

    LIMITS: ClassVar[Limits] = USER

    token: Secret | None = None
    """The token of a user; short for one of ``tokens``."""
    tokens: tuple[Token, ...] = Field(default=(), max_length=32)
    search: bool = True
    """Whether posts with the watchlist's aliases are searched for."""
    queries: tuple[Annotated[str, Field(min_length=2, max_length=200)], ...] = Field(
        default=(), max_length=300
    )
    """What is searched for besides."""
    communities: tuple[Annotated[str, AfterValidator(place_name)], ...] = Field(
        default=(), max_length=MAX_PLACES
    )
    """Walls that are read whole, besides the own ones of the watchlist."""
    comments: bool = True
    """Whether the comments under posts of these walls are collected as well."""
    mentions: bool = True
    """Whether posts that name the watchlist's own accounts are collected (with a user's token only)."""
    history: int = Field(default=100, ge=0, le=10_000)
    """How many past posts of a wall are collected when it is new to the agent."""
    search_from: Interval = Field(default=timedelta(hours=1), ge=timedelta(0), le=timedelta(days=30))
    """How far back the first search of a query goes."""
    every: Interval = Field(default=timedelta(minutes=1), ge=timedelta(seconds=10), le=timedelta(days=1))
    """How often walls and queries are asked, if their daily limits allow."""
    comments_for: Interval = Field(default=timedelta(days=14), ge=timedelta(0), le=timedelta(days=90))
    """How long a post is read again: for comments, edits and its deletion."""
    daily_searches: int = Field(default=1000, ge=1)
    """VK's daily limit of newsfeed.search, of each token."""
    daily_walls: int = Field(default=5000, ge=1)
    """VK's daily limit of wall.get, of each token."""
    api: Annotated[str, AfterValidator(_api)] = "https://api.vk.com"

    @model_validator(mode="after")
    def _has_a_token(self) -> Self:
        if not self.access:
            raise ValueError("needs a `token` (docs/sources/vk.md says how to get one)")
        return self

    @property
    def access(self) -> tuple[Token, ...]:
        """All tokens."""
        own = () if self.token is None else (Token(secret=self.token),)
        return (*own, *self.tokens)

    @property
    def effective_limits(self) -> Limits:
        """Of each token: VK's limit for users where one is a user's, else that for communities."""
        users = any(token.of == "user" for token in self.access)
        return self.limits or (USER if users else COMMUNITY)

    def hosts(self) -> tuple[str, ...]:
        return (self.api,)
