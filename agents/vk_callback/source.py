"""The ``vk-callback`` agent: gives what comes in at its door, which answers once Kafka has it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from agents.base import Collected, Progress
from agents.surroundings import Surroundings
from agents.vk.desk import Own
from agents.vk.names import own_places
from agents.vk_callback.door import Door
from agents.vk_callback.events import items_of
from agents.vk_callback.options import Options
from schemas.base import LIVE

log = logging.getLogger("molva.agent.vk")


class VkCallbackSource:
    """``address`` is where it listens while it runs. It has no cursor: VK repeats what was not confirmed."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace
        self.address = ("", 0)
        self.listening = asyncio.Event()
        """Set once ``address`` is known."""
        self._options = options
        self._around = around
        self._own = Own(own_places(around.watchlist))

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        if self._around.dry:
            yield Progress()
            return
        door = Door(self._options)
        async with door.opened() as self.address:
            self.listening.set()
            log.info("%s takes events of VK on %s:%d%s", self.name, *self.address, self._options.path)
            yield Progress()
            while True:
                event = await door.queue.get()
                for item in items_of(event.content, self._own, self._around.clock()):
                    yield item
                yield Progress(confirmed=event.settle)
