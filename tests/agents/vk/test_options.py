"""Mistakes in the options of a ``vk`` agent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from agents.base import BadConfiguration
from agents.kinds import load
from agents.vk import VkSource
from tests.agents.vk.reading import Reader, watching
from tests.agents.vk.server import Server


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": None}, "needs a `token`"),
        ({"token": "vk1.a.secret"}, "holds a secret"),
        ({"communities": ["Тепло Банк"]}, "is no wall"),
        ({"api": "api.vk.com"}, "write https://api.vk.com"),
        ({"tokens": [{"secret": "env:SECOND", "of": "admin"}]}, "user"),
        ({"every": "1s"}, "greater than or equal"),
        ({"comunities": []}, "Extra inputs"),
    ],
)
async def test_mistakes_are_told(vk: Server, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Reader(vk, **given)


async def test_an_agent_with_nothing_to_read(vk: Server) -> None:
    async def read(reader: Reader) -> None:
        async with reader.opened():
            pass

    with pytest.raises(BadConfiguration, match="nothing to read"):
        await read(Reader(vk))
    with pytest.raises(BadConfiguration, match="nothing to read"):
        await read(Reader(vk, watching("Тепло"), search=False))
    with pytest.raises(BadConfiguration, match="knows none"):
        await Reader(vk, communities=["nobody_there"]).read()


async def test_no_token_is_ever_shown(vk: Server) -> None:
    reader = Reader(vk, communities=["club1"])
    assert "user-token" not in repr(reader.options)
    async with reader.opened() as source:
        assert isinstance(source, VkSource)
        assert "user-token" not in repr(vars(source))


def test_the_kind_is_known() -> None:
    assert load("vk").build is not None
