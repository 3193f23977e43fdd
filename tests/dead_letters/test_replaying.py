"""Records of dead letters are sent again as they were, and each at most once, whatever dies on the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaError, RequestTimedOutError

from pipeline import topics
from pipeline.dead_letters.choice import Choice, kafka_origin, record_key
from pipeline.dead_letters.originals import REPLAY_OF, opened, read_originals
from pipeline.dead_letters.preparing import Outcome, Ready, prepare
from pipeline.dead_letters.replaying import Sender, replay
from pipeline.dead_letters.store import Store
from pipeline.emission import Outgoing
from pipeline.kafka import KafkaAdmin
from pipeline.producer import Producer
from schemas import DeadLetter, Origin, Watermark
from schemas.codec import Message, encode, header
from tests.dead_letters.reading import records_of
from tests.dead_letters.worlds import NOW, given_up, letter_of, store_letters
from tests.sink import samples
from tests.sink.worlds import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def raw(world: World, count: int) -> list[DeadLetter]:
    """Posts in ``molva.posts.raw`` and their letters."""
    await world.send(topics.RAW, [samples.raw_post(number) for number in range(count)])
    return await given_up(world)


def statuses(outcomes: Sequence[Outcome]) -> Counter[str]:
    return Counter(each.status for each in outcomes)


async def resent(world: World) -> Counter[str]:
    """How often each record stands in the raw topic with the header of a replay."""
    found = [header(each.headers, REPLAY_OF) for each in await records_of(world.settings, topics.RAW)]
    return Counter(each for each in found if each is not None)


async def test_a_record_goes_back_as_it_was_and_only_once(world: World, store: Store) -> None:
    letters = await raw(world, 30)
    before = {header(each.headers, "ce_id"): each for each in await records_of(world.settings, topics.RAW)}
    first = await replay(world.settings, store, letters, "first")
    assert statuses(first) == {"sent": 30}
    again = await replay(world.settings, store, letters, "second")
    assert statuses(again) == {"already sent": 30}
    assert {each.detail for each in again} == {each.detail for each in first}
    records = await records_of(world.settings, topics.RAW)
    assert len(records) == 60
    copies = [each for each in records if header(each.headers, REPLAY_OF)]
    assert {f"{each.topic}:{each.partition}:{each.offset}" for each in copies} == {o.detail for o in first}
    for copy in copies:
        original = before[header(copy.headers, "ce_id")]
        assert (copy.key, copy.value, copy.partition) == (original.key, original.value, original.partition)
        added = (REPLAY_OF, f"{topics.RAW}:{original.partition}:{original.offset}#".encode())
        assert copy.headers[:-1] == original.headers
        assert copy.headers[-1][0] == REPLAY_OF and copy.headers[-1][1].startswith(added[1])
    offsets = {number: [each.offset for each in copies if each.partition == number] for number in (0, 1)}
    order = {number: [o.offset for o in before.values() if o.partition == number] for number in (0, 1)}
    assert all(sorted(offsets[number]) == offsets[number] for number in offsets)
    assert [len(each) for each in offsets.values()] == [len(each) for each in order.values()]


async def test_the_letters_of_two_stages_about_one_record_send_it_once(world: World, store: Store) -> None:
    await world.send(topics.MENTIONS, [samples.mention(1)])
    (record,) = await records_of(world.settings, topics.MENTIONS)
    letters = [letter_of(record, stage=stage) for stage in ("detection", "storage")]
    assert statuses(await replay(world.settings, store, letters, "r")) == {"sent": 1}
    assert len(await records_of(world.settings, topics.MENTIONS)) == 2


async def test_a_dry_run_sends_nothing(world: World, store: Store) -> None:
    letters = await raw(world, 5)
    assert statuses(await replay(world.settings, store, letters, "r", dry_run=True)) == {"would be sent": 5}
    assert await resent(world) == {}
    assert statuses(await replay(world.settings, store, letters, "s")) == {"sent": 5}


async def ready_of(world: World, letters: Sequence[DeadLetter]) -> list[Ready]:
    async with KafkaAdmin(world.settings) as admin, opened(world.settings) as consumer:
        places = [origin for each in letters if (origin := kafka_origin(each))]
        originals = await read_originals(consumer, places)
        prepared = [prepare(each, originals, await admin.topics(), force=False) for each in letters]
    return [each for each in prepared if isinstance(each, Ready)]


@pytest.mark.parametrize("delivered", [0, 3, 10], ids=["before", "in the middle of", "after"])
async def test_a_run_that_dies_is_finished_by_the_next(world: World, store: Store, delivered: int) -> None:
    ready = await ready_of(world, await raw(world, 10))
    async with opened(world.settings) as consumer, Producer(world.settings) as producer:

        async def die(items: Sequence[Outgoing]) -> Sequence[Origin]:
            await producer.send(items[:delivered])
            raise RequestTimedOutError

        with pytest.raises(KafkaError):
            await Sender(store, consumer, die, "died").send(ready)
        waiting = await Sender(store, consumer, producer.send, "soon").send(ready)
        assert statuses(waiting) == {"busy": 10}
        assert "another run may be sending it: try in" in waiting[0].detail
        after = await Sender(store, consumer, producer.send, "later", lease=0).send(ready)
    expected = {"already sent": delivered, "sent": 10 - delivered}
    assert statuses(after) == {name: count for name, count in expected.items() if count}
    assert await resent(world) == {each.record: 1 for each in ready}
    assert set(store.standing([each.record for each in ready])) == {each.record for each in ready}


async def test_two_runs_at_once_never_send_a_record_twice(world: World, store: Store) -> None:
    ready = await ready_of(world, await raw(world, 20))
    async with (
        opened(world.settings) as one,
        opened(world.settings) as two,
        Producer(world.settings) as producer,
    ):
        senders = [Sender(store, one, producer.send, "one"), Sender(store, two, producer.send, "two")]
        both = await asyncio.gather(*(sender.send(ready) for sender in senders))
        assert max((await resent(world)).values(), default=0) <= 1
        assert sum(statuses(each)["sent"] for each in both) == sum((await resent(world)).values())
        await Sender(store, one, producer.send, "three").send(ready)
    assert await resent(world) == {each.record: 1 for each in ready}


async def test_what_kafka_has_lost_is_sent_from_the_letter(world: World, store: Store) -> None:
    """As after a new start of the embedded broker: another record, or none, stands at the origin."""
    message = encode(samples.raw_post(1))
    other = (await raw(world, 1))[0]
    replaced = DeadLetter.of(
        message.value, stage="enrichment", origin=other.origin, reason="failed", detail="x", failed_at=NOW
    )
    missing = replaced.model_copy(update={"origin": f"{topics.RAW}:1:900", "id": "b"})
    narrower = replaced.model_copy(update={"origin": f"{topics.RAW}:7:0", "id": "c"})
    outcomes = await replay(world.settings, store, [replaced, missing, narrower], "r")
    assert replaced.payload_sha256 != other.payload_sha256
    assert statuses(outcomes) == {"sent": 3}
    copies = [
        each for each in await records_of(world.settings, topics.RAW) if header(each.headers, REPLAY_OF)
    ]
    assert {(each.key, each.value) for each in copies} == {(message.key, message.value)}
    assert {header(each.headers, "ce_type") for each in copies} == {"molva.post.v1"}
    assert copies[-1].partition in (0, 1)


async def test_what_cannot_be_sent_says_why(world: World, store: Store) -> None:
    mark = Watermark(agent="rss", timeline="live", watermark=NOW, partitions=2)
    strange = Message(b"k", b"{}", [("ce_type", b"molva.spike.v1")])
    await world.send(topics.RAW, [Message(b"k", b"{", []), strange, mark])
    bad, unknown, watermark = sorted(await given_up(world), key=lambda each: each.payload_size)[0:3]
    cut = DeadLetter.of(
        b'{"text": "' + b"x" * 50_000, stage="enrichment", origin=f"{topics.RAW}:0:77", reason="invalid",
        detail="x", failed_at=NOW,
    )  # fmt: skip
    file = cut.model_copy(update={"origin": "posts.jsonl:17", "id": "f"})
    own = cut.model_copy(update={"origin": f"{topics.DEAD_LETTERS}:0:1", "id": "o"})
    outcomes = await replay(world.settings, store, [bad, unknown, watermark, cut, file, own], "r")
    found = {each.letter_id: (each.status, each.detail) for each in outcomes}
    assert found[bad.id][0] == "still bad" and "not_json" in found[bad.id][1]
    assert found[unknown.id] == (
        "still bad",
        "molva.posts.raw does not carry molva.spike.v1; --force sends it all the same",
    )
    assert found[watermark.id] == ("still bad", "a watermark: later ones have replaced it")
    assert found[cut.id][0] == "gone"
    assert found["f"] == (
        "not of Kafka",
        "it was read from posts.jsonl:17: mend it there and collect it again",
    )
    assert found["o"][0] == "not of Kafka"
    assert await resent(world) == {}
    forced = await replay(world.settings, store, [bad, unknown, watermark], "s", force=True)
    assert statuses(forced) == {"sent": 2, "still bad": 1}


async def test_the_store_tells_what_became_of_letters(world: World, store: Store) -> None:
    letters = await raw(world, 6)
    await store_letters(world, [*letters, letter_of(await _record(world), stage="storage", reason="invalid")])
    assert [(g.stage, g.reason, g.source, g.letters) for g in store.groups(Choice())] == [
        ("enrichment", "failed", topics.RAW, 6),
        ("storage", "invalid", topics.RAW, 1),
    ]
    sent = await replay(world.settings, store, letters[1:3], "r")
    left = store.letters(Choice(stage="enrichment"))
    assert {each.letter for each in left} == {*letters} - {*letters[1:3]}
    done = {each.letter.id: each for each in store.letters(Choice(states=("replayed",)))}
    assert {each.letter_id: each.detail for each in sent} == {key: each.resent for key, each in done.items()}
    store.delete([letters[0].id])
    assert letters[0] not in {each.letter for each in store.letters(Choice(states=("open",)))}
    assert record_key(letters[1]) in store.standing([record_key(each) for each in letters])


async def _record(world: World) -> Any:
    return (await records_of(world.settings, topics.RAW))[-1]
