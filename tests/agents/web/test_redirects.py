"""Redirects: each is checked like a request, and takes no secret along to another host."""

from __future__ import annotations

import pytest
from aiohttp import web

from agents.base import SourceUnavailable
from agents.manual_time import JumpingTime
from agents.web import Forbidden, Reach, Web
from agents.web.question import Question
from tests.agents.web.opening import FAST, local_web, quiet_traffic
from tests.agents.web.site import Site, running


async def test_a_redirect_on_the_same_server_keeps_the_headers(site: Site) -> None:
    site.at("/there", lambda _: web.Response(text="here"))
    async with local_web(site.url) as agent:
        reply = await agent.get(site.moved("/a", "/there"), headers={"Authorization": "Bearer t"})
    assert (reply.status, reply.text, reply.url) == (200, "here", site.url + "/there")
    assert [each.headers.get("Authorization") for each in site.requests] == ["Bearer t", "Bearer t"]


async def test_another_host_learns_no_secret(site: Site) -> None:
    async with running() as other:
        other.at("/there", lambda _: web.Response(text="here"))
        url = site.moved("/a", other.url + "/there")
        secrets = {"Authorization": "Bearer t", "X-Api-Key": "k", "Cookie": "c=1", "If-None-Match": '"1"'}
        async with local_web(site.url, other.url) as agent:
            assert (await agent.get(url, headers=secrets, token_key="t")).text == "here"
    (request,) = other.requests
    assert not {"Authorization", "X-Api-Key", "Cookie", "Referer"} & set(request.headers)
    assert request.headers["If-None-Match"] == '"1"'


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://localhost/",
        "http://10.0.0.1/admin",
    ],
)
@pytest.mark.parametrize("redirects", ["named", "public"])
async def test_no_redirect_leads_into_the_network_of_the_house(
    site: Site, redirects: str, location: str
) -> None:
    reach = Reach.of(site.url, redirects=redirects, private=[site.url])  # type: ignore[arg-type]
    async with Web("t:1", reach, quiet_traffic(JumpingTime()), limit=FAST) as agent:
        with pytest.raises(Forbidden):
            await agent.get(site.moved("/a", location))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://a/"])
async def test_other_schemes_are_not_followed(site: Site, location: str) -> None:
    async with local_web(site.url) as agent:
        with pytest.raises(Forbidden, match="http and https only"):
            await agent.get(site.moved("/a", location))


@pytest.mark.parametrize("location", ["/a", "http://a:port/", "http://\x01/"])
async def test_loops_and_what_is_no_url(site: Site, location: str) -> None:
    async with local_web(site.url) as agent:
        with pytest.raises(SourceUnavailable):
            await agent.get(site.moved("/a", location))
    assert len(site.requests) <= 6


async def test_a_body_is_not_sent_to_another_host(site: Site) -> None:
    async with running() as other:
        url = site.moved("/a", other.url + "/there", status=307)
        async with local_web(site.url, other.url) as agent:
            with pytest.raises(Forbidden, match="redirects a POST"):
                await agent.post(url, data={"access_token": "secret"})
        assert other.requests == []


@pytest.mark.parametrize(("status", "method", "body"), [(303, "GET", b""), (307, "POST", b"a=1")])
async def test_a_post_is_redirected_as_its_status_says(
    site: Site, status: int, method: str, body: bytes
) -> None:
    site.at("/there", lambda _: web.Response(text="here"))
    async with local_web(site.url) as agent:
        assert (await agent.post(site.moved("/a", "/there", status), data={"a": "1"})).text == "here"
    last = site.requests[-1]
    assert (last.method, await last.read()) == (method, body)


def question(url: str, **headers: str) -> Question:
    return Question.of("GET", url, None, headers, (), "t", 100)


def test_from_https_to_http_never_from_http_to_https_always() -> None:
    with pytest.raises(Forbidden, match="from https to http"):
        question("https://a.example/x").redirected(301, "http://a.example/x")
    up = question("http://a.example/x", Authorization="t").redirected(301, "https://a.example/x")
    assert (str(up.url), up.headers["Authorization"]) == ("https://a.example/x", "t")
    other = question("http://a.example/x", Authorization="t").redirected(301, "https://a.example:8443/x")
    assert "Authorization" not in other.headers
    assert other.token_key == ""


def test_user_and_password_of_a_feed_become_a_header_and_stay_at_home() -> None:
    asked = question("https://me:p%40ss@a.example/feed")
    assert (str(asked.url), asked.headers["Authorization"]) == (
        "https://a.example/feed",
        "Basic bWU6cEBzcw==",
    )
    assert "Authorization" not in asked.redirected(302, "https://b.example/").headers
