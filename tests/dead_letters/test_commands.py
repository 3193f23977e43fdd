"""``molva dead-letters`` as a person types it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline import topics
from pipeline.cli.commands import app
from pipeline.cli.mistakes import ending_of
from pipeline.dead_letters.choice import Choice, kafka_origin, record_key, source
from pipeline.dead_letters.reading import grouped
from pipeline.dead_letters.store import Store
from schemas import DeadLetter
from tests.dead_letters.worlds import NOW, given_up, store_letters
from tests.sink import samples
from tests.sink.worlds import World

INPUT = DeadLetter.of(
    "Рассвет [/bold] не JSON".encode(),
    stage="agent:replay",
    origin="posts.jsonl:17",
    reason="not_json",
    detail="not JSON: line 1 column 1",
    failed_at=NOW - timedelta(days=3),
)


class Typed:
    """Commands against a world, in a thread: they run event loops of their own."""

    def __init__(self, world: World) -> None:
        self.environment = world.settings.environment()

    async def __call__(self, *arguments: str, code: int = 0, stdin: str = "", **changes: str) -> str:
        environment = {**self.environment, "COLUMNS": "160", **changes}
        invoke = partial(CliRunner().invoke, app, ["dead-letters", *arguments], input=stdin, env=environment)
        done = await asyncio.to_thread(invoke)
        ending = ending_of(done.exception) if isinstance(done.exception, Exception) else None
        assert (ending.exit_code if ending else done.exit_code) == code, (done.output, done.exception)
        return done.stdout if ending is None else ending.message

    async def json(self, *arguments: str, **changes: str) -> Any:
        return json.loads(await self(*arguments, "--json", **changes))


@pytest.mark.integration
@pytest.mark.timeout(280)
async def test_list_show_purge_and_mistakes(world: World, store: Store) -> None:
    await world.send(topics.RAW, [samples.raw_post(number) for number in range(4)])
    letters = [*await given_up(world), INPUT]
    await store_letters(world, letters)
    run = Typed(world)

    found = await run.json("list")
    assert [(g["reason"], g["source"], g["letters"]) for g in found["groups"]] == [
        ("failed", topics.RAW, 4),
        ("not_json", "posts.jsonl", 1),
    ]
    table = await run("list", "--each", "--text", "рассвет")
    assert INPUT.id in table and letters[0].id not in table
    assert len((await run.json("list", "--each", "--limit", "2"))["letters"]) == 2
    assert (await run.json("list", "--since", "2026-03-01", "--topic", topics.RAW))["letters"] == 4
    assert (await run.json("list", "--until", "2026-03-01"))["letters"] == 1
    assert (await run.json("list", "--reason", "invalid"))["letters"] == 0

    shown = await run.json("show", letters[0].origin)
    assert (shown["id"], shown["payload"], shown["state"]) == (letters[0].id, letters[0].payload, "open")
    origin = kafka_origin(letters[0])
    assert origin is not None and shown["place"] == origin.model_dump()
    text = await run("show", INPUT.id)
    assert "Рассвет [/bold] не JSON" in text
    assert "no dead letter 'x'" in await run("show", "x", code=2)

    # ClickHouse is away: the topic tells the same, and replay and purge say that they need it
    away = {"MOLVA_CLICKHOUSE_PORT": "1"}
    assert (await run.json("list", **away))["groups"] == found["groups"]
    assert (await run.json("list", "--from-topic"))["groups"] == found["groups"]
    assert "MOLVA_CLICKHOUSE_HOST" in await run("replay", "--all", code=3, **away)
    assert "say which" in await run("replay", code=2)
    assert "say which" in await run("purge", "--all", "--reason", "failed", code=2)
    assert "no moment such as" in await run("list", "--since", "yesterday", code=2)
    assert "mend it there and collect it again" in await run("replay", INPUT.id, code=1)

    assert "nothing was done" in await run("purge", "--reason", "not_json", stdin="n\n", code=2)
    assert await run.json("purge", "--reason", "not_json", "--yes") == {"purged": 1, "deleted": 0}
    assert (await run.json("list"))["letters"] == 4
    assert (await run.json("list", "--all"))["letters"] == 5
    assert "purged" in await run("show", INPUT.id)
    assert await run.json("purge", "--all", "--delete", "--yes") == {"purged": 5, "deleted": 5}
    assert store.letters(Choice(states=("open", "replayed", "purged"))) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["enrichment", "agent:rss"]),
            st.sampled_from(["failed", "invalid"]),
            st.sampled_from([f"{topics.RAW}:0:1", "feed:entry", "a b:1:2", "nothing"]),
            st.integers(0, 9),
        ),
        max_size=30,
    )
)
def test_groups_hold_every_chosen_letter_once(kinds: list[tuple[str, str, str, int]]) -> None:
    letters = [
        DeadLetter.of(
            b"x",
            stage=stage,
            origin=origin,
            reason=reason,
            detail="d",  # type: ignore[arg-type]
            failed_at=datetime(2026, 3, 1 + day, tzinfo=UTC),
        )
        for stage, reason, origin, day in sorted(kinds, key=lambda kind: -kind[3])
    ]
    choice = Choice(stage="enrichment", since=datetime(2026, 3, 3, tzinfo=UTC))
    groups = grouped(letters, choice)
    assert sum(group.letters for group in groups) == sum(choice.matches(each) for each in letters)
    assert all(group.oldest <= group.newest for group in groups)
    assert len({group[:3] for group in groups}) == len(groups)


def test_the_source_of_an_origin() -> None:
    assert source(f"{topics.RAW}:3:12") == topics.RAW
    assert source("posts.jsonl:17") == "posts.jsonl"
    assert kafka_origin(INPUT) is None
    assert record_key(INPUT) == f"posts.jsonl:17#{INPUT.payload_sha256[:16]}"
