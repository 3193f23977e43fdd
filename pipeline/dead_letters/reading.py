"""Where dead letters are read: ClickHouse, which knows what became of them; else Kafka's topic."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from pipeline.dead_letters.choice import Choice, Found, Group, source
from pipeline.dead_letters.originals import letters_in_topic
from pipeline.dead_letters.store import Store
from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients, Unavailable, connect
from schemas import DeadLetter

T = TypeVar("T")
Warn = Callable[[str], None]


def read_groups(settings: Settings, choice: Choice, from_topic: bool, warn: Warn) -> list[Group]:
    """The chosen letters by stage, reason and source, the most frequent kind first.

    Raises:
        KafkaError: neither ClickHouse nor Kafka can be reached.
    """
    return _read(
        settings, from_topic, warn, lambda store: store.groups(choice), lambda all_: grouped(all_, choice)
    )


def read_letters(
    settings: Settings, choice: Choice, limit: int | None, from_topic: bool, warn: Warn
) -> list[Found]:
    """The chosen letters, the newest first; raises as `read_groups`."""
    return _read(
        settings,
        from_topic,
        warn,
        lambda store: store.letters(choice, limit),
        lambda every: [Found(each, "open") for each in every if choice.matches(each)][:limit],
    )


def grouped(letters: Iterable[DeadLetter], choice: Choice) -> list[Group]:
    """What `Store.groups` answers, of letters that stand in the order newest first."""
    kinds: dict[tuple[str, str, str], list[DeadLetter]] = defaultdict(list)
    for each in letters:
        if choice.matches(each):
            kinds[each.stage, each.reason, source(each.origin)].append(each)
    groups = [
        Group(*kind, len(mine), mine[-1].failed_at, mine[0].failed_at, mine[0].id, mine[0].detail)
        for kind, mine in kinds.items()
    ]
    return sorted(groups, key=lambda group: (-group.letters, group[:3]))


def _read(
    settings: Settings,
    from_topic: bool,
    warn: Warn,
    ask: Callable[[Store], list[T]],
    choose: Callable[[list[DeadLetter]], list[T]],
) -> list[T]:
    if not from_topic:
        clients = Clients(lambda: connect(settings))
        try:
            return ask(Store(clients))
        except Unavailable as error:
            warn(f"ClickHouse does not answer ({str(error)[:200]}): read from Kafka")
        finally:
            clients.close()
    warn("Kafka's topic does not know what was replayed or purged: everything counts as open")
    return choose(asyncio.run(letters_in_topic(settings)))
