"""Answers that are too large, too slow, of the wrong type, damaged, or none: errors, within bounds."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from aiohttp import web

from agents.base import SourceUnavailable
from agents.web import Unanswered, Unusable
from agents.web.exchange import Times
from tests.agents.web.opening import local_web
from tests.agents.web.site import Site, sending

LIMIT = 1000
HASTY = Times(connect=5.0, read=0.2, total=5.0)
BRIEF = Times(connect=5.0, read=5.0, total=0.3)
OK = b"HTTP/1.1 200 OK\r\n"


def body(content: bytes, **headers: str) -> Callable[[web.Request], web.Response]:
    return lambda _: web.Response(body=content, headers=headers, content_type="application/json")


def packed(content: bytes, encoding: str = "gzip") -> Callable[[web.Request], web.Response]:
    return body(content, **{"Content-Encoding": encoding})


BOMB = gzip.compress(b" " * 50_000_000, 1)
UNUSABLE = {
    "too large": (body(b"x" * (LIMIT + 1)), "larger than 1000 bytes"),
    "a gzip bomb": (packed(BOMB), "larger than 1000 bytes"),
    "a small gzip bomb": (packed(gzip.compress(b" " * 100_000)), "larger than 1000 bytes"),
    "a bomb in a bomb": (packed(gzip.compress(BOMB)), "larger than 1000 bytes"),
    "a deflate bomb": (packed(zlib.compress(b" " * 100_000), "deflate"), "larger than 1000 bytes"),
    "many empty members": (packed(gzip.compress(b"") * 100), "more than"),
    "a cut gzip": (packed(gzip.compress(b"hello")[:-4]), "ends early"),
    "no gzip": (packed(b"hello"), "damaged"),
    "brotli": (packed(b"x", "br"), "encoded as br"),
    "twice compressed": (packed(gzip.compress(b"x"), "gzip, gzip"), "encoded as gzip, gzip"),
}


@pytest.mark.parametrize("name", list(UNUSABLE))
async def test_what_cannot_be_used(site: Site, name: str) -> None:
    answer, why = UNUSABLE[name]
    async with local_web(site.url) as agent:
        with pytest.raises(Unusable, match=why):
            await agent.get(site.at("/a", answer), max_bytes=LIMIT if name != "many empty members" else 5000)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_answers_are_decoded(site: Site, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    async with local_web(site.url) as agent:
        reply = await agent.get(site.at("/a", packed(pack(b'{"a": 1}'), encoding)), max_bytes=100)
    assert reply.json() == {"a": 1}


@pytest.mark.parametrize(
    ("accept", "passes"),
    [
        ((), True),
        (("application/json",), True),
        (("text/html", "application/*"), True),
        (("*/*",), True),
        (("text/html",), False),
        (("application/jso",), False),
    ],
)
async def test_only_the_types_that_were_asked_for(site: Site, accept: tuple[str, ...], passes: bool) -> None:
    url = site.at("/a", lambda _: web.json_response({}))
    async with local_web(site.url) as agent:
        if passes:
            assert (await agent.get(url, accept=accept)).json() == {}
        else:
            with pytest.raises(Unusable, match="application/json, not"):
                await agent.get(url, accept=accept)
    assert site.requests[0].headers["Accept"] == (", ".join(accept) or "*/*")


async def test_an_error_page_of_another_type_is_a_reply(site: Site) -> None:
    url = site.at("/a", lambda _: web.Response(status=404, text="<p>no"))
    async with local_web(site.url) as agent:
        reply = await agent.get(url, accept=("application/json",))
    assert reply.status == 404
    with pytest.raises(SourceUnavailable, match=r"gave no JSON \(HTTP 404\): '<p>no'"):
        reply.json()


@pytest.mark.parametrize("text", ['{"a": ', "[" * 100_000, "1" * 5000, "\udc80", ""])
async def test_broken_json(site: Site, text: str) -> None:
    answer = text.encode("utf-8", "surrogatepass")
    async with local_web(site.url) as agent:
        reply = await agent.get(site.at("/a", lambda _: web.Response(body=answer)))
        with pytest.raises(SourceUnavailable) as told:
            reply.json()
    assert len(str(told.value)) < 600


BROKEN = {
    "nothing": (),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n",),
    "endless headers": (OK, *[b"X-%d: %s\r\n" % (number, b"y" * 1000) for number in range(200)]),
    "one long header": (OK + b"X: ", b"y" * 200_000),
    "a short body": (OK + b"Content-Length: 100\r\n\r\nabc",),
    "broken chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",),
    "two lengths": (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",),
    "a negative length": (OK + b"Content-Length: -1\r\n\r\n",),
    "endless hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000,),
}


@pytest.mark.parametrize("name", list(BROKEN))
async def test_broken_http(name: str) -> None:
    async with sending(*BROKEN[name]) as url, local_web(url) as agent:
        with pytest.raises(Unanswered):
            await agent.get(url, retries=0)


SLOW = {
    "no answer": (HASTY, ()),
    "half a header": (HASTY, (OK + b"X-Slow: ",)),
    "half a body": (HASTY, (OK + b"Content-Length: 10\r\n\r\nabc",)),
    "no whole answer in time": (BRIEF, (OK + b"Content-Length: 10\r\n\r\nabc",)),
    "no headers in time": (BRIEF, (OK,)),
}


@pytest.mark.parametrize("name", list(SLOW))
async def test_slow_answers_are_given_up(name: str) -> None:
    times, parts = SLOW[name]
    async with sending(*parts, closes=False) as url, local_web(url, times=times) as agent:
        with pytest.raises(Unanswered):
            await agent.get(url, retries=0)


async def test_a_server_that_is_not_there(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with local_web(url) as agent:
        with pytest.raises(Unanswered, match="ConnectError"):
            await agent.get(url, retries=0)


async def test_no_proxy_of_the_environment_is_used(
    site: Site, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_tcp_port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with local_web(site.url) as agent:
        assert (await agent.get(site.at("/a", lambda _: web.Response(text="direct")))).text == "direct"


async def test_cookies_are_forgotten_at_once(site: Site) -> None:
    url = site.at("/a", lambda _: web.Response(headers={"Set-Cookie": "who=me"}))
    async with local_web(site.url) as agent:
        await agent.get(url)
        await agent.get(url)
    assert [each.headers.get("Cookie") for each in site.requests] == [None, None]


@pytest.mark.parametrize("value", ["a\r\nHost: evil.example", "a\x00b"])
async def test_a_header_cannot_smuggle_another(site: Site, value: str) -> None:
    url = site.at("/a", lambda _: web.Response())
    async with local_web(site.url) as agent:
        with pytest.raises(Unanswered):
            await agent.get(url, headers={"X-Name": value}, retries=0)
        await agent.get(url, headers={"Host": "evil.example"})
    assert [each.headers["Host"] for each in site.requests] == [site.place]


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        ("text/html; charset=windows-1251", "Банк".encode("cp1251"), "Банк"),
        ("text/html", "Банк 😀".encode(), "Банк 😀"),
        ('text/html; charset="no-such"', "Банк".encode(), "Банк"),
        ("text/html; charset=undefined", "Банк".encode(), "Банк"),
        ("text/html; charset=rot13", b"abc", "abc"),
        ("text/html; charset=punycode", b"a-" + b"9" * 1_000_000, "a-" + "9" * 1_000_000),
        ("text/html; Charset=KOI8-R", "Банк".encode("koi8-r"), "Банк"),
        ("text/html; charset=" + "x" * 4000, b"abc", "abc"),
        ("text/html", b"\xff\xfea", "\ufffd\ufffda"),
    ],
)
async def test_text_in_any_charset(site: Site, content_type: str, content: bytes, text: str) -> None:
    answer = {"Content-Type": content_type}
    url = site.at("/a", lambda _: web.Response(body=content, headers=answer))
    async with local_web(site.url) as agent:
        assert (await agent.get(url)).text == text
