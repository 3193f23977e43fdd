"""Two releases side by side: topics with records of both; each release reads what the other writes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline import topics
from pipeline.batches import Incoming
from pipeline.core.enrichment import Annotation, Failed
from pipeline.core.linking import Linker
from pipeline.emission import Outgoing
from pipeline.metrics import Metrics
from pipeline.nlp.annotator import Request, build_annotator
from pipeline.settings import Settings
from pipeline.stages.enrichment import Enrichment
from pipeline.storm import StormLimit
from schemas import EnrichedPost, Mention, RawPost, Record
from schemas.codec import Message, decode, encode
from schemas.export import file_name
from tests.alerts.spikes import spike
from tests.alerts.surroundings import Scripted, Stage, webhooks
from tests.reprocess.runs import WATCHLIST
from tests.sink import samples
from tests.sink.worlds import World, new_world, running
from tests.stages.test_detection import crisis, undisturbed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
RELEASED = json.loads((ROOT / "tests/schemas/released_records.json").read_text(encoding="utf-8"))["records"]
"""Records as the last release wrote them, byte for byte; made anew from its code at each release."""
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KINDS = {record.TYPE: record for topic in topics.TOPICS for record in topic.records}


def message(stored: dict[str, Any]) -> Message:
    headers = [(name, value.encode()) for name, value in stored["headers"]]
    return Message(stored["key"].encode(), stored["value"].encode(), headers)


def old(topic: str) -> list[Message]:
    """The records of the last release on a topic."""
    return [message(each) for each in RELEASED if each["topic"] == topic]


def fits_old_readers(record: Record) -> None:
    """Raises:
    jsonschema.ValidationError: a reader of the last release would not understand the record.
    """
    schema = json.loads(
        (ROOT / "schemas/released/read" / file_name(type(record))).read_text(encoding="utf-8")
    )
    Draft202012Validator(schema).validate(json.loads(encode(record).value))


@pytest.mark.parametrize("stored", RELEASED, ids=lambda each: f"{each['topic']}-{each['type']}")
def test_todays_codec_reads_what_the_last_release_wrote(stored: dict[str, Any]) -> None:
    kind = KINDS[stored["type"]]
    record = decode(kind, stored["value"].encode())
    assert decode(kind, encode(record).value) == record
    fits_old_readers(record)


async def test_enrichment_reads_both_and_writes_for_both() -> None:
    annotator = build_annotator(WATCHLIST, "full", "fast")
    sent: list[Outgoing] = []

    async def annotate(posts: Sequence[RawPost]) -> Sequence[Annotation | Failed]:
        return annotator.annotate([Request(post.text) for post in posts])

    async def emit(out: Sequence[Outgoing]) -> None:
        sent.extend(out)

    metrics = Metrics()
    stage = Enrichment(
        annotate=annotate,
        emit=emit,
        kinds=annotator.kinds,
        standing=annotator.standing,
        linker=Linker(annotator.watched),
        mentions_partitions=1,
        clock=lambda: NOW,
        metrics=metrics,
        limit=StormLimit("enrichment", metrics),
    )
    mixed = [*old(topics.RAW), encode(samples.raw_post(7)), encode(samples.watermark(9))]
    await stage.enrich([incoming(each, offset) for offset, each in enumerate(mixed)])
    kinds = {topics.ENRICHED: EnrichedPost, topics.MENTIONS: Mention}
    assert [item.topic for item in sent if item.topic == topics.DEAD_LETTERS] == []
    assert sum(item.topic == topics.ENRICHED for item in sent) == 3
    for item in sent:
        stated = dict(item.message.headers)["ce_type"].decode()
        kind = kinds[item.topic] if "watermark" not in stated else KINDS["watermark"]
        fits_old_readers(decode(kind, item.message.value))


def incoming(sent: Message, offset: int) -> Incoming:
    """A message as the stage reads it."""
    return Incoming(topics.RAW, 0, offset, sent.value, sent.headers, NOW)


def as_old(record: Record) -> bytes:
    """A record as the last release would have written it: without the fields that it did not have."""
    schema = json.loads(
        (ROOT / "schemas/released/write" / file_name(type(record))).read_text(encoding="utf-8")
    )
    return json.dumps(_known(json.loads(encode(record).value), schema, schema)).encode()


def _known(value: Any, schema: Any, root: Any) -> Any:
    """``value`` without what its schema does not name."""
    for each in [schema, *schema.get("anyOf", ())]:
        if "$ref" in each:
            each = root["$defs"][each["$ref"].rpartition("/")[2]]
        if isinstance(value, dict) and "properties" in each:
            named = each["properties"]
            return {name: _known(part, named[name], root) for name, part in value.items() if name in named}
        if isinstance(value, list) and isinstance(each.get("items"), dict):
            return [_known(part, each["items"], root) for part in value]
    return value


async def test_detection_finds_the_same_in_records_of_both() -> None:
    records = crisis()
    assert as_old(records[0]) != encode(records[0]).value
    mixed = [as_old(each) if isinstance(each, Mention) and n % 2 else each for n, each in enumerate(records)]
    run, expected = await undisturbed(mixed), await undisturbed(records)
    assert [spike.status for spike in expected.spikes()].count("opened") >= 2
    assert run.spikes() == expected.spikes()
    assert [item for item in run.sent if item.topic == topics.DEAD_LETTERS] == []


async def test_notification_tells_of_both() -> None:
    chat = Scripted("chat")
    stage = Stage(webhooks("chat"), [chat])
    await stage.shift.start()
    new = [encode(each) for each in (spike("new"), spike("new", 2, "resolved", minute=9))]
    both = [*old(topics.SPIKES), *new]
    await stage.shift.take(
        [Incoming(topics.SPIKES, 0, n, each.value, each.headers, NOW) for n, each in enumerate(both)]
    )
    await stage.settled()
    await stage.shift.end()
    told = [(each.alert.lead.object_id, each.alert.event) for each in chat.got]
    assert told == [(name, event) for name in ("sberbank", "new") for event in ("opened", "resolved")]
    assert stage.letters() == []


@pytest.fixture
async def world(settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path) as made:
        yield made


async def test_storage_stores_both_from_one_topic(world: World) -> None:
    carried = (topics.ENRICHED, topics.MENTIONS, topics.SPIKES, topics.DELETED, topics.DEAD_LETTERS)
    new = {
        topics.ENRICHED: [samples.enriched(n) for n in range(10, 20)],
        topics.MENTIONS: [samples.mention(n) for n in range(10, 20)],
        topics.SPIKES: [samples.spike(2)],
        topics.DELETED: [samples.deletion(2)],
        topics.DEAD_LETTERS: [],
    }
    for topic in carried:
        was = old(topic)
        await world.send(topic, [*was, *new[topic], *was])  # and the old ones redelivered
    async with running(world.settings):
        await world.holds("SELECT count() FROM posts", 12)
        await world.holds("SELECT count() FROM mentions", 12)
        await world.holds("SELECT count() FROM spikes", 3)
        await world.holds("SELECT count() FROM deletions", 2)
        await world.holds("SELECT count() FROM dead_letters", 1)
    assert world.ask("SELECT sum(mentions) FROM mentions_1h") == 12
