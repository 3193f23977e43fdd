"""Trying again until it works: what storage does while ClickHouse or Kafka cannot be reached.

It never drops and never gives up by itself; it ends by success, by cancellation, or because the partition now
belongs to another worker.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from pipeline.sink.clickhouse import Unavailable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]

FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0

log = logging.getLogger("molva.storage")


class Fenced(Exception):
    """The group has rebalanced: the partition's new owner continues from the intent."""


async def persist(
    step: Callable[[], Awaitable[T]],
    what: str,
    on_retry: Callable[[Exception], None],
    *,
    sleep: Sleep = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
    place: Mapping[str, object] | None = None,
) -> T:
    """The result of ``step``, tried again with growing pauses (seconds) for as long as it takes.

    Args:
        on_retry: told every error that is waited out.
        place: fields of the log lines, see `pipeline.logs`.

    Raises:
        Fenced: a commit was refused because the partition is no longer ours.
        KafkaError: Kafka refuses for good (an authorisation, a size).
    """
    delay = FIRST_DELAY
    while True:
        try:
            return await step()
        except (CommitFailedError, IllegalStateError) as error:
            raise Fenced(str(error)) from error
        except KafkaError as error:
            if not error.retriable:
                raise
            waited_out: Exception = error
        except Unavailable as error:
            waited_out = error
        log.warning("%s: %s; trying again", what, waited_out, extra=place)
        on_retry(waited_out)
        await sleep(delay * (0.5 + jitter() / 2))
        delay = min(LONGEST_DELAY, delay * 2)
