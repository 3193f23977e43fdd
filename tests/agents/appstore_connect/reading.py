"""A reader of the local App Store Connect."""

from __future__ import annotations

from typing import Any

from agents.appstore_connect import Options, build
from agents.manual_time import JumpingTime
from agents.options import Lookup
from tests.agents.appstore_connect.server import APP, ISSUER, KEY_ID, NOON, Server
from tests.agents.listing.reading import Reader


def reader_of(apple: Server, *apps: Any, key: str = "", **given: Any) -> Reader:
    time = JumpingTime(NOON)
    apple.clock = time.clock
    entry = {
        "name": "one",
        "kind": "appstore-connect",
        "apps": apps or ({"id": APP, "name": "Тепло Банк"},),
        "key": "env:KEY",
        "key_id": KEY_ID,
        "issuer": ISSUER,
        "site": apple.url,
        **given,
    }
    options = Options.model_validate(entry, context=Lookup({"KEY": key or apple.key}))
    return Reader(build, options, time, apple.url)
