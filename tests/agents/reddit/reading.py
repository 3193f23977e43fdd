"""How tests read it."""

from __future__ import annotations

from typing import Any

from agents.kinds import load
from pipeline.core.watchlist import Watchlist, WatchObject
from tests.agents.discussions.reading import Reader
from tests.agents.reddit.server import Server

TEPLO = Watchlist(
    (
        WatchObject.model_validate(
            {
                "id": "teplo",
                "kind": "brand",
                "name": "Тепло Банк",
                "aliases": ["Teplobank"],
                "accounts": {"reddit": ["u/teplo_team", "r/teplobank"]},
            }
        ),
    )
)


def reader(site: Server, watchlist: Watchlist | None = None, **given: Any) -> Reader:
    entry = {
        "name": "one",
        "kind": "reddit",
        "client_id": "env:ID",
        "client_secret": "env:SECRET",
        "contact": "molva_admin",
        "api": site.url,
        "site": site.url,
    }
    places = {} if watchlist else {"subreddits": ["r/banki"]}
    return Reader(load("reddit"), site, {**entry, **places, **given}, watchlist)
