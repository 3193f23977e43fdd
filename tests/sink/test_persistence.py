"""Trying again: pauses grow, fences end it, refusals are not retried."""

from __future__ import annotations

import pytest
from aiokafka.errors import CommitFailedError, KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from pipeline.sink.clickhouse import RowsRejected, Unavailable
from pipeline.sink.persistence import LONGEST_DELAY, Fenced, persist


class Steps:
    """Fails with each error in turn, then succeeds; remembers the pauses."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.retries = 0
        self.pauses: list[float] = []

    async def step(self) -> str:
        if self._errors:
            raise self._errors.pop(0)
        return "done"

    def retried(self, error: Exception) -> None:
        assert isinstance(error, (KafkaError, Unavailable))
        self.retries += 1

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def run(self) -> str:
        return await persist(self.step, "test", self.retried, sleep=self.sleep, jitter=lambda: 1.0)


async def test_outages_are_waited_out_with_growing_pauses() -> None:
    steps = Steps(*[Unavailable("down")] * 8, KafkaConnectionError())
    assert await steps.run() == "done"
    assert steps.retries == 9
    assert steps.pauses == sorted(steps.pauses)
    assert steps.pauses[:3] == [0.1, 0.2, 0.4]
    assert steps.pauses[-1] == LONGEST_DELAY


async def test_lost_partition_is_fenced() -> None:
    with pytest.raises(Fenced):
        await Steps(CommitFailedError()).run()


@pytest.mark.parametrize("error", [RowsRejected("x"), TopicAuthorizationFailedError()])
async def test_refusals_are_not_retried(error: Exception) -> None:
    steps = Steps(error)
    with pytest.raises((RowsRejected, KafkaError)):
        await steps.run()
    assert steps.retries == 0
