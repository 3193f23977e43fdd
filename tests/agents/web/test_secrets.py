"""No token of a URL, a header or a body shows in an error, a log or a repr."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web

from agents.base import AgentError
from agents.web import shown
from tests.agents.web.opening import local_web
from tests.agents.web.site import Site

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            f"https://api.vk.com/method/wall.get?access_token={SECRET}",
            "https://api.vk.com/method/wall.get?...",
        ),
        (f"https://me:{SECRET}@a.example/x#{SECRET}", "https://a.example/x"),
        (f"https://{SECRET}@a.example:8443/", "https://a.example:8443/"),
        (f"https://api.telegram.org/bot123:{SECRET}/getMe", "https://api.telegram.org/bot***/getMe"),
        ("https://[2001:db8::1]:81/", "https://[2001:db8::1]:81/"),
        ("http://a:port/", "a URL that cannot be read"),
    ],
)
def test_how_a_url_is_shown(url: str, told: str) -> None:
    assert shown(url) == told


@pytest.mark.parametrize(
    ("status", "text"), [(500, "x"), (429, "x"), (200, "no JSON"), (302, "x"), (200, "x" * 2000)]
)
async def test_no_error_and_no_log_tells_a_secret(
    site: Site, caplog: pytest.LogCaptureFixture, status: int, text: str
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpcore")  # as pipeline.logs sets it
    headers = {"Location": f"http://10.0.0.1/?token={SECRET}"} if status == 302 else {}
    url = site.at("/a", lambda _: web.Response(status=status, text=text, headers=headers))
    secrets = {"Authorization": f"Bearer {SECRET}"}
    async with local_web(site.url) as agent:
        with pytest.raises(AgentError) as told:
            reply = await agent.post(
                url, params={"token": SECRET}, data={"key": SECRET}, headers=secrets, max_bytes=1000
            )
            assert SECRET not in repr(reply)
            reply.json()
        with pytest.raises(AgentError) as wrong:
            await agent.get(url, headers={"Authorization": f"Bearer {SECRET} токен"})
    chain = [str(told.value), repr(told.value), str(told.value.__cause__), str(wrong.value)]
    assert SECRET not in "".join([*chain, repr(wrong.value.__cause__), caplog.text])
