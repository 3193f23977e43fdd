"""The ``rss`` kind of agents.yaml: feeds that stand in the entry itself, and hubs that push."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from agents.options import AgentOptions
from agents.rss.feeds import Feed
from agents.rss.source import RssSource
from agents.rss.websub import Subscriber, WebSub
from agents.surroundings import Surroundings

CURSOR_BYTES: Final = 1024 * 1024
"""What a fleet keeps of a cursor at most."""


class Options(AgentOptions):
    """Feeds as in the file of ``molva agent rss``."""

    REDIRECTS = "public"

    kind: Literal["rss"] = "rss"
    feeds: tuple[Feed, ...] = Field(min_length=1, max_length=50)
    """Not more, as they share the cursor; others go into another entry, which may run elsewhere."""
    websub: WebSub | None = None
    """How hubs push new entries; without it, feeds are polled only."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        addresses = [str(feed.url) for feed in self.feeds]
        for feed in self.feeds:
            if addresses.count(str(feed.url)) > 1:
                raise ValueError(f"{feed.address} stands there twice")
        return self

    def hosts(self) -> tuple[str, ...]:
        feeds = tuple(place for feed in self.feeds for place in feed.hosts())
        return (*feeds, *(self.websub.hubs if self.websub is not None else ()))


def build(options: Options, around: Surroundings) -> RssSource:
    """The source of the feeds of ``options``."""
    return RssSource(
        options.feeds,
        around.metrics,
        web=around.web,
        clock=around.clock,
        sleep=around.sleep,
        jitter=around.jitter,
        grace=around.grace,
        name=around.agent,
        subscriber=(
            None
            if options.websub is None or around.dry
            else Subscriber(options.websub, around, options.feeds)
        ),
        cursor_bytes=CURSOR_BYTES,
    )
