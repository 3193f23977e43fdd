"""How tests read it."""

from __future__ import annotations

from typing import Any

from agents.kinds import load
from pipeline.core.watchlist import Watchlist
from tests.agents.discussions.reading import Reader
from tests.agents.hackernews.server import Server


def reader(site: Server, watchlist: Watchlist | None = None, **given: Any) -> Reader:
    entry = {"name": "one", "kind": "hackernews", "search_api": site.url, "items_api": site.url}
    queries = {} if watchlist else {"queries": ["kafka"]}
    return Reader(load("hackernews"), site, {**entry, **queries, **given}, watchlist)
