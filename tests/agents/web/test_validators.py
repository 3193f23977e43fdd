"""Validators of servers: sent back as they came, or not at all where they cannot be sent."""

from __future__ import annotations

import httpx
import pytest
from aiohttp import web

from agents.web import Validators
from tests.agents.web.opening import local_web
from tests.agents.web.site import Site, sending

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


async def test_they_are_sent_back(site: Site) -> None:
    told = {"ETag": 'W/"a b"', "Last-Modified": DATE}
    url = site.at("/a", lambda _: web.Response(text="x", headers=told))
    async with local_web(site.url) as agent:
        known = (await agent.get(url)).validators
        await agent.get(url, headers=known.headers)
    sent = site.requests[1].headers
    assert (sent["If-None-Match"], sent["If-Modified-Since"]) == ('W/"a b"', DATE)


@pytest.mark.parametrize("etag", ["Я".encode(), b'"\xff"', b'"a\x80"', b'"a\tb"', b"x" * 513])
async def test_those_that_cannot_be_sent_back_are_not_kept(etag: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\nETag: " + etag
    async with (
        sending(answer + b"\r\nLast-Modified: " + DATE.encode() + b"\r\n\r\nx") as url,
        local_web(url) as agent,
    ):
        known = (await agent.get(url)).validators
        assert known == Validators("", DATE)


@pytest.mark.parametrize("etag", ["Я", "a\r\nX-Smuggled: 1", "\udcff", "x" * 513])
async def test_one_of_an_old_cursor_is_not_sent(site: Site, etag: str) -> None:
    url = site.at("/a", lambda _: web.Response(text="x", headers={"ETag": '"new"'}))
    async with local_web(site.url) as agent:
        reply = await agent.get(url, headers=Validators(etag, DATE).headers)
    assert "If-None-Match" not in site.requests[0].headers
    assert reply.status == httpx.codes.OK and reply.validators == Validators('"new"', "")
