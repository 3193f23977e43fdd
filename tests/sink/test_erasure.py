"""``molva erase`` in a real ClickHouse: the words go, the counts stay, and nothing else changes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import topics
from pipeline.cli.commands import app
from pipeline.settings import Settings
from pipeline.sink.erasure import Erasure
from pipeline.sink.mutations import MutationFailed, Mutations
from pipeline.sink.writer import Writer
from schemas import Author, Channel, TopPost
from schemas.spike import Explanation, TopChannel
from tests.sink import samples
from tests.sink.test_revisions import Log, deletion, mention, post

pytestmark = pytest.mark.integration

UNTIL = samples.START + timedelta(days=1)
COUNTED = """
    SELECT * FROM (
        SELECT object_id, toString(bucket), mentions, negatives, authors FROM net_sentiment
        UNION ALL
        SELECT name, toString(bucket), sum(posts), sum(negative_posts), uniqMerge(authors)
        FROM entities_1h GROUP BY ALL)
    ORDER BY ALL
"""
NATIVE = str(samples.FIRST + 3)
"""Of the post that is deleted; its name and text are the only ones with this number."""


def everything(client: Any, *tables: str) -> str:
    """All cells of the tables but the ids of posts."""
    cells = []
    for table in tables:
        rows = client.execute(f"SELECT * FROM {table} ORDER BY ALL")
        cells += [str(cell) for row in rows for cell in row]
    return "\n".join(cells)


@pytest.fixture
def filled(writer: Writer, client: Any) -> Any:
    numbers = [n for n in range(1, 12) if n % 5]
    secret = {3: "Тайна Иванова, писать на example.org/3"}
    Log(writer, topics.ENRICHED).store(
        *(post(n, text=secret.get(n, "")) for n in numbers), post(3, 5, "Тайна и после правки")
    )
    tell = {"excerpt": secret[3], "names": ("Тайна",)}
    Log(writer, topics.MENTIONS).store(
        *(mention(n).model_copy(update=tell if n == 3 else {}) for n in numbers),
        mention(3, 5).model_copy(update=tell),
    )
    quotes = tuple(
        TopPost(post_id=post(n).id, excerpt=f"Тайна {n}", author="Иван", p_negative=0.9) for n in (3, 4)
    )
    spike = samples.spike(1).model_copy(update={"top_posts": quotes})
    Log(writer, topics.SPIKES).store(spike, samples.spike(1, object_id="vtb"))
    alert = samples.alert(1)
    said = alert.model_copy(update={"ru": alert.ru.model_copy(update={"text": "Тайна 3"})})
    Log(writer, topics.ALERTS).store(said, samples.alert(1, object_id="vtb"))
    Log(writer, topics.DELETED).store(deletion(3), deletion(9, minutes=60 * 24 * 30), deletion(77))
    return client


def test_the_words_of_a_deleted_post_go_and_the_counts_stay(filled: Any) -> None:
    before = filled.execute(COUNTED)
    others = f"SELECT * FROM latest_posts WHERE id != 'twitter:{NATIVE}' ORDER BY id"
    untouched = filled.execute(others)
    run = Erasure(filled, "", UNTIL)
    expected = {"posts": 1, "post_revisions": 1, "mentions": 1, "mention_revisions": 1, "entities": 2}
    expected |= {"spikes": 1, "alerts": 1}
    assert run.run(dry=True) == expected
    assert run.run() == expected
    assert run.run() == dict.fromkeys(expected, 0)
    tables = ("posts", "post_revisions", "mentions", "mention_revisions", "entities", "alerts")
    assert "Тайна" not in everything(filled, *tables)
    assert filled.execute("SELECT top_posts.excerpt FROM spikes WHERE object_id = 'sberbank'") == [
        (["", "Тайна 4"],)
    ]
    assert filled.execute("SELECT text_ru FROM alerts ORDER BY object_ids") == [("",), ("Не работает",)]
    assert filled.execute(COUNTED) == before
    assert filled.execute(others) == untouched
    kept = f"SELECT text, author_id, url, toString(label), objects FROM posts WHERE id = 'twitter:{NATIVE}'"
    assert filled.execute(kept) == [("", "", "", samples.sentiment(3).label, ["sberbank"])]


def test_an_erased_post_that_comes_again_stays_erased(filled: Any, writer: Writer) -> None:
    Erasure(filled, "", UNTIL).run()
    log = Log(writer, topics.ENRICHED)
    log.store(*(post(n) for n in range(20, 40)))  # other offsets than before
    assert log.store(post(3), post(3, 5)) == 2
    assert filled.execute(f"SELECT text FROM posts WHERE id = 'twitter:{NATIVE}'") == [("",)]


def test_the_command(filled: Any, sink_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cli.erase.load_settings", lambda _: sink_settings)

    def typed(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["erase", *arguments], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert "would erase 2 of posts" in typed("--dry-run")
    assert '"posts": 2' in typed("--json")
    assert "nothing to erase" in typed("--days", "3")


PERSON = "did:plc:ivanov"


def of_a_person(n: int, kind: str, author: str | None, **channel: Any) -> dict[str, Any]:
    """Fields of a post in which the author's account is the channel, too."""
    place = Channel(**{"id": PERSON, "name": "Тайна Иванов", "handle": "taina", "kind": kind, **channel})
    who = Author(id=author, name="Тайна Иванов", handle="taina") if author else None
    return {"channel": place, "author": who, "text": f"Сбербанк {n}"}


def test_who_said_it_goes_also_where_the_author_is_the_channel(writer: Writer, client: Any) -> None:
    shapes = {
        1: of_a_person(1, "account", PERSON),
        2: of_a_person(2, "profile", None),
        3: of_a_person(3, "channel", PERSON),
        4: of_a_person(4, "channel", "7", id="news", name="Новости", handle="news"),
        5: of_a_person(5, "account", PERSON, id="bank", name="Банк", handle="bank", own=True),
        6: of_a_person(6, "account", None, id="did:plc:petrov", name="Петров", handle="petrov"),
    }
    made = {n: post(n).post.model_copy(update=fields) for n, fields in shapes.items()}
    log = Log(writer, topics.ENRICHED)
    log.store(*(post(n).model_copy(update={"post": said}) for n, said in made.items()))
    edited = made[1].model_copy(update={"revision": 9, "edited_at": samples.START})
    log.store(post(1).model_copy(update={"post": edited}))
    cells = ("channel", "author")
    Log(writer, topics.MENTIONS).store(
        *(
            mention(n).model_copy(update={each: shapes[n][each] for each in cells} | {"excerpt": "Сбербанк"})
            for n in shapes
        )
    )
    channels = [
        TopChannel(channel=f"twitter:{each}", name=each, negatives=3) for each in (PERSON, "did:plc:petrov")
    ]
    told = Explanation(channels=tuple(channels))
    Log(writer, topics.SPIKES).store(samples.spike(1).model_copy(update={"explanation": told}))
    Log(writer, topics.DELETED).store(*(deletion(n) for n in (1, 2, 3, 4, 5)))
    assert Erasure(client, "", UNTIL).run()["spikes"] == 1
    said = everything(client, "posts", "post_revisions", "mentions", "mention_revisions", "spikes")
    assert not re.search("Тайна|taina|ivanov", said)
    kept = "SELECT DISTINCT channel_name FROM {} WHERE channel_name != '' ORDER BY channel_name"
    assert client.execute(kept.format("posts")) == client.execute(kept.format("mentions")) == [
        ("Банк",), ("Новости",), ("Петров",)
    ]  # fmt: skip
    query = "SELECT channels.channel, channels.name, channels.negatives FROM spikes"
    assert client.execute(query) == [(["", "twitter:did:plc:petrov"], ["", "did:plc:petrov"], [3, 3])]
    assert Erasure(client, "", UNTIL).run() == dict.fromkeys(Erasure(client, "", UNTIL).run(dry=True), 0)


def test_long_ids_do_not_make_statements_too_long(writer: Writer, client: Any) -> None:
    """ClickHouse parses 256 KiB; a statement about what spikes quote names each id ten times."""
    ids = [f"twitter:{number}{'ж' * 100}" for number in range(1_100)]
    quotes = tuple(TopPost(post_id=each, excerpt="Тайна", p_negative=0.9) for each in ids)
    Log(writer, topics.SPIKES).store(samples.spike(1).model_copy(update={"top_posts": quotes}))
    gone = deletion(1)
    Log(writer, topics.DELETED).store(
        *(gone.model_copy(update={"id": each, "native_id": each.removeprefix("twitter:")}) for each in ids)
    )
    run = Erasure(client, "", UNTIL)
    assert run.run(dry=True)["spikes"] == 1
    assert run.run()["spikes"] == 1
    assert "Тайна" not in everything(client, "spikes")
    assert client.execute("SELECT length(top_posts.post_id) FROM spikes") == [(1_100,)]


def test_a_change_waits_for_the_one_before(filled: Any) -> None:
    """However long it takes: here until the merges of the table are started again."""
    unfinished = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
    seen: list[int] = []
    told: list[tuple[str, int]] = []

    def sleep(_: float) -> None:
        seen.append(filled.execute(unfinished)[0][0])
        if len(seen) == 3:
            filled.execute("SYSTEM START MERGES posts")

    filled.execute("SYSTEM STOP MERGES posts")
    filled.execute("ALTER TABLE posts UPDATE url = 'a' WHERE true", settings={"mutations_sync": 0})
    Mutations(filled, "", lambda *said: told.append(said), sleep).alter(
        "posts", "UPDATE url = 'b' WHERE true"
    )
    assert max(seen) == 1
    assert filled.execute("SELECT DISTINCT url FROM posts") == [("b",)]
    assert told[0] == ("posts", filled.execute("SELECT uniqExact(_part) FROM posts")[0][0])


def test_a_change_that_cannot_be_made_says_why(filled: Any) -> None:
    changes = Mutations(filled, "", lambda table, parts: None)
    with pytest.raises(MutationFailed, match=r"cannot rewrite posts: .*Value passed.*KILL MUTATION WHERE"):
        changes.alter("posts", "UPDATE url = toString(throwIf(text != '')) WHERE true")
    filled.execute("KILL MUTATION WHERE database = currentDatabase() AND table = 'posts' FORMAT Null")
    changes.alter("posts", "UPDATE url = 'c' WHERE true")
    assert filled.execute("SELECT DISTINCT url FROM posts") == [("c",)]
