"""A local sender of VK's Callback API: posts events to an agent, and repeats those that it did not take."""

from __future__ import annotations

import io
import itertools
from types import TracebackType
from typing import Any, Self

import aiohttp

GROUP = 123


class Server:
    """``async with Server(url) as vk``: ``url`` is the agent's; ``unsent`` is sent again by `repeat`."""

    def __init__(self, url: str = "", secret: str = "s3cret") -> None:
        self.url = url
        self.secret = secret
        self.unsent: list[dict[str, Any]] = []
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def publish(self, name: str, content: Any, **fields: Any) -> tuple[int, str]:
        """Send an event; the status and the body of the answer."""
        event = {
            "type": name,
            "object": content,
            "group_id": GROUP,
            "event_id": f"event{next(self._ids)}",
            "v": "5.199",
            "secret": self.secret,
            **fields,
        }
        return await self.send(event)

    async def send(self, event: dict[str, Any]) -> tuple[int, str]:
        assert self._session is not None
        async with self._session.post(self.url, json=event) as answer:
            status, body = answer.status, await answer.text()
        if body != "ok":
            self.unsent.append(event)
        return status, body

    async def raw(self, body: bytes) -> int:
        """Send any body."""
        assert self._session is not None
        async with self._session.post(self.url, data=io.BytesIO(body)) as answer:
            return answer.status

    async def repeat(self) -> list[str]:
        """Send again what was not taken, as VK does."""
        answers = []
        for event in tuple(self.unsent):
            answers.append((await self.send(event))[1])
            self.unsent.remove(event)
        return answers


def comment(number: int, text: str = "слово", **fields: Any) -> dict[str, Any]:
    """A comment as events have it."""
    return {"id": number, "from_id": 7, "date": 1_763_726_400, "text": text, **fields}
