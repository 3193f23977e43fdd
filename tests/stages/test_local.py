"""The end of a local pipeline: nothing stays running, and the first error is the one that is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.embedded.state import NotFollowed
from pipeline.local import Local, ServerDied
from pipeline.memory_only import UNFINISHED, BrokerFull
from pipeline.plan import Plan
from pipeline.settings import Settings


class Ended(SimpleNamespace):
    """A pipeline whose parts note that they are stopped; the keeper's broker may be gone."""

    def __init__(self, folder: Path, keeper_fails: bool = False) -> None:
        super().__init__(said=[], stopped=[], finished=False)
        self.keeper_fails = keeper_fails
        self.local = Local(Settings(data_dir=folder), Plan(), self.said.append)
        parts: Any = self.local
        parts._stack = SimpleNamespace(stop=lambda: self.stopped.append("servers"))
        parts.supervisor = SimpleNamespace(stop=lambda: self.stopped.append("workers"))
        parts._memory_only._keepers = [SimpleNamespace(stop=self._stop_keeper)]
        parts._finish = lambda: setattr(self, "finished", True)

    def _stop_keeper(self) -> None:
        self.stopped.append("keeper")
        if self.keeper_fails:
            raise NotFollowed("no longer followed")

    def end_with(self, error: Exception | None) -> None:
        self.local.__exit__(type(error) if error else None, error, None)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path


def test_everything_is_stopped_in_order_though_the_broker_has_died(folder: Path) -> None:
    ended = Ended(folder, keeper_fails=True)
    ended.end_with(ServerDied("the broker ended"))  # a raising keeper would hide it
    assert ended.stopped == ["workers", "keeper", "servers"]
    assert ended.said == ["no longer followed"]
    assert not ended.finished
    assert (folder / UNFINISHED).exists()


def test_a_worker_that_cannot_be_stopped_leaves_no_server(folder: Path) -> None:
    ended = Ended(folder)
    ended.local.supervisor = SimpleNamespace(stop=lambda: 1 / 0)  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        ended.end_with(None)
    assert ended.stopped == ["keeper", "servers"]


def test_a_full_broker_is_emptied_before_it_stops(folder: Path) -> None:
    ended = Ended(folder)
    ended.end_with(BrokerFull("4 GiB"))
    assert ended.finished
    assert not (folder / UNFINISHED).exists()
