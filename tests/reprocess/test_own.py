"""Whose words a post is and where it stands, by today's watchlist: what that of then said is taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.standing import Places, marked
from pipeline.core.watchlist import Watchlist
from pipeline.core.watchlist_yaml import parse_watchlist
from pipeline.reprocess.analysis import KEPT
from pipeline.sink.rows import post_row
from schemas import RawPost
from tests.reprocess.runs import NOW, analysis
from tests.sink import samples

BANK = "{id: bank, kind: brand, name: Теплобанк, aliases: [Теплобанк], accounts: {vk: [teplobank]}}"
RIVAL = "{id: rival, kind: competitor, name: Холодбанк, aliases: [Холодбанк], accounts: {vk: [holodbank]}}"
NOBODY = "{id: other, kind: brand, name: Другой, aliases: [Другой]}"

HOME = {"id": "-100", "handle": "teplobank"}
ABROAD = {"id": "-9", "handle": "talk"}
LISTED = {"id": "page", "name": "teplobank", "own": True}
CLERK = {"id": "5", "handle": "teplobank"}


def watchlist(*objects: str) -> Watchlist:
    return parse_watchlist("\n".join(f"- {each}" for each in objects))


def remade(before: Watchlist, today: Watchlist, channel: dict[str, Any], author: dict[str, Any]) -> Any:
    """(spoken_by, author_own, community_of, channel_own) of a row of then, analysed today."""
    enriched = samples.enriched(3)
    about = {"id": "vk:7", "source": "vk", "native_id": "7", "kind": "comment"}
    post = RawPost(**{**dict(enriched.post), **about, "channel": channel, "author": author})
    standing = Places(before).standing(post)
    made = {"id": post.id, "post": marked(post, standing), "spoken_by": tuple(standing.spoken_by)}
    stored = post_row(enriched.model_copy(update={**made, "community_of": tuple(standing.community_of)}))
    rows = [{**stored, **dict.fromkeys(KEPT, 0)}]
    kinds = {**analysis().kinds, "bank": "brand", "rival": "competitor"}
    (row,) = replace(analysis(), watched=today, kinds=kinds).make([], rows, "second", NOW).posts
    return row["spoken_by"], row["author_own"], row["community_of"], row["channel_own"]


@pytest.mark.parametrize(
    ("channel", "author", "now"),
    [
        (ABROAD, CLERK, (["bank"], True, [], False)),
        (HOME, {"id": "5"}, ([], False, ["bank"], True)),
        (HOME, {"id": "-100"}, (["bank"], True, ["bank"], True)),
        # what the agent tells, no account does: whose page it is, and that the company writes there
        (LISTED, {"id": "news", "own": True}, (["bank"], True, ["bank"], True)),
    ],
)
def test_the_watchlist_of_then_gives_the_same_and_another_takes_it_back(
    channel: dict[str, Any], author: dict[str, Any], now: Any
) -> None:
    before = watchlist(BANK)
    assert remade(before, before, channel, author) == now
    spoken_by, own, community_of, own_channel = remade(before, watchlist(NOBODY), channel, author)
    assert (spoken_by, community_of, own_channel) == ([], [], False)
    assert own == bool(author.get("own"))


def test_an_account_at_home_stays_own_where_nobody_watches_it_any_more() -> None:
    """It cannot be told from an author of whom the agent knows it; no community counts it."""
    before = watchlist(BANK)
    assert remade(before, before, HOME, CLERK) == (["bank"], True, ["bank"], True)
    assert remade(before, watchlist(NOBODY), HOME, CLERK) == ([], True, [], False)


def test_the_words_of_one_company_do_not_become_those_of_the_host() -> None:
    both, host = watchlist(BANK, RIVAL), watchlist(BANK)
    guest = {"id": "6", "handle": "holodbank"}
    assert remade(both, both, HOME, guest) == (["rival"], True, ["bank"], True)
    assert remade(both, host, HOME, guest) == ([], False, ["bank"], True)
