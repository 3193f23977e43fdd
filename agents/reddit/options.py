"""The options of a ``reddit`` agent in agents.yaml."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from agents.options import AgentOptions, Interval, Limits, Secret

SOURCE: Final = "reddit"
_SUBREDDIT: Final = re.compile(
    r"^(?:https?://(?:www\.|old\.)?reddit\.com)?/?(?:r/)?(\w{2,21})/?$", re.IGNORECASE
)
_USER: Final = re.compile(
    r"^(?:https?://(?:www\.|old\.)?reddit\.com)?/?(?:u(?:ser)?/|@)?([\w-]{3,20})/?$", re.IGNORECASE
)
_PLACE: Final = r"^https?://[^/?#@\s]+$"


def subreddit_name(text: str) -> str:
    """The name of a subreddit; ``r/name`` or its address will do.

    Raises:
        ValueError: it is none.
    """
    found = _SUBREDDIT.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no subreddit: write r/name")
    return found[1].lower()


def user_name(text: str) -> str:
    """The name of a user; ``u/name`` or the address will do.

    Raises:
        ValueError: it is none.
    """
    found = _USER.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no user of Reddit: write u/name")
    return found[1].lower()


class Options(AgentOptions):
    """What one application of Reddit collects."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=1.5, burst=10)
    """Reddit allows 100 requests a minute to each application, on the average of ten minutes."""

    client_id: Secret
    client_secret: Secret
    """Of an application of the type `script` or `web app`: reddit.com/prefs/apps."""
    contact: Annotated[str, AfterValidator(user_name)]
    """The Reddit user who answers for the agent; Reddit's rules want the name in the user agent."""
    subreddits: tuple[Annotated[str, AfterValidator(subreddit_name)], ...] = Field(default=(), max_length=50)
    """Collected whole: submissions and comments."""
    users: tuple[Annotated[str, AfterValidator(user_name)], ...] = Field(default=(), max_length=50)
    """Users whose submissions and comments are collected, besides the watchlist's own accounts."""
    search: bool = True
    """Whether the watchlist's aliases are searched for, in submissions."""
    queries: tuple[Annotated[str, Field(min_length=2, max_length=200)], ...] = Field(
        default=(), max_length=100
    )
    threads: bool = True
    """Whether comments under own and found submissions are collected."""
    threads_for: Interval = Field(default=timedelta(days=7), ge=timedelta(hours=1), le=timedelta(days=60))
    """How long a post is read again."""
    every: Interval = Field(default=timedelta(minutes=2), ge=timedelta(seconds=30), le=timedelta(days=1))
    api: str = Field(default="https://oauth.reddit.com", pattern=_PLACE)
    site: str = Field(default="https://www.reddit.com", pattern=_PLACE)
    """Where the application gets its tokens."""

    def hosts(self) -> tuple[str, ...]:
        return (self.api, self.site)
