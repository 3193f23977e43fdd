"""Replies that name nobody: whose own post they answer, and on whose wall they stand."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.replies import OwnThreads
from pipeline.core.watchlist_yaml import parse_watchlist
from schemas import RawPost

WATCHLIST = parse_watchlist("""
- id: bank
  kind: brand
  name: Теплобанк
  aliases: [Теплобанк]
  accounts: {vk: ["-100", "https://vk.com/teplobank"], twitter: [teplobank], telegram: ["@teplobank_news"]}
- id: rival
  kind: competitor
  name: Холодбанк
  aliases: [Холодбанк]
  accounts: {vk: ["-200"], twitter: [holodbank]}
""")
MOMENT = "2026-03-01T10:00:00Z"


def post(native_id: str, source: str = "twitter", **fields: Any) -> RawPost:
    return RawPost.model_validate(
        {
            "source": source,
            "native_id": native_id,
            "created_at": MOMENT,
            "collected_at": MOMENT,
            "text": "верните деньги",
            **fields,
        }
    )


def written(native_id: str, handle: str, **fields: Any) -> RawPost:
    return post(native_id, author={"id": f"id-{handle}", "handle": handle}, **fields)


@pytest.fixture
def threads() -> OwnThreads:
    return OwnThreads(WATCHLIST)


PLACES = [
    # a comment or a user's post on the object's own wall, by the channel or by the id alone
    ({"native_id": "-100_7", "source": "vk", "kind": "comment", "channel": {"id": "-100"}}, ("bank",)),
    ({"native_id": "77", "source": "vk", "channel": {"id": "teplobank"}, "author": {"id": "5"}}, ("bank",)),
    ({"native_id": "wall-100_9", "source": "vk", "kind": "comment"}, ("bank",)),
    ({"native_id": "5_1", "source": "vk", "reply_to": "vk:-200_8", "kind": "comment"}, ("rival",)),
    ({"native_id": "5_1", "source": "vk", "thread_root": "-200_8", "kind": "comment"}, ("rival",)),
    ({"native_id": "teplobank_news/4", "source": "telegram", "kind": "comment"}, ("bank",)),
    # another source, another wall, a free display name
    ({"native_id": "-100_7", "source": "forum", "kind": "comment"}, ()),
    ({"native_id": "-300_7", "source": "vk", "kind": "comment"}, ()),
    ({"native_id": "9", "source": "vk", "channel": {"id": "-9", "name": "teplobank"}, "kind": "comment"}, ()),
    (
        {
            "native_id": "9",
            "source": "vk",
            "channel": {"id": "9", "name": "teplobank", "own": True},
            "kind": "comment",
        },
        ("bank",),
    ),
    # its own words are not addressed to itself
    ({"native_id": "-100_7", "source": "vk", "channel": {"id": "-100"}}, ()),
    ({"native_id": "-100_7", "source": "vk", "channel": {"id": "-100"}, "author": {"id": "-100"}}, ()),
    ({"native_id": "-200_1", "source": "vk", "kind": "comment", "author": {"id": "-100"}}, ("rival",)),
    ({"native_id": "1"}, ()),
]


@pytest.mark.parametrize(("fields", "expected"), PLACES, ids=[str(number) for number in range(len(PLACES))])
def test_the_place_tells(threads: OwnThreads, fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert threads.addressed(post(**fields)) == expected


def test_a_reply_to_an_own_post_and_the_replies_to_that_reply(threads: OwnThreads) -> None:
    assert threads.addressed(written("1", "TeploBank")) == ()
    assert threads.addressed(written("2", "ivan", reply_to="twitter:1")) == ("bank",)
    assert threads.addressed(written("3", "olga", reply_to="2")) == ("bank",)
    assert threads.addressed(written("4", "oleg", reply_to="77", thread_root="1")) == ("bank",)


def test_a_reply_to_somebody_else_is_addressed_to_nobody(threads: OwnThreads) -> None:
    threads.addressed(written("1", "ivan"))
    assert threads.addressed(written("2", "olga", reply_to="twitter:1")) == ()


def test_the_company_that_answers_a_customer_is_answered_in_turn(threads: OwnThreads) -> None:
    threads.addressed(written("1", "ivan"))
    assert threads.addressed(written("2", "teplobank", reply_to="twitter:1")) == ()
    assert threads.addressed(written("3", "ivan", reply_to="twitter:2", thread_root="twitter:1")) == ("bank",)
    assert threads.addressed(written("4", "olga", reply_to="twitter:1")) == ()


def test_one_company_under_the_post_of_the_other(threads: OwnThreads) -> None:
    threads.addressed(written("1", "teplobank"))
    assert threads.addressed(written("2", "holodbank", reply_to="twitter:1")) == ("bank",)
    assert threads.addressed(written("3", "ivan", reply_to="2", thread_root="1")) == ("rival", "bank")


def test_what_is_not_asked_for_is_forgotten_first() -> None:
    threads = OwnThreads(WATCHLIST, capacity=2)
    for number in (1, 2):
        threads.addressed(written(str(number), "teplobank"))
    assert threads.addressed(written("x", "teplobank", reply_to="1")) == ()  # own words, but 1 is asked for
    assert threads.addressed(written("a", "ivan", reply_to="2")) == ()
    assert threads.addressed(written("b", "ivan", reply_to="1")) == ("bank",)


def test_a_redelivered_post_changes_nothing(threads: OwnThreads) -> None:
    answer = written("2", "ivan", reply_to="1")
    threads.addressed(written("1", "teplobank"))
    assert [threads.addressed(answer) for _ in range(3)] == [("bank",)] * 3
    assert len(threads) == 2
