"""A reader of the local App Store."""

from __future__ import annotations

from typing import Any

from agents.appstore import Options, build
from agents.manual_time import JumpingTime
from agents.options import Lookup
from pipeline.core.watchlist import Watchlist
from tests.agents.appstore.server import NOON, Server
from tests.agents.listing.reading import Reader


def reader_of(store: Server, *apps: Any, watchlist: Watchlist | None = None, **given: Any) -> Reader:
    """Of ``apps``, by default the one of `Server.publish`."""
    time = JumpingTime(NOON)
    store.clock = time.clock
    entry = {"name": "one", "kind": "appstore", "apps": apps or ("123456789",), "site": store.url, **given}
    options = Options.model_validate(entry, context=Lookup())
    return Reader(build, options, time, store.url, watchlist=watchlist)
