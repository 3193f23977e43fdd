"""Whose words a post is, and in whose community it stands, as the watchlist's accounts tell."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.standing import Places, Standing, marked
from pipeline.core.watchlist_yaml import parse_watchlist
from schemas import RawPost

PLACES = Places(
    parse_watchlist("""
- id: bank
  kind: brand
  name: Теплобанк
  aliases: [Теплобанк]
  accounts:
    vk: ["-100", teplobank]
    telegram: ["@teplobank_news"]
    appstore: ["570060128"]
    any: [Теплобанк]
- id: rival
  kind: competitor
  name: Холодбанк
  aliases: [Холодбанк]
  accounts: {vk: ["https://vk.com/holodbank"]}
""")
)
MOMENT = "2026-03-01T10:00:00Z"


def post(source: str = "vk", native_id: str = "7", **fields: Any) -> RawPost:
    fixed = {"source": source, "native_id": native_id, "created_at": MOMENT, "collected_at": MOMENT}
    return RawPost.model_validate({"text": "верните деньги", **fixed, **fields})


@pytest.mark.parametrize(
    ("fields", "spoken_by", "community_of"),
    [
        # the author's account: by handle, by id, by address; by a name where there is no handle
        ({"author": {"id": "5", "handle": "TeploBank"}}, "bank", ""),
        ({"author": {"id": "5", "handle": "@teplobank"}}, "bank", ""),
        ({"author": {"id": "-100"}}, "bank", ""),
        ({"author": {"id": "5", "handle": "holodbank"}}, "rival", ""),
        ({"source": "reviews", "author": {"id": "5", "name": "теплобанк"}}, "bank", ""),
        ({"source": "reviews", "author": {"id": "5", "handle": "ivan", "name": "теплобанк"}}, "", ""),
        ({"source": "telegram", "author": {"id": "5", "handle": "teplobank"}}, "", ""),
        ({}, "", ""),
        # the place: by handle, by id, by the native id; a name only where the agent says that it is our own
        ({"channel": {"id": "-9", "handle": "teplobank"}, "author": {"id": "5"}}, "", "bank"),
        ({"channel": {"id": "-100"}, "author": {"id": "5"}}, "", "bank"),
        ({"native_id": "-100_8", "kind": "comment", "author": {"id": "5"}}, "", "bank"),
        ({"channel": {"id": "9", "name": "teplobank"}, "author": {"id": "5"}}, "", ""),
        ({"channel": {"id": "9", "name": "teplobank", "own": True}, "author": {"id": "5"}}, "", "bank"),
        ({"source": "appstore", "kind": "review", "channel": {"id": "570060128"}}, "", "bank"),
        # a channel speaks for itself: without an author, under its own id, or where the agent knows it
        ({"source": "telegram", "native_id": "teplobank_news/3", "channel": {"id": "77"}}, "bank", "bank"),
        ({"native_id": "-100_9", "kind": "comment", "author": {"id": "-100"}}, "bank", "bank"),
        (
            {
                "kind": "comment",
                "channel": {"id": "-9", "handle": "teplobank"},
                "author": {"id": "-9", "name": "x"},
            },
            "bank",
            "bank",
        ),
        (
            {
                "source": "appstore",
                "kind": "comment",
                "channel": {"id": "570060128"},
                "author": {"id": "dev", "own": True},
            },
            "bank",
            "bank",
        ),
        # what has lost its author in a place where everybody posts is not the company's
        *(
            ({"channel": {"id": "-9", "handle": "teplobank", "kind": kind}}, spoken, "bank")
            for kind, spoken in (
                *((each, "") for each in ("subreddit", "group", "chat", "forum")),
                *((each, "bank") for each in ("channel", "page", "account")),
            )
        ),
        # a review or comment without an author is nobody's, and one company may write on the other's wall
        ({"native_id": "-100_9", "kind": "comment"}, "", "bank"),
        (
            {"native_id": "-100_9", "kind": "comment", "author": {"id": "1", "handle": "holodbank"}},
            "rival",
            "bank",
        ),
    ],
)
def test_standing(fields: dict[str, Any], spoken_by: str, community_of: str) -> None:
    standing = PLACES.standing(post(**fields))
    assert [",".join(each) for each in standing] == [spoken_by, community_of]


def test_a_post_is_marked_where_the_agent_could_not_know() -> None:
    made = post(channel={"id": "-100"}, author={"id": "5"})
    assert marked(made, Standing()) is made
    ours = marked(made, Standing(["bank"], ["bank"]))
    assert ours.author is not None
    assert ours.channel is not None
    assert (ours.author.own, ours.channel.own) == (True, True)
    assert marked(ours, Standing()) is ours
    assert marked(ours, Standing(["bank"], ["bank"])) is ours
    assert marked(post(), Standing(["bank"], ["bank"])) == post()
