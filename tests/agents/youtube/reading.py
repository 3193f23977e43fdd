"""How tests read it."""

from __future__ import annotations

from typing import Any

from agents.kinds import load
from pipeline.core.watchlist import Watchlist, WatchObject
from tests.agents.discussions.reading import Reader
from tests.agents.youtube.server import Server


def reader(site: Server, watchlist: Watchlist | None = None, **given: Any) -> Reader:
    entry = {"name": "one", "kind": "youtube", "key": "env:KEY", "api": site.url}
    places = {} if watchlist else {"channels": ["@teplobank"]}
    return Reader(load("youtube"), site, {**entry, **places, **given}, watchlist)


def teplo(channel: str) -> Watchlist:
    accounts = {"youtube": [channel]}
    told = {"id": "t", "kind": "brand", "name": "T", "aliases": ["Teplobank"], "accounts": accounts}
    return Watchlist((WatchObject.model_validate(told),))
