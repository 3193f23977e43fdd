"""Posts and mentions of a file as counts: each once per object, no own ones, mistakes with their line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.backtest.counts import Counts, Period
from pipeline.backtest.posts import PostsFile, looks_like_posts
from pipeline.core.windows import DAY, HOUR
from pipeline.errors import UsageError
from pipeline.nlp.annotator import Annotator, build_annotator
from tests.backtest.past import START
from tests.sink import samples

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWN = {"id": "1", "handle": "romashka_official"}
WATCHLIST = """
- id: romashka
  kind: brand
  name: Ромашка
  aliases: [Ромашка]
  accounts:
    vk: [romashka_official]
"""


def no_models() -> Annotator:
    raise AssertionError("the models are not needed")


def read(
    lines: list[Any],
    *,
    labelled: bool = False,
    load: Any = no_models,
    period: Period | None = None,
    objects: Sequence[str] = (),
) -> Counts:
    counts = Counts("1h", period or Period(), objects)
    content = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines).encode()
    file = PostsFile("posts.jsonl", load, now=NOW, labelled=labelled, on_row=lambda: None)
    file.count([content], counts)
    return counts


def cells(counts: Counts) -> dict[str, list[tuple[int, int, int]]]:
    return {series.name: [tuple(one) for one in series.buckets] for series in counts.series()}


def post(number: int, hour: int = 0, **fields: Any) -> dict[str, Any]:
    moment = datetime.fromtimestamp(START + HOUR * hour, UTC).isoformat()
    return {"id": str(number), "created_at": moment, "text": "Ромашка", **fields}


def test_labels_are_believed() -> None:
    rows = [
        post(1, targets={"acme": "negative", "other": "positive"}),
        post(2, targets={"acme": "neutral"}),
        post(2, targets={"acme": "neutral"}),
        post(3, hour=1, targets={}),
    ]
    assert cells(read(rows, labelled=True)) == {"acme": [(START, 1, 2)], "other": [(START, 0, 1)]}


def test_mentions_are_counted_once_and_own_ones_are_not() -> None:
    mentions = [samples.mention(n, own=n == 5).model_dump(mode="json") for n in range(10)]
    counts = read([*mentions, *mentions, samples.mention(1, object_id="vtb").model_dump(mode="json")])
    totals = {series.name: sum(one.total for one in series.buckets) for series in counts.series()}
    assert totals == {"sberbank": 9, "vtb": 1}
    negatives = sum(one.negative for one in counts.series()[0].buckets)
    assert negatives == sum(samples.mention(n).sentiment.label == "negative" for n in range(10) if n != 5)


def test_posts_go_through_the_models_and_own_ones_are_left_out(tmp_path: Path) -> None:
    watchlist = tmp_path / "watchlist.yaml"
    watchlist.write_text(WATCHLIST, encoding="utf-8")
    rows = [
        post(1, text="Ромашка ужасна, ненавижу, обслуживание отвратительное"),
        post(2, text="Ромашка открыла отделение на Ленина"),
        post(
            3,
            text="Ромашка сообщает о работе отделений",
            source="vk",
            author={"id": "1", "handle": "romashka_official"},
        ),
        post(4, text="погода сегодня хорошая"),
        post(5, hour=24 * 30, text="Ромашка ужасна"),
    ]
    period = Period(START, START + 10 * DAY)
    counts = read(rows, load=lambda: build_annotator(watchlist, "open", "fast"), period=period)
    assert cells(counts) == {"romashka": [(START, 1, 2)]}
    assert not counts.notes


def test_one_object_alone_is_counted_as_among_all(tmp_path: Path) -> None:
    """The models then see only the posts that concern it, replies to its own posts among them."""
    watchlist = tmp_path / "watchlist.yaml"
    watchlist.write_text(WATCHLIST + "- {id: vasilek, kind: brand, name: Василёк, aliases: [Василёк]}\n")
    rows = [
        post(1, text="Ромашка ужасна", source="vk"),
        post(2, text="Василёк ужасен", source="vk"),
        post(3, text="Мы открылись", source="vk", author=OWN),
        post(4, text="какой кошмар, верните деньги", source="vk", reply_to="3"),
        post(5, text="погода хорошая", source="vk"),
    ]
    asked: list[int] = []

    def load() -> Annotator:
        annotator = build_annotator(watchlist, "open", "fast")
        detect = annotator.detect
        return replace(annotator, detect=lambda text: (asked.append(1), detect(text))[1])

    every = cells(read(rows, load=load))
    assert (len(asked), sum(total for _, _, total in every["romashka"])) == (5, 2)
    asked.clear()
    assert cells(read(rows, load=load, objects=["romashka"])) == {"romashka": every["romashka"]}
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken\n", "line 2: "),
        ('"text"\n', "line 2: "),
        ('{"text": "x"}\n', "line 2: no date in created_at"),
        ('{"created_at": "yesterday", "text": "x"}\n', "line 2: no date in created_at"),
        ('{"created_at": "2099-01-01", "text": "x"}\n', "later than its collection"),
        ('{"object_id": "acme", "created_at": "2014-07-28"}\n', "line 2: .*Field required"),
    ],
)
def test_a_mistake_is_told_with_its_line(line: str, words: str) -> None:
    with pytest.raises(UsageError, match=rf"posts.jsonl: .*{words}"):
        read([post(1, hour=-24 * 40), line], period=Period(START, None))


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match='line 1: --labels wants "targets"'):
        read([post(1, targets={"acme": "angry"})], labelled=True)


@pytest.mark.parametrize(
    ("beginning", "posts"),
    [
        (b'{"id": 1}', True),
        (b'\xef\xbb\xbf {"id": 1}', True),
        (b"[1]", True),
        (gzip.compress(b"x", mtime=0), True),
        (b"id,created_at,text\n1,2014-07-28,x", True),
        (b"object,bucket,negative,total\n", False),
        (b"acme,2014-07-28T00:00Z,1,2\n", False),
        (b"", False),
    ],
)
def test_posts_are_told_from_counts_by_their_beginning(beginning: bytes, posts: bool) -> None:
    assert looks_like_posts(beginning) is posts
