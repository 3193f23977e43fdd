"""The options of a ``bluesky`` agent in agents.yaml."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final, Self

from pydantic import AfterValidator, Field, model_validator

from agents.options import AgentOptions, Limits, Secret
from pipeline.core.watchlist import ANY_SOURCE, Watchlist

SOURCE: Final = "bluesky"
_ADDRESS: Final = re.compile(r"^(?:https?://)?bsky\.app/profile/([^/?#]+)/?$", re.IGNORECASE)
_HANDLE: Final = re.compile(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$")
_DID: Final = re.compile(r"^did:[a-z]+:[A-Za-z0-9._:%-]+$")


def actor(text: str) -> str:
    """A handle in lower case, or a DID, of ``@name.bsky.social``, ``https://bsky.app/profile/...``.

    Raises:
        ValueError: it is neither.
    """
    address = _ADDRESS.match(text.strip())
    name = (address[1] if address else text.strip()).removeprefix("@")
    if _DID.match(name):
        return name
    if not _HANDLE.match(name.lower()):
        raise ValueError(f"{text!r} is no account: write name.bsky.social, or its DID")
    return name.lower()


def own_accounts(watchlist: Watchlist | None) -> tuple[str, ...]:
    """The accounts that the watchlist lists for Bluesky, or by an address at bsky.app."""
    found: dict[str, None] = {}
    for watched in watchlist or ():
        for source in (SOURCE, ANY_SOURCE):
            for account in watched.accounts.get(source, ()):
                if source == SOURCE or _ADDRESS.match(account):
                    try:
                        found[actor(account)] = None
                    except ValueError:
                        continue  # a name that people read
    return tuple(found)


Address = Annotated[str, Field(pattern=r"^https?://[^/?#@]+$")]
Socket = Annotated[str, Field(pattern=r"^wss?://[^/?#@]+$")]


class Options(AgentOptions):
    """What the watchlist names is looked for in all posts; the accounts are collected whole."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=3.0, burst=10)
    """The AppView allows 3,000 requests in 5 minutes from an address."""

    accounts: tuple[Annotated[str, AfterValidator(actor)], ...] = Field(default=(), max_length=1000)
    """Besides the watchlist's own ones."""
    only_accounts: bool = False
    """True: nothing but the accounts, with their reposts; the stream of all posts is not read."""
    languages: tuple[str, ...] = ()
    """Only posts that claim one of these (``ru``), or none; accounts are collected whatever they speak."""
    jetstream: tuple[Socket, ...] = Field(
        default=(
            "wss://jetstream1.us-east.bsky.network",
            "wss://jetstream2.us-east.bsky.network",
            "wss://jetstream1.us-west.bsky.network",
            "wss://jetstream2.us-west.bsky.network",
        ),
        min_length=1,
    )
    """Servers of the stream; where one fails the next one goes on."""
    appview: Address = "https://public.api.bsky.app"
    """Where profiles and accounts are asked for without a login."""
    service: Address = "https://bsky.social"
    """Where `identifier` logs in."""
    identifier: str | None = None
    """A handle: only searches need a login, and only gaps of over a day and back-fill need searches."""
    password: Secret | None = None
    """Of the identifier: an app password."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.identifier is None) != (self.password is None):
            raise ValueError("`identifier` and `password` go together")
        return self

    def hosts(self) -> tuple[str, ...]:
        return (*self.jetstream, self.appview, *((self.service,) if self.identifier else ()))
