"""Local social networks for `tests.demo_sources`: VK, Telegram, Mastodon, Bluesky."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.agents.bluesky.server import Server as Bluesky
from tests.agents.mastodon.server import Server as Mastodon
from tests.agents.telegram.server import Server as Telegram
from tests.agents.telegram_web.server import Server as TelegramWeb
from tests.agents.vk.server import Server as Vk
from tests.agents.vk_callback.server import GROUP
from tests.agents.vk_callback.server import Server as VkCallback
from tests.demo_sources.place import MANY, Place, host_of, listens

HANDLE = "teplobank"
PREVIEWED = "teplonews"


def present() -> datetime:
    """By the clock of the machine, which the agents of the demo go by as well."""
    return datetime.now(UTC)


@asynccontextmanager
async def vk() -> AsyncIterator[Place]:
    async with Vk(present) as server:
        owner = server.world.group(1, HANDLE)

        def edit(post: dict[str, Any], text: str) -> None:
            post.update(text=text, edited=int(present().timestamp()))

        yield Place(
            "vk",
            lambda text: server.publish(owner, text),
            {"api": server.url, "token": "env:VK_TOKEN", "communities": ["club1"], "every": "10s"},
            [host_of(server.url)],
            {"VK_TOKEN": "user-token"},
            edit,
            more=MANY,
        )


@asynccontextmanager
async def vk_callback(port: int) -> AsyncIterator[Place]:
    """VK sends by itself, so there must be somebody who listens; what is not taken is sent again."""
    async with VkCallback(f"http://127.0.0.1:{port}/vk", "s3cret") as sender:
        numbers = iter(range(1, 1_000_000))

        def reply(number: int, text: str) -> dict[str, Any]:
            where = {"post_id": 999_999, "post_owner_id": -GROUP, "owner_id": -GROUP, "from_id": 7}
            return {"id": number, "date": int(present().timestamp()), "text": text, **where}

        async def send(name: str, content: dict[str, Any]) -> None:
            answer = await sender.publish(name, content)
            if answer != (200, "ok"):
                raise ConnectionError(f"vk-callback answered {answer}")

        async def publish(text: str) -> int:
            number = next(numbers)
            await send("wall_reply_new", reply(number, text))
            return number

        async def delete(number: int) -> None:
            gone = {"owner_id": -GROUP, "id": number, "deleter_id": 7, "post_id": 999_999}
            await send("wall_reply_delete", gone)

        community = {"community": f"club{GROUP}", "confirmation": "env:VK_CONFIRM", "secret": "env:VK_SECRET"}
        yield Place(
            "vk-callback",
            publish,
            {"port": port, "path": "/vk", "communities": [community]},
            [],
            {"VK_CONFIRM": "c0nf1rm", "VK_SECRET": "s3cret"},
            lambda number, text: send("wall_reply_edit", reply(number, text)),
            delete,
            listened=lambda: listens(port),
        )


@asynccontextmanager
async def telegram() -> AsyncIterator[Place]:
    async with Telegram(present) as server:
        room = server.world.room(HANDLE)

        def publish(text: str) -> int:
            server.world.now = present()
            return int(server.publish(room, text).id)

        def edit(number: int, text: str) -> None:
            server.world.edit(room, number, text, at=present())

        yield Place(
            "telegram",
            publish,
            {
                "api_id": "env:TG_ID",
                "api_hash": "env:TG_HASH",
                "session": "env:TG_SESSION",
                "channels": [f"@{HANDLE}"],
            },
            [host_of(server.url)],
            {"TG_ID": "12345", "TG_HASH": "0123456789abcdef", "TG_SESSION": server.session},
            edit,
            lambda number: server.world.delete(room, number),
            more=MANY,
        )


@asynccontextmanager
async def telegram_web() -> AsyncIterator[Place]:
    async with TelegramWeb(present) as server:
        channel = server.channel(PREVIEWED)
        yield Place(
            "telegram-web",
            lambda text: server.publish(channel, text, at=present()).number,
            {"site": server.url, "channels": [f"@{PREVIEWED}"]},
            [host_of(server.url)],
            edit=lambda number, text: server.edit(channel, number, text=text),
            more=15,  # edits are seen on the newest page, of 20 posts
        )


@asynccontextmanager
async def mastodon() -> AsyncIterator[Place]:
    async with Mastodon(present) as server:
        yield Place(
            "mastodon",
            lambda text: server.publish(f"{text} #teplobank"),
            {"instances": [{"url": server.url, "hashtags": ["teplobank"]}]},
            [host_of(server.url)],
            edit=lambda status, text: server.edit(status, f"{text} #teplobank"),
            delete=server.delete,
            listened=lambda: bool(server.sockets),
            told_once=True,
        )


@asynccontextmanager
async def bluesky() -> AsyncIterator[Place]:
    async with Bluesky(present) as server:
        yield Place(
            "bluesky",
            server.publish,
            {"jetstream": [server.socket], "appview": server.url, "service": server.url},
            [host_of(server.url)],
            edit=server.edit,
            delete=server.delete,
            listened=lambda: bool(server.sockets),
        )
