"""The options of a ``mastodon`` agent in agents.yaml."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final, Literal, Self

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agents.options import AgentOptions, Limits, Secret
from agents.rates import token_key
from pipeline.core.watchlist import ANY_SOURCE, Watchlist

SOURCE: Final = "mastodon"
MOST_EVENTS: Final = 32
"""Streams of events of an agent: each takes one of its 64 connections for good."""
_ADDRESS: Final = re.compile(r"^https?://([^/?#@]+)/(?:@|users/)([^/?#@]+)/?$", re.IGNORECASE)
_ACCOUNT: Final = re.compile(r"^@?([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)@([^\s/@:]+(?::\d+)?)$")
_TAG: Final = re.compile(r"^\w+$")

Timeline = Literal["public", "public:local", "public:remote"]
Transport = Literal["websocket", "sse", "poll"]


def account_name(text: str) -> str:
    """``user@host`` in lower case of ``@user@host``, ``https://host/@user`` and the like.

    Raises:
        ValueError: it names no account.
    """
    address = _ADDRESS.match(text.strip())
    name = f"{address[2]}@{address[1]}" if address else text.strip()
    found = _ACCOUNT.match(name)
    if found is None:
        raise ValueError(f"{text!r} is no account: write @user@host or https://host/@user")
    return f"{found[1]}@{found[2]}".lower()


def own_accounts(watchlist: Watchlist | None) -> tuple[str, ...]:
    """The accounts that the watchlist lists for Mastodon, or as ``@user@host`` for any source."""
    found: dict[str, None] = {}
    for watched in watchlist or ():
        for source in (SOURCE, ANY_SOURCE):
            for account in watched.accounts.get(source, ()):
                if source == SOURCE or account.startswith("@"):
                    try:
                        found[account_name(account)] = None
                    except ValueError:
                        continue  # an id, or a handle of another platform
    return tuple(found)


def _tag(text: str) -> str:
    name = text.strip().removeprefix("#")
    if not _TAG.match(name):
        raise ValueError(f"{text!r} is no hashtag: letters, digits and _ only")
    return name.lower()


class Instance(BaseModel):
    """A server, and what is collected from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    url: Annotated[str, AfterValidator(str.lower)] = Field(pattern=r"^https?://[^/?#@]+$")
    token: Secret | None = None
    """Of an application with the right ``read``; without one, most servers stream nothing."""
    timelines: tuple[Timeline, ...] = ()
    hashtags: tuple[Annotated[str, AfterValidator(_tag)], ...] = Field(default=(), max_length=100)
    search: tuple[str, ...] = Field(default=(), max_length=50)
    """Phrases; needs a token, and a server that searches in posts."""
    transport: Transport = "websocket"
    """How news is heard of: one WebSocket for all, a stream of events for each, or by asking only."""
    streaming: str | None = Field(default=None, pattern=r"^https?://[^/?#@]+$")
    """Where the streams are, if not where the server says; only needed if that is no part of its domain."""

    @property
    def host(self) -> str:
        return httpx.URL(self.url).netloc.decode("ascii")

    @property
    def token_key(self) -> str:
        return "" if self.token is None else token_key("mastodon", self.token.get_secret_value())


class Options(AgentOptions):
    """Instances, and accounts that are collected whole besides the watchlist's own ones."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=0.8, burst=30)
    """Mastodon allows 300 requests in 5 minutes."""

    instances: tuple[Instance, ...] = Field(min_length=1, max_length=20)
    accounts: tuple[Annotated[str, AfterValidator(account_name)], ...] = Field(default=(), max_length=200)
    unfiltered: bool = False
    """True: of public timelines everything is kept, not only what names something watched."""
    languages: tuple[str, ...] = ()
    """Of hashtags and public timelines only these (``ru``); posts that claim none are kept."""
    poll_seconds: float = Field(default=120.0, ge=10, le=86_400)
    """Between two questions for what is not streamed."""

    @model_validator(mode="after")
    def _few_connections(self) -> Self:
        streams = sum(len(e.hashtags) + len(e.timelines) for e in self.instances if e.transport == "sse")
        if streams > MOST_EVENTS:
            raise ValueError(
                f"`transport: sse` opens a connection for each of {streams} hashtags and timelines, at most"
                f" {MOST_EVENTS} are allowed: use `websocket`, which has one for all, or `poll`"
            )
        return self

    def hosts(self) -> tuple[str, ...]:
        named = [each.url for each in self.instances]
        named += [each.streaming for each in self.instances if each.streaming]
        named += [
            f"*.{host}" for each in self.instances if (host := httpx.URL(each.url).host) and _is_name(host)
        ]
        return tuple(named)


def _is_name(host: str) -> bool:
    return "." in host and not host.replace(".", "").isdigit()
