"""Names per object and hour in a real ClickHouse: exact after repeated inserts, and what surges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline import topics
from pipeline.core.surges import surges
from pipeline.sink.batch import Batch
from pipeline.sink.migrations import known, migrate
from pipeline.sink.reading import read
from pipeline.sink.rows import entity_rows
from pipeline.sink.writer import Writer
from schemas import Author, EnrichedPost, Entity
from tests.sink import samples

pytestmark = pytest.mark.integration

HOUR = datetime(2026, 2, 10, 12, 0, tzinfo=UTC)
MOSCOW = Entity(text="Москве", normal="Москва", type="LOC", start=0, end=6, name="Москва")
SBER = Entity(text="Сбер", normal="Сбер", type="ORG", start=8, end=12, name="Сбербанк", object_id="sberbank")
GREF = Entity(text="Грефа", normal="Греф", type="PER", start=20, end=25, name="Герман Греф")
GREF_AGAIN = GREF.model_copy(update={"start": 40, "end": 45})


def post(
    number: int, at: datetime, names: Sequence[Entity], objects: Sequence[str] = ("sberbank",)
) -> EnrichedPost:
    made = samples.enriched(number, created_at=at)
    author = Author(id=f"a{number % 7}") if number % 5 else None
    return made.model_copy(
        update={
            "post": made.post.model_copy(update={"author": author, "collected_at": at}),
            "entities": tuple(names),
            "objects": tuple(objects),
        }
    )


def week() -> list[EnrichedPost]:
    """Seven quiet days about Moscow, then an hour in which Gref appears; one post names him twice."""
    quiet = [post(n, HOUR - timedelta(hours=n % 160 + 1), [MOSCOW, SBER]) for n in range(320)]
    loud = [post(400 + n, HOUR + timedelta(minutes=n), [GREF, GREF_AGAIN, SBER]) for n in range(20)]
    calm = [post(500 + n, HOUR + timedelta(minutes=n), [MOSCOW]) for n in range(2)]
    other = [post(600, HOUR, [GREF, SBER], ["vtb", "sberbank"]), post(601, HOUR, [GREF], [])]
    return [*quiet, *loud, *calm, *other]


def store(writer: Writer, posts: Sequence[EnrichedPost], *, lo: int = 0, resumed: bool = False) -> None:
    batch = Batch("c1", topics.ENRICHED, 0, lo, lo + len(posts) - 1)
    records = [samples.stored(record, lo + n) for n, record in enumerate(posts)]
    selection = writer.select(read(records, batch).entries, batch, resumed=resumed)
    writer.insert(selection.entries, batch)


def rolled(client: Any) -> list[Any]:
    found: list[Any] = client.execute(
        """SELECT object_id, bucket, type, name, sum(posts), sum(negative_posts), uniqMerge(authors),
            uniqIfMerge(negative_authors)
        FROM entities_1h GROUP BY object_id, bucket, type, name ORDER BY ALL"""
    )
    return found


def recounted(client: Any) -> list[Any]:
    author = "if(author_id = '', post_id, concat(source, ':', author_id))"
    found: list[Any] = client.execute(
        f"""SELECT object, toDateTime(toStartOfHour(created_at), 'UTC') AS bucket, type, name,
            uniqExact(post_id), uniqExactIf(post_id, label = 'negative'), uniqExact({author}),
            uniqExactIf({author}, label = 'negative')
        FROM entities ARRAY JOIN objects AS object WHERE object != object_id
        GROUP BY object, bucket, type, name ORDER BY ALL"""
    )
    return found


def test_the_rollup_equals_a_recount(writer: Writer, client: Any) -> None:
    store(writer, week())
    assert rolled(client) == recounted(client)
    now = {(row[0], row[3]): row[4] for row in rolled(client) if row[1] == HOUR}
    assert now == {
        ("sberbank", "Герман Греф"): 21,
        ("sberbank", "Москва"): 2,
        ("vtb", "Герман Греф"): 1,
        ("vtb", "Сбербанк"): 1,
    }


def test_repeated_inserts_change_nothing(writer: Writer, client: Any) -> None:
    posts = week()
    store(writer, posts)
    once = rolled(client)
    store(writer, posts, resumed=True)  # the same batch once more: the token collapses it
    store(writer, posts, lo=1_000)  # the same posts at other offsets: they are left out
    assert rolled(client) == once == recounted(client)


def test_a_rollup_that_failed_is_completed_by_the_retry(writer: Writer, client: Any) -> None:
    posts = week()
    client.execute("RENAME TABLE entities_1h TO away")
    with pytest.raises(Exception, match="entities_1h"):
        store(writer, posts)
    client.execute("RENAME TABLE away TO entities_1h")
    store(writer, posts, resumed=True)
    assert rolled(client) == recounted(client)
    assert client.execute("SELECT count() FROM entities")[0][0] == sum(len(one.entities) for one in posts)


def test_many_names_in_one_batch_stay_one_block(writer: Writer, client: Any) -> None:
    """More groups than a two-level aggregation waits for, in two months, twice."""
    names = [
        Entity(text=f"И{n}", normal=f"И{n}", type="ORG", start=n, end=n + 1, name=f"Имя {n}")
        for n in range(500)
    ]
    posts = [
        post(n, HOUR - timedelta(hours=24 * n), names, [f"object-{k}" for k in range(8)]) for n in range(20)
    ]
    store(writer, posts)
    store(writer, posts, resumed=True)
    assert client.execute("SELECT sum(posts) FROM entities_1h") == [(20 * 500 * 8,)]


def test_surges_are_those_of_the_pure_function(writer: Writer, client: Any) -> None:
    store(writer, week())
    rows = client.execute(
        """SELECT name, posts, posts_before, expected, log_odds, z, is_new, first_seen FROM entity_surges
        WHERE object_id = 'sberbank' AND timeline = 'live' AND bucket = %(hour)s ORDER BY z DESC""",
        {"hour": HOUR},
    )
    before = Counter({"Москва": 320})
    expected = surges({"Герман Греф": 21, "Москва": 2}, before)
    assert [row[0] for row in rows] == ["Герман Греф", "Москва"]
    for row, surge in zip(rows, expected, strict=True):
        assert row[:3] == (surge.name, surge.posts, surge.before)
        assert row[3:6] == pytest.approx((surge.expected, surge.log_odds, surge.z))
        assert bool(row[6]) == surge.is_new
    assert rows[0][7] == HOUR
    assert rows[1][7] == HOUR - timedelta(hours=160)


def test_the_week_before_ends_with_the_hour_and_lasts_168(writer: Writer, client: Any) -> None:
    ages = [0, 1, 168, 169]
    store(writer, [post(n, HOUR - timedelta(hours=age), [MOSCOW]) for n, age in enumerate(ages)])
    rows = client.execute(
        "SELECT posts, posts_before, first_seen FROM entity_surges WHERE bucket = %(hour)s", {"hour": HOUR}
    )
    assert rows == [(1, 2, HOUR - timedelta(hours=169))]


def test_a_record_of_an_older_version_is_named_by_its_normal_form() -> None:
    old = MOSCOW.model_copy(update={"name": "", "object_id": None})
    (row,) = entity_rows(post(1, HOUR, [old]))
    assert (row["name"], row["object_id"], row["objects"]) == ("Москва", "", ["sberbank"])


def test_rows_that_were_stored_before_the_migration_get_their_normal_form(client: Any) -> None:
    database = client.execute("SELECT currentDatabase()")[0][0]
    other = f"{database}_old"
    older = [migration for migration in known() if migration.version < 6]
    try:
        migrate(client, other, older)
        client.execute(
            "INSERT INTO entities (post_id, timeline, source, created_at, type, normal, text) VALUES",
            [("p:1", "live", "p", HOUR, "LOC", "Москва", "Москве")],
        )
        assert migrate(client, other)[0] == "0006_entities"
        assert client.execute("SELECT name, object_id, objects, author_id FROM entities") == [
            ("Москва", "", [], "")
        ]
    finally:
        client.execute(f"DROP DATABASE IF EXISTS {other} SYNC")
        client.execute(f"USE {database}")
