"""The enrichment stage with the models and Kafka replaced by plain functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pipeline.batches import Incoming
from pipeline.core.enrichment import Annotation, Failed, ObjectMention
from pipeline.core.linking import Linker
from pipeline.core.standing import Standing
from pipeline.core.watchlist import Watchlist
from pipeline.emission import Outgoing
from pipeline.metrics import Metrics
from pipeline.stages.enrichment import Enrichment
from pipeline.storm import StormLimit
from pipeline.topics import DEAD_LETTERS, ENRICHED, MENTIONS, RAW
from schemas import (
    DeadLetter,
    EnrichedPost,
    Entity,
    Mention,
    RawPost,
    Record,
    Sentiment,
    Span,
    Spike,
    Watermark,
)
from schemas.codec import decode, encode, event_type, header

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NEGATIVE = Sentiment(label="negative", negative=0.8, neutral=0.15, positive=0.05)


def post(number: int, text: str = "Банк лежит", **fields: object) -> RawPost:
    return RawPost.model_validate(
        {
            "source": "vk",
            "native_id": str(number),
            "created_at": T0,
            "collected_at": T0,
            "text": text,
            **fields,
        }
    )


def incoming(
    record: Record | bytes | None, offset: int, partition: int = 0, kind: str | None = ""
) -> Incoming:
    stamp = T0 + timedelta(seconds=offset)
    if isinstance(record, Record):
        message = encode(record)
        return Incoming(RAW, partition, offset, message.value, message.headers, stamp)
    headers = [] if not kind else [("ce_type", kind.encode())]
    return Incoming(RAW, partition, offset, record, headers, stamp)


def annotation(text: str) -> Annotation:
    span = Span(start=0, end=4, text=text[:4], alias="Банк", rule="alias")
    found = (ObjectMention("bank", (span,), NEGATIVE, "test-model"),) if "Банк" in text else ()
    entity = Entity(text="Банк", normal="банк", type="ORG", start=0, end=4)
    return Annotation("ru", NEGATIVE, (entity,), found, "test-model")


class Stage:
    """An enrichment stage and everything that it emitted."""

    def __init__(self, burst: int = 1000, batch: int = 256) -> None:
        self.sent: list[Outgoing] = []
        self.annotated: list[str] = []
        self.metrics = Metrics()
        self.stage = Enrichment(
            annotate=self._annotate,
            emit=self._emit,
            kinds={"bank": "brand"},
            standing=lambda item: Standing(
                ["bank"] if item.author and item.author.handle == "bank" else [],
                ["bank"] if item.channel and item.channel.id == "-1" else [],
            ),
            linker=Linker(Watchlist(())),
            mentions_partitions=3,
            clock=lambda: T0 + timedelta(seconds=5),
            metrics=self.metrics,
            limit=StormLimit("enrichment", self.metrics, burst=burst),
            batch=batch,
        )

    async def _annotate(self, posts: Sequence[RawPost]) -> Sequence[Annotation | Failed]:
        self.annotated += [item.text for item in posts]
        return [
            Failed("ValueError: boom") if item.text == "boom" else annotation(item.text) for item in posts
        ]

    async def _emit(self, items: Sequence[Outgoing]) -> None:
        self.sent += items

    def of(self, topic: str) -> list[bytes]:
        return [item.message.value for item in self.sent if item.topic == topic]


async def test_a_post_becomes_an_enriched_post_and_a_mention() -> None:
    run = Stage()
    await run.stage.enrich([incoming(post(1, timeline="replay:x"), 7, partition=2)])
    enriched = decode(EnrichedPost, run.of(ENRICHED)[0])
    assert (enriched.id, enriched.objects, enriched.language) == ("vk:1", ("bank",), "ru")
    assert str(enriched.origin) == "molva.posts.raw:2:7"
    mention = decode(Mention, run.of(MENTIONS)[0])
    assert (mention.id, mention.object_kind, mention.timeline) == ("vk:1#bank", "brand", "replay:x")
    assert mention.sentiment == NEGATIVE
    assert not mention.own
    assert [item.message.key for item in run.sent] == [b"vk:1", b"bank"]


async def test_a_post_of_the_objects_own_account_is_marked() -> None:
    run = Stage()
    await run.stage.enrich([incoming(post(1, author={"id": "9", "handle": "bank"}), 0)])
    assert decode(Mention, run.of(MENTIONS)[0]).own


async def test_a_reply_of_the_company_in_its_own_community_is_marked() -> None:
    run = Stage()
    reply = post(1, author={"id": "9", "handle": "bank"}, channel={"id": "-1"}, kind="comment")
    await run.stage.enrich([incoming(reply, 0), incoming(post(2, channel={"id": "-2"}), 1)])
    ours, other = (decode(EnrichedPost, value) for value in run.of(ENRICHED))
    assert (ours.spoken_by, ours.community_of) == (("bank",), ("bank",))
    assert ours.post.author is not None
    assert ours.post.author.own
    mention = decode(Mention, run.of(MENTIONS)[0])
    assert mention.channel is not None
    assert mention.channel.own
    assert (other.spoken_by, other.community_of) == ((), ())
    assert other.post == post(2, channel={"id": "-2"})


async def test_every_version_of_a_post_is_enriched_anew() -> None:
    run = Stage()
    await run.stage.enrich([incoming(post(1), 0), incoming(post(1, revision=5, text="Банк вернул"), 1)])
    assert [decode(EnrichedPost, value).event_id for value in run.of(ENRICHED)] == ["vk:1", "vk:1@5"]
    found = [decode(Mention, value) for value in run.of(MENTIONS)]
    assert [(each.id, each.event_id, each.revision) for each in found] == [
        ("vk:1#bank", "vk:1#bank", 0),
        ("vk:1#bank", "vk:1#bank@5", 5),
    ]
    assert {item.message.key for item in run.sent} == {b"vk:1", b"bank"}


async def test_bad_records_become_dead_letters_and_their_neighbours_live() -> None:
    run = Stage()
    await run.stage.enrich(
        [
            incoming(post(1), 0),
            incoming(b'{"text": "cut', 1),
            incoming(post(2), 2),
            incoming(None, 3),
            incoming(b"{}", 4, kind=event_type(Spike)),
            incoming(post(3, text="boom"), 5),
            incoming(b'{"source": "vk"}', 6),
            incoming(post(4), 7),
        ]
    )
    assert [decode(EnrichedPost, value).id for value in run.of(ENRICHED)] == ["vk:1", "vk:2", "vk:4"]
    letters = [decode(DeadLetter, value) for value in run.of(DEAD_LETTERS)]
    assert [(letter.origin, letter.reason) for letter in letters] == [
        ("molva.posts.raw:0:1", "not_json"),
        ("molva.posts.raw:0:3", "not_json"),
        ("molva.posts.raw:0:4", "unknown_type"),
        ("molva.posts.raw:0:5", "failed"),
        ("molva.posts.raw:0:6", "invalid"),
    ]
    assert letters[3].detail == "ValueError: boom"
    assert run.metrics.registry.get_sample_value(
        "molva_dead_letters_total", {"stage": "enrichment", "reason": "failed"}
    )


async def test_a_record_without_headers_is_taken_for_a_post() -> None:
    run = Stage()
    await run.stage.enrich([incoming(encode(post(1)).value, 0, kind=None)])
    assert len(run.of(ENRICHED)) == 1


async def test_a_watermark_goes_to_every_partition_after_the_mentions_before_it() -> None:
    run = Stage()
    mark = Watermark(agent="replay:x", timeline="replay:x", watermark=T0, partitions=4)
    await run.stage.enrich([incoming(post(1), 0), incoming(mark, 1, partition=1), incoming(post(2), 1)])
    kinds = [header(item.message.headers, "ce_type") for item in run.sent if item.topic == MENTIONS]
    assert kinds == [event_type(Mention), *[event_type(Watermark)] * 3, event_type(Mention)]
    forwarded = [
        item for item in run.sent if header(item.message.headers, "ce_type") == event_type(Watermark)
    ]
    assert [item.partition for item in forwarded] == [0, 1, 2]
    assert {item.timestamp for item in forwarded} == {T0 + timedelta(seconds=1)}
    assert str(decode(Watermark, forwarded[0].message.value).origin) == "molva.posts.raw:1:1"


async def test_an_enriched_record_above_the_limit_becomes_a_dead_letter() -> None:
    run = Stage()
    media = [{"kind": "photo", "url": "u" * 100_000}] * 40
    await run.stage.enrich([incoming(post(1, media=media), 0), incoming(post(2), 1)])
    assert [decode(DeadLetter, value).reason for value in run.of(DEAD_LETTERS)] == ["too_large"]
    assert [decode(EnrichedPost, value).id for value in run.of(ENRICHED)] == ["vk:2"]
