"""A Faust stream without a broker, for tests of what reads it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pipeline.app import build_app, topic_of_bytes
from pipeline.batches import batches
from pipeline.settings import Settings
from pipeline.topics import RAW


def message(offset: int = 0, **fields: Any) -> Any:
    """Stands for one of Faust's messages, of partition 1."""
    given = {"headers": [("ce_type", b"x")], "timestamp": 1.5, "value": b"v", **fields}
    return SimpleNamespace(topic=RAW, partition=1, offset=offset, **given)


class Reading:
    """A Faust stream without a broker: what Faust's conductor would put into its queue, `deliver` puts."""

    def __init__(self, folder: Path) -> None:
        self.app = build_app(Settings(data_dir=folder), "test")
        self.stream = self.app.stream(topic_of_bytes(self.app, RAW))
        self.app.flow_control.resume()
        self.acknowledged: list[int] = []
        self.settled = asyncio.Event()
        """Set when all that was delivered is acknowledged."""
        self._delivered = 0

    def deliver(self, *offsets: int, **fields: Any) -> None:
        """As of the present assignment."""
        self._delivered += len(offsets)
        for offset in offsets:
            self.stream.channel.queue.put_nowait(
                SimpleNamespace(
                    message=message(offset, generation_id=self.app.consumer_generation_id, **fields),
                    ack=partial(self._acknowledge, offset),
                )
            )

    def _acknowledge(self, offset: int) -> None:
        self.acknowledged.append(offset)
        if len(self.acknowledged) == self._delivered:
            self.settled.set()

    def batches(self, size: int, within: timedelta = timedelta(0)) -> Any:
        return batches(self.stream, size, within)
