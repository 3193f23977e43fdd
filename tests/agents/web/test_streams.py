"""Streams of lines and of WebSocket messages: their ends, their limits, and the same checks as requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import ClientConnectionResetError, ClientWebSocketResponse, WSCloseCode, WSMsgType, web

from agents.manual_time import JumpingTime
from agents.web import Declined, Forbidden, Reach, Unanswered, Unusable, Web
from agents.web.breaker import FAILURES
from tests.agents.web.opening import FAST, local_web, quiet_traffic
from tests.agents.web.site import Answer, Site, running, sending

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


async def test_lines_come_as_they_are_sent() -> None:
    parts = (OK, b"data: \xd0", b"\x91\r\n", b"\n", "data: 😀\nlast".encode())
    async with sending(*parts) as url, local_web(url) as agent:
        lines = [line async for line in agent.stream_lines(url, accept=("text/event-stream",))]
    assert lines == ["data: Б", "", "data: 😀", "last"]


async def test_a_stream_may_be_left_at_any_line() -> None:
    async with sending(OK, b"a\nb\n", closes=False) as url, local_web(url) as agent:
        stream = agent.stream_lines(url)
        assert await anext(stream) == "a"
        await stream.aclose()


@pytest.mark.parametrize("line", [b"x" * 200, b"x" * 200 + b"\n"])
async def test_a_line_without_end(line: bytes) -> None:
    async with sending(OK + line, closes=False) as url, local_web(url) as agent:
        with pytest.raises(Unusable, match="longer than 100 bytes"):
            await anext(agent.stream_lines(url, longest=100))


async def test_silence_is_not_waited_for() -> None:
    async with sending(OK + b"a\n", closes=False) as url, local_web(url) as agent:
        stream = agent.stream_lines(url, silence=0.2)
        assert await anext(stream) == "a"
        with pytest.raises(Unanswered, match="ReadTimeout"):
            await anext(stream)


async def test_a_stream_that_breaks_off() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n5\r\nb"
    async with sending(chunked) as url, local_web(url) as agent:
        stream = agent.stream_lines(url)
        assert await anext(stream) == "a"
        with pytest.raises(Unanswered):
            await anext(stream)


async def test_a_compressed_stream_was_not_asked_for() -> None:
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nx"
    async with sending(packed) as url, local_web(url) as agent:
        with pytest.raises(Unusable, match="encoded as gzip"):
            await anext(agent.stream_lines(url))


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_a_stream_that_is_not_opened_tells_the_status(site: Site, status: int) -> None:
    url = site.at("/a", lambda _: web.Response(status=status))
    async with local_web(site.url) as agent:
        with pytest.raises(Declined, match=f"HTTP {status}") as declined:
            await anext(agent.stream_lines(url))
        assert declined.value.status == status
        with pytest.raises(Declined, match=f"HTTP {status}") as declined:
            await anext(agent.websocket(url.replace("http", "ws")))
        assert declined.value.status == status
        assert declined.value.retry_after == (timedelta(seconds=30) if status == 429 else None)
    assert site.requests[0].headers["Accept-Encoding"] == "identity"


def socket(*messages: str | bytes, code: int = WSCloseCode.OK, waits: bool = False) -> Answer:
    """A WebSocket that answers the first message, sends ``messages``, and closes."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        first = await stream.receive()
        if first.type == WSMsgType.TEXT:
            await stream.send_str(f"hello {first.data}")
        for message in messages:
            await (stream.send_str(message) if isinstance(message, str) else stream.send_bytes(message))
        if waits:
            await stream.receive()
        await stream.close(code=code)
        return stream

    return talk


def socket_url(site: Site, answer: Answer) -> str:
    site.answers["/ws"] = answer
    return site.url.replace("http", "ws") + "/ws"


async def test_messages_until_a_clean_end(site: Site) -> None:
    async with local_web(site.url) as agent:
        stream = agent.websocket(
            socket_url(site, socket("Банк", "😀")), params={"a": 1}, headers={"X-Who": "me"}, opening=("me",)
        )
        assert [text async for text in stream] == ["hello me", "Банк", "😀"]
    (request,) = site.requests
    assert (request.query_string, request.headers["X-Who"]) == ("a=1", "me")
    assert "Sec-WebSocket-Extensions" not in request.headers


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (socket(code=WSCloseCode.INTERNAL_ERROR), Unanswered, "code 1011"),
        (socket("x" * 2000), Unusable, "too long|1009|exceeds"),
        (socket(b"\x00"), Unusable, "BINARY, not text"),
        (socket(waits=True), Unanswered, "TimeoutError"),
    ],
)
async def test_how_a_socket_may_end(site: Site, answer: Answer, error: type[Exception], why: str) -> None:
    async with local_web(site.url) as agent:
        stream = agent.websocket(socket_url(site, answer), opening=("me",), longest=1000, silence=0.3)
        assert await anext(stream) == "hello me"
        with pytest.raises(error, match=why):
            await anext(stream)


async def test_sockets_that_open_and_stay_quiet_are_no_failures_of_the_host(site: Site) -> None:
    async def quiet(request: web.Request) -> web.WebSocketResponse:
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        await stream.receive()
        return stream

    async with local_web(site.url) as agent:
        for _ in range(FAILURES + 1):
            with pytest.raises(Unanswered, match="TimeoutError"):
                await anext(agent.websocket(socket_url(site, quiet), silence=0.05))


async def test_a_socket_that_breaks_off_before_it_is_asked_for_anything(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ClientConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(ClientWebSocketResponse, "send_str", broken)
    async with local_web(site.url) as agent:
        with pytest.raises(Unanswered, match="ClientConnectionResetError"):
            await anext(agent.websocket(socket_url(site, socket()), opening=("me",)))


async def test_a_socket_may_be_left_at_any_message(site: Site) -> None:
    left = asyncio.Event()

    async def talk(request: web.Request) -> web.WebSocketResponse:
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        await stream.send_str("a")
        await stream.receive()
        left.set()
        return stream

    async with local_web(site.url) as agent:
        stream = agent.websocket(socket_url(site, talk))
        assert await anext(stream) == "a"
        await stream.aclose()
        async with asyncio.timeout(5):
            await left.wait()


async def test_a_socket_is_not_redirected(site: Site) -> None:
    async with running() as other:
        other.answers["/ws"] = socket()
        url = site.moved("/a", other.url + "/ws").replace("http", "ws")
        async with local_web(site.url, other.url) as agent:
            with pytest.raises(Unanswered):
                await anext(agent.websocket(url))
        assert other.requests == []


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/", "ws://10.0.0.1/", "wss://other.example/"])
async def test_a_socket_has_the_same_allowlist(site: Site, url: str) -> None:
    async with local_web(site.url) as agent:
        with pytest.raises(Forbidden, match="no host that this agent is configured for"):
            await anext(agent.websocket(url))


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_a_named_host_at_a_private_address_is_refused(scheme: str) -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    reach, traffic = Reach.of("stream.example"), quiet_traffic(JumpingTime())
    async with Web("t:1", reach, traffic, limit=FAST, resolve=resolver) as agent:
        with pytest.raises(Forbidden, match="loopback"):
            if scheme == "ws":
                await anext(agent.websocket("ws://stream.example/"))
            else:
                await agent.get("http://stream.example/")
        with pytest.raises(Forbidden, match="loopback"):
            await agent.addresses("stream.example", 443)
