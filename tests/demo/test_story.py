"""The committed story: reproducible, valid, well-formed, and silent about its truth."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import islice

import pytest

from pipeline.demo.story import END, PATH, START, Writer, Written, lines, packed, truth
from schemas import RawPost

FIELDS = set(RawPost.model_fields) - {"collected_at", "timeline", "extras", "language", "schema_version"}


def test_the_committed_file_is_what_the_generator_writes(story: list[Written]) -> None:
    assert gzip.decompress(PATH.read_bytes()) == lines(story), "run: python -m pipeline.demo.story"


def test_packing_leaves_no_trace_of_when_and_where() -> None:
    packed_once = packed(b"text")
    assert packed_once == packed(b"text")
    assert packed_once[4:8] == b"\0\0\0\0"
    assert packed_once[3] == 0, "no file name in the header"


def test_the_file_is_small() -> None:
    assert PATH.stat().st_size < 1_500_000


def test_another_seed_tells_the_week_differently() -> None:
    one, two, again = (lines(islice(Writer(seed).posts(), 20)) for seed in (1, 2, 1))
    assert one == again != two


def test_every_row_is_a_raw_post(story: list[Written]) -> None:
    for written in story:
        post = RawPost.model_validate({**written.row, "collected_at": END})
        assert post.created_at == written.at
        assert post.extras == {}
        assert post.text.strip()


def test_the_week_has_the_promised_size_and_order(story: list[Written]) -> None:
    times = [written.at for written in story]
    assert 4_000 <= len(story) <= 6_000
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] < END
    assert (END - START).days == 8


def test_rows_tell_nothing_of_the_truth(story: list[Written]) -> None:
    for written in story:
        assert set(written.row) <= FIELDS


def test_ids_are_unique_and_known_to_the_truth(story: list[Written]) -> None:
    known = truth(story)
    ids = [written.row["id"] for written in story]
    assert len(set(ids)) == len(ids)
    assert set(ids) == set(known)


def test_threads_and_reposts_point_to_earlier_posts_of_the_same_source(story: list[Written]) -> None:
    seen: dict[str, Written] = {}
    kinds: Counter[str] = Counter()
    for written in story:
        row = written.row
        kinds[row["kind"]] += 1
        for link in ("reply_to", "thread_root", "repost_of"):
            if link in row:
                assert seen[row[link]].row["source"] == row["source"]
        if row["kind"] == "comment":
            assert "reply_to" not in seen[row["thread_root"]].row
            assert row["channel"] == seen[row["reply_to"]].row["channel"]
        if row["kind"] == "repost":
            original = seen[row["repost_of"]].row
            assert row["text"] == f"RT @{original['author']['handle']}: {original['text']}"
        seen[row["id"]] = written
    assert min(kinds[kind] for kind in ("post", "comment", "review", "repost")) > 100


def test_reviews_have_stars_that_fit(story: list[Written]) -> None:
    reviews = [written for written in story if written.row["kind"] == "review"]
    for written in reviews:
        stars = written.row["rating"]
        expected = {"negative": (1, 2), "neutral": (3,), "positive": (4, 5)}
        assert stars in expected[written.truth.polarity["rassvet"]]


def test_the_cast_is_mixed(story: list[Written]) -> None:
    roles = Counter(written.person.role for written in story)
    assert set(roles) == {"customer", "friend", "troll", "seeded", "employee", "leader", "media", "own"}
    assert {written.person.source for written in story} == {"vk", "telegram", "reviews", "forum", "news"}
    assert len({written.person.author.id for written in story}) > 500
    assert any(written.channel.own for written in story)
    assert sum("media" in written.row for written in story) > 50


def test_trolls_have_young_accounts_and_near_duplicate_texts(story: list[Written]) -> None:
    trolls = [
        written for written in story if written.truth.scene == "trolls" and written.person.role == "troll"
    ]
    for written in trolls:
        created = written.person.author.created_at
        assert created is not None
        assert written.at - created < timedelta(days=20)
    beginnings = Counter(written.text[:12] for written in trolls)
    assert beginnings.most_common(1)[0][1] > 10
    assert 40 < len(trolls) < 180


def test_only_the_bank_speaks_for_itself(story: list[Written]) -> None:
    for written in story:
        handle = written.row["author"].get("handle")
        assert written.truth.own == (handle == "rassvet_bank" and "repost_of" not in written.row)


@pytest.mark.parametrize(
    ("scene", "object_id"),
    [("outage", "rassvet-online"), ("scandal", "ladogin"), ("leak", "sevkap"), ("trolls", "rassvet")],
)
def test_the_incidents_are_angry(story: list[Written], scene: str, object_id: str) -> None:
    labels = Counter(w.truth.polarity.get(object_id) for w in story if w.truth.scene == scene)
    assert labels["negative"] > 0.8 * labels.total()


def test_nights_are_quiet_and_evenings_are_loud(story: list[Written]) -> None:
    quiet = [written for written in story if written.at < datetime.fromisoformat("2026-03-05T00:00:00+00:00")]
    hours = Counter((written.at + timedelta(hours=3)).hour for written in quiet)
    night, evening = sum(hours[hour] for hour in (1, 2, 3, 4)), sum(hours[hour] for hour in (18, 19, 20, 21))
    assert evening > 5 * night


def test_texts_vary(story: list[Written]) -> None:
    originals = [written.text for written in story if written.row["kind"] != "repost"]
    assert len(set(originals)) > 0.85 * len(originals)


def test_lines_are_json_in_unescaped_cyrillic(story: list[Written]) -> None:
    first = lines(story[:1])
    assert json.loads(first)["source"]
    assert b"\\u" not in first
