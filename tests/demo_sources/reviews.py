"""Local places of reviews for `tests.demo_sources`: stores of applications and a site."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.agents.appstore.server import Server as AppStore
from tests.agents.appstore_connect.server import ISSUER, KEY_ID
from tests.agents.appstore_connect.server import Server as AppStoreConnect
from tests.agents.googleplay.server import APP
from tests.agents.googleplay.server import Server as GooglePlay
from tests.agents.page.reading import HTML
from tests.agents.page.server import Server as Page
from tests.demo_sources.networks import present
from tests.demo_sources.place import MANY, Place, host_of

OTHER_APP = "123456789"


@asynccontextmanager
async def appstore() -> AsyncIterator[Place]:
    async with AppStore() as server:
        server.clock = present
        yield Place(
            "appstore",
            lambda text: server.publish(text).number,
            {"site": server.url, "apps": [OTHER_APP], "interval": "1m"},
            [host_of(server.url)],
            edit=lambda number, text: server.edit(number, text=text),
            more=MANY,
        )


@asynccontextmanager
async def appstore_connect() -> AsyncIterator[Place]:
    async with AppStoreConnect() as server:
        server.clock = present
        entry = {
            "site": server.url, "apps": [OTHER_APP], "interval": "1m",
            "key": "env:APPLE_KEY", "key_id": KEY_ID, "issuer": ISSUER,
        }  # fmt: skip
        yield Place(
            "appstore-connect",
            lambda text: server.publish(text).number,
            entry,
            [host_of(server.url)],
            {"APPLE_KEY": server.key},
            lambda number, text: server.change(number, text=text),
            more=MANY,
        )


@asynccontextmanager
async def googleplay() -> AsyncIterator[Place]:
    async with GooglePlay() as server:
        server.clock = present
        entry = {
            "site": server.url, "sign_in": f"{server.url}/token", "apps": [APP], "interval": "1m",
            "credentials": "env:GOOGLE_KEY",
        }  # fmt: skip
        yield Place(
            "googleplay",
            lambda text: server.publish(text).number,
            entry,
            [host_of(server.url)],
            {"GOOGLE_KEY": server.credentials},
            lambda number, text: server.edit(number, text=text),
            more=MANY,
        )


@asynccontextmanager
async def page() -> AsyncIterator[Place]:
    async with Page() as server:
        server.clock = present
        listed = {"url": f"{server.url}/html/teplo", "name": "Тепло Банк"}
        yield Place(
            "page",
            lambda text: server.publish(text).number,
            {**HTML, "source": "otzyvy", "lists": [listed], "interval": "5m"},
            [host_of(server.url)],
            edit=lambda number, text: server.change(number, text=text),
            more=15,  # edits are seen on the newest page, of 20 reviews
        )
