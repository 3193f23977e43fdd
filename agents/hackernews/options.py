"""The options of a ``hackernews`` agent in agents.yaml."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from agents.options import AgentOptions, Interval, Limits

SOURCE: Final = "hackernews"
_ADDRESS: Final = re.compile(r"^https?://news\.ycombinator\.com/user\?id=", re.IGNORECASE)
_USER: Final = re.compile(r"^[A-Za-z0-9_-]{2,15}$")
_PLACE: Final = r"^https?://[^/?#@\s]+$"


def user_name(text: str) -> str:
    """The name of a user; ``@name`` and the address of the user's page will do.

    Raises:
        ValueError: it is none.
    """
    name = _ADDRESS.sub("", text.strip()).removeprefix("@")
    if _USER.match(name) is None:
        raise ValueError(f"{text!r} is no user of Hacker News: write the name")
    return name


class Options(AgentOptions):
    """What is looked for besides the watchlist's aliases, and how long threads are followed."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=2.0, burst=10)
    """The search allows 10,000 requests an hour from one address."""

    search: bool = True
    """Whether the watchlist's aliases are searched for."""
    queries: tuple[Annotated[str, Field(min_length=2, max_length=200)], ...] = Field(
        default=(), max_length=300
    )
    """What is searched for besides; everything that is found is kept."""
    users: tuple[Annotated[str, AfterValidator(user_name)], ...] = Field(default=(), max_length=200)
    """Users whose stories and comments are collected whole, besides the watchlist's own accounts."""
    threads: bool = True
    """Whether all comments under a story that was found are collected."""
    threads_for: Interval = Field(default=timedelta(days=7), ge=timedelta(days=2), le=timedelta(days=90))
    """How long a story and what is under it is read again."""
    search_from: Interval = Field(default=timedelta(days=1), ge=timedelta(0), le=timedelta(days=30))
    """How far back the first search of a query goes."""
    every: Interval = Field(default=timedelta(minutes=5), ge=timedelta(minutes=1), le=timedelta(days=1))
    """How often each query is asked."""
    search_api: str = Field(default="https://hn.algolia.com", pattern=_PLACE)
    items_api: str = Field(default="https://hacker-news.firebaseio.com", pattern=_PLACE)

    def hosts(self) -> tuple[str, ...]:
        return (self.search_api, self.items_api)
