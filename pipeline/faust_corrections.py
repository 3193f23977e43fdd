"""Corrections of faust-streaming 0.15.3 that the pipeline's exactness depends on.

1. Faust hands aiokafka its live set of active partitions; when a rebalance empties it meanwhile, aiokafka
   takes the empty set for "all partitions" and messages of paused partitions are lost (issue 596).
   Cure: hand over a frozen copy.
2. After a rebalance and after table recovery, partitions are resumed before they are sought back to their
   committed offsets, so that records fetched in between are delivered twice or skipped. Cure: seek first,
   and not a second time while records flow.
3. A table's recovery stops at ListOffsets(latest), which the embedded broker understates. Cure: the end
   is asked from an injected function (a fetch's high watermark).
4. Where Faust's compiled stream is missing (no wheel for the platform, ``NO_CYTHON``), its Python twin
   acknowledges the records that it skips at a rebalance, unprocessed. Cure: an acknowledgement counts only
   for a record of the present assignment; after a rebalance reading starts at what was committed anyway.
5. Each record that is read costs four tasks (`Service.wait_first`), half of Faust's time, though handing it
   to its stream hardly ever waits. Cure: make the first step at once, and the tasks only where it waits.
6. The tables sleep a second before the consumer may subscribe, for agents that are still being defined. Ours
   are bound before the worker starts. Cure: no sleep.

``tests/stages/test_faust_corrections.py`` fails without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from importlib.metadata import version
from inspect import iscoroutine
from types import coroutine
from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.services import WaitResults

CORRECTED_VERSION = "0.15.3"

EndOffsets = Callable[[list[Any]], Awaitable[Mapping[Any, int]]]


class UnknownFaustVersion(RuntimeError):
    """The installed faust-streaming is not the one that the corrections were written for."""


def apply(end_offsets: EndOffsets | None = None) -> None:
    """Correct Faust in this process; applying twice changes nothing.

    Args:
        end_offsets: exact end offsets of partitions, where the broker's own answer is not (correction 3).

    Raises:
        UnknownFaustVersion: review this module for the new version first.
    """
    installed = version("faust-streaming")
    if installed != CORRECTED_VERSION:
        raise UnknownFaustVersion(
            f"faust-streaming {installed} is installed, the corrections are for {CORRECTED_VERSION}: "
            "install with constraints.txt"
        )
    ThreadDelegateConsumer._getmany = _getmany_of_a_frozen_set
    Recovery.on_recovery_completed = _seek_then_complete
    Recovery._resume_streams = _seek_then_resume
    Consumer.ack = _ack_of_this_assignment
    Consumer.wait_first = _wait_first_where_it_waits
    TableManager.on_start = _start_at_once
    if end_offsets is not None:

        async def exact_highwaters(_self: Any, *partitions: Any) -> Mapping[Any, int]:
            return await end_offsets(list(partitions))

        AIOKafkaConsumerThread.highwaters = exact_highwaters


_plain_getmany = ThreadDelegateConsumer._getmany
_plain_on_recovery_completed = Recovery.on_recovery_completed
_plain_resume_streams = Recovery._resume_streams
_plain_ack = Consumer.ack
_plain_wait_first = Consumer.wait_first


async def _getmany_of_a_frozen_set(self: Any, active_partitions: Any, *args: Any, **kwargs: Any) -> Any:
    frozen = None if active_partitions is None else frozenset(active_partitions)
    return await _plain_getmany(self, frozen, *args, **kwargs)


async def _seek_then_complete(self: Any, generation_id: int = 0) -> None:
    await _seek_before(_plain_on_recovery_completed, self, generation_id)


async def _seek_then_resume(self: Any, generation_id: int = 0) -> None:
    await _seek_before(_plain_resume_streams, self, generation_id)


async def _seek_before(
    resume: Callable[[Any, int], Awaitable[None]], recovery: Any, generation_id: int
) -> None:
    """Seek, then let Faust resume; its own seek after that is left out (those of the fetcher are not)."""
    consumer, mine = recovery.app.consumer, asyncio.current_task()
    if not consumer.assignment() or recovery.app.consumer_generation_id != generation_id:
        await resume(recovery, generation_id)
        return
    seek = consumer.perform_seek
    await recovery._wait(seek(), timeout=recovery.app.conf.broker_request_timeout)

    async def stay() -> None:
        return None

    consumer.perform_seek = lambda: stay() if asyncio.current_task() is mine else seek()
    try:
        await resume(recovery, generation_id)
    finally:
        consumer.perform_seek = seek


def _ack_of_this_assignment(self: Any, message: Any) -> bool:
    if message.generation_id != self.app.consumer_generation_id or not self.app.flow_control.is_active():
        return False
    return bool(_plain_ack(self, message))


async def _start_at_once(self: Any) -> None:
    await self._update_channels()
    await self.recovery.start()


async def _wait_first_where_it_waits(self: Any, *waited: Any, **limits: Any) -> WaitResults:
    """`wait_first` of a coroutine and others, without a task where the coroutine ends without waiting.

    The others do not even begin then; it is what a task would have done, whose first step cannot be stopped.
    """
    first, *others = waited
    if not iscoroutine(first):
        return await _plain_wait_first(self, *waited, **limits)
    waits = False
    try:
        pending = first.send(None)
        waits = True
    except StopIteration as done:
        return WaitResults([first], [done.value], False)
    finally:
        for other in () if waits else filter(iscoroutine, others):
            other.close()
    return await _plain_wait_first(self, _continued(first, pending), *others, **limits)


async def _continued(begun: Coroutine[Any, Any, Any], pending: Any) -> Any:
    """The rest of a coroutine that has made its first step and waits for ``pending``."""
    return await _steps(begun, pending)


@coroutine
def _steps(begun: Coroutine[Any, Any, Any], pending: Any) -> Generator[Any, Any, Any]:
    while True:
        try:
            try:
                sent = yield pending
            except BaseException as error:  # noqa: BLE001 - a cancellation, too, belongs to the coroutine
                pending = begun.throw(error)
            else:
                pending = begun.send(sent)
        except StopIteration as done:
            return done.value
