"""A reader of the local Google."""

from __future__ import annotations

from typing import Any

from agents.googleplay import Options, build
from agents.manual_time import JumpingTime
from agents.options import Lookup
from tests.agents.googleplay.server import APP, NOON, Server
from tests.agents.listing.reading import Reader


def reader_of(google: Server, *apps: Any, key: str = "", **given: Any) -> Reader:
    time = JumpingTime(NOON)
    google.clock = time.clock
    entry = {
        "name": "one",
        "kind": "googleplay",
        "apps": apps or ({"package": APP, "name": "Тепло Банк"},),
        "credentials": "env:KEY",
        "site": google.url,
        "sign_in": f"{google.url}/token",
        **given,
    }
    options = Options.model_validate(entry, context=Lookup({"KEY": key or google.credentials}))
    return Reader(build, options, time, google.url)
