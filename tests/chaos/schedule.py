"""What happens when: a seed makes the same faults at the same posts, so that a failure can be run again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

WORKERS = (
    "enrichment-1",
    "enrichment-2",
    "detection-1",
    "detection-2",
    "storage-1",
    "storage-2",
    "notification-1",
)
GUESTS = ("enrichment", "detection", "storage")
"""Stages that a third worker may join and leave."""

OF_A_WORKER = ("kill", "kill", "kill", "pause", "restart", "slow", "clock-ahead", "clock-behind")
OF_A_BROKER = ("kill", "kill", "pause", "restart", "cut", "hole", "delay")
OF_ONE_OF_THREE = ("apart",)
"""The other brokers cannot copy what it leads."""
OF_CLICKHOUSE = (
    "kill",
    "kill",
    "pause",
    "restart",
    "cut",
    "hole",
    "delay",
    "slow",
    "too-many-parts",
    "no-space",
    "read-only",
    "view-throws",
    "disk-full",
)
SECONDS = {
    "kill": (0.0, 4.0),
    "pause": (2.0, 12.0),
    "restart": (0.0, 2.0),
    "slow": (5.0, 15.0),
    "clock-ahead": (10.0, 20.0),
    "clock-behind": (10.0, 20.0),
    "cut": (1.0, 8.0),
    "hole": (2.0, 10.0),
    "delay": (5.0, 15.0),
    "apart": (5.0, 15.0),
    "too-many-parts": (2.0, 8.0),
    "no-space": (2.0, 8.0),
    "read-only": (2.0, 8.0),
    "view-throws": (2.0, 8.0),
    "disk-full": (3.0, 8.0),
    "join": (10.0, 20.0),
}
"""How long each lasts, from and to; of a killed server: until it is started again."""
WHERE = (("worker", 5), ("broker", 2), ("clickhouse", 3), ("group", 1))
"""What is hit, and how often in proportion."""


class Fault(NamedTuple):
    """``kind`` befalls ``target`` when ``at`` posts have been published, for ``seconds``."""

    at: int
    kind: str
    target: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.kind} {self.target} at post {self.at} for {self.seconds:.1f} s"


def make(
    seed: int, posts: int, faults: int, *, brokers: int = 1, kinds: Sequence[str] | None = None
) -> list[Fault]:
    """The schedule of a seed, in the order of time: ``faults`` of them within the middle of ``posts``.

    Args:
        kinds: only these, e.g. ``["kill"]`` or ``["kill:storage-1", "join"]``; None: all.
    """
    draw = random.Random(f"{seed}/{posts}/{faults}/{brokers}")
    choice = [each for each in possible(brokers) if kinds is None or _wanted(each, kinds)]
    if not choice:
        raise ValueError(f"no fault is called {kinds}; there are {sorted({kind for kind, _ in possible(3)})}")
    weights = _weights(choice)
    first, last = posts // 20, posts * 17 // 20
    moments = sorted(draw.sample(range(first, last), faults))
    found = []
    for at in moments:
        kind, target = draw.choices(choice, weights)[0]
        found.append(Fault(at, kind, target, round(draw.uniform(*SECONDS[kind]), 1)))
    return found


def possible(brokers: int) -> list[tuple[str, str]]:
    """Every kind with every target, as often as it is to be drawn."""
    found = [(kind, worker) for worker in WORKERS for kind in OF_A_WORKER]
    found += [(kind, f"broker-{number}") for number in range(1, brokers + 1) for kind in OF_A_BROKER]
    if brokers > 1:
        found += [(kind, f"broker-{each}") for each in range(1, brokers + 1) for kind in OF_ONE_OF_THREE]
    found += [(kind, "clickhouse") for kind in OF_CLICKHOUSE]
    return found + [("join", stage) for stage in GUESTS]


def _wanted(each: tuple[str, str], kinds: Iterable[str]) -> bool:
    return any(wanted in (each[0], ":".join(each)) for wanted in kinds)


def _weights(choice: Sequence[tuple[str, str]]) -> list[float]:
    groups = [_group(target) for _, target in choice]
    return [dict(WHERE)[group] / groups.count(group) for group in groups]


def _group(target: str) -> str:
    if target == "clickhouse":
        return "clickhouse"
    if target.startswith("broker-"):
        return "broker"
    return "worker" if target in WORKERS else "group"
