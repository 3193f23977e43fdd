"""``molva erase`` in a real ClickHouse: the words go, the counts stay, and nothing else changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import topics
from pipeline.cli.commands import app
from pipeline.settings import Settings
from pipeline.sink.erasure import Erasure
from pipeline.sink.writer import Writer
from schemas import TopPost
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
