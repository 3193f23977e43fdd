"""The demo's watchlist: valid, of all five kinds, and it finds in the story what the story names."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import demo
from pipeline.core.accounts import Owners
from pipeline.core.mentions import Matcher
from pipeline.core.watchlist import KINDS, Watchlist
from pipeline.core.watchlist_yaml import parse_watchlist
from pipeline.demo.expectations import EVERYBODY
from pipeline.demo.story import Written
from pipeline.nlp.inflection import Inflector


@pytest.fixture(scope="module")
def watchlist() -> Watchlist:
    file = Path(demo.__file__).parent / "watchlist.yaml"
    return parse_watchlist(file.read_text(encoding="utf-8"), file.name)


@pytest.fixture(scope="module")
def matcher(watchlist: Watchlist) -> Matcher:
    inflector = Inflector()
    return Matcher(watchlist, inflector.forms, inflector)


def test_it_has_all_kinds_and_the_objects_of_the_story(watchlist: Watchlist) -> None:
    assert {watched.kind for watched in watchlist} == set(KINDS)
    assert tuple(watched.id for watched in watchlist) == EVERYBODY


def test_the_matcher_finds_what_the_story_names_and_nothing_else(
    matcher: Matcher, story: list[Written]
) -> None:
    named = found = right = 0
    for written in story:
        expected = set(written.truth.polarity)
        matched = {match.object_id for match in matcher.find(written.text)}
        named, found, right = named + len(expected), found + len(matched), right + len(expected & matched)
    assert right > 0.99 * named
    assert right > 0.99 * found


@pytest.mark.parametrize(
    "text",
    [
        "Встретили рассвет на крыше, красота неземная",
        "Газета «Заря» напечатала заметку про наш двор",
        "Северный полюс холода в Якутии",
        "Приёмная комиссия начнёт работу в июне",
        "Материнский капитал потратили на ремонт",
    ],
)
def test_look_alikes_do_not_match(matcher: Matcher, text: str) -> None:
    assert matcher.find(text) == []


def test_the_bank_owns_its_account(watchlist: Watchlist) -> None:
    assert Owners(watchlist).of("vk", ("rassvet_bank", "vk-rassvet")) == ("rassvet",)
