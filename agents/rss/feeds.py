"""The list of feeds of the ``rss`` agent: a YAML file, checked with the line of every mistake."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.checked_yaml import CheckedYaml, read_text
from agents.options import Address, Interval, Lookup, Secret
from agents.rates import Limit
from agents.web import shown

MIN_INTERVAL = timedelta(seconds=30)
LIMIT = Limit(5.0, 8)
"""Requests to one host with feeds, where nothing else is configured."""


class Feed(BaseModel):
    """One feed. ``source`` is the source of its posts, ``name`` the name of their channel."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    url: Address
    auth: Secret | None = None
    """``user:password`` of a feed that asks for them (HTTP Basic); over https only."""
    name: str = ""
    source: str = Field(default="rss", min_length=1, max_length=128, pattern=r"^[^:\s\x00]+$")
    interval: Interval = Field(default=timedelta(minutes=5), ge=MIN_INTERVAL, le=timedelta(days=7))
    kind: str = "feed"
    own: bool = False
    """True where it is the watched company's own."""
    format: Literal["feed", "sitemap"] = "feed"
    """``sitemap``: an XML sitemap, an index of some, or a news sitemap; plain or gzip."""
    full_text: bool = False
    """True: the whole article is read from its page (``pip install 'molva[fulltext]'``)."""
    article_hosts: tuple[str, ...] = Field(default=(), max_length=50)
    """Where articles, and the sitemaps of an index, are besides the host of ``url`` and its sub-domains."""

    @property
    def address(self) -> str:
        """What posts and errors call the feed: its URL; for the query, which may hold a key, a digest."""
        url = str(self.url)
        digest = hashlib.sha256(url.encode()).hexdigest()[:8]
        return f"{shown(url)}#{digest}" if self.url.query else url

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with a request for it, and nowhere else."""
        if self.auth is None:
            return {}
        return {"Authorization": f"Basic {b64encode(self.auth.get_secret_value().encode()).decode()}"}

    def hosts(self) -> tuple[str, ...]:
        """What may be asked for this feed."""
        if not self.full_text and self.format == "feed":
            return (str(self.url),)
        host = (self.url.host or "").removeprefix("www.")
        wide = f"*.{host}" if not host.replace(".", "").isdecimal() and ":" not in host else host
        return (str(self.url), wide, *self.article_hosts)


class Feeds(BaseModel):
    """The file's top level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feeds: tuple[Feed, ...] = Field(min_length=1, max_length=10_000)


def read_feeds(path: Path, environment: Mapping[str, str] | None = None) -> tuple[Feed, ...]:
    """Read a list of feeds.

    ``environment`` is where ``env:NAME`` is looked up; ``file:PATH`` begins at the folder of the list. None:
    secrets are not read.

    Raises:
        BadConfiguration: each mistake with its line.
    """
    lookup = Lookup(environment or {}, path.resolve().parent, complete=environment is not None)
    return parse_feeds(read_text(path), str(path), lookup)


def parse_feeds(text: str, name: str, lookup: Lookup | None = None) -> tuple[Feed, ...]:
    """The feeds of a YAML text; ``name`` is what errors call it.

    Raises:
        BadConfiguration: each mistake with its line.
    """
    file = CheckedYaml(text, name)
    checked = file.model(Feeds, context=lookup or Lookup(complete=False))
    feeds = () if checked is None else checked.feeds
    seen: dict[str, int] = {}
    for index, feed in enumerate(feeds):
        if (first := seen.setdefault(str(feed.url), index)) != index:
            line = file.line(("feeds", first))
            file.mistake(("feeds", index), f"{feed.address} stands in line {line} already")
    file.require_none()
    return feeds
