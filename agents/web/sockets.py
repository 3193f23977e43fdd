"""WebSocket streams of texts, under the same checks of addresses as requests."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult

from agents.web.refusals import Declined, Unanswered, Unusable, shown

PING_SECONDS = 30.0
CLEAN = (aiohttp.WSCloseCode.OK, aiohttp.WSCloseCode.GOING_AWAY)


class _Checked(AbstractResolver):
    """Knows one host, and the addresses of it that were checked; opens sockets to those only."""

    def __init__(self, host: str, port: int, addresses: Sequence[str]) -> None:
        self._host = host
        self._port = port
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.rstrip(".") != self._host:
            raise OSError(f"a redirect to {host} is not followed")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""

    def socket(self, info: Any) -> socket.socket:
        """A socket for one attempt to connect; addresses in URLs come here without `resolve`."""
        family, kind, protocol, _, (address, port, *_) = info
        if (address, port) not in {(each, self._port) for each in self._addresses}:
            raise OSError(f"{address} port {port} was not checked")
        return socket.socket(family, kind, protocol)


async def texts(
    url: httpx.URL,
    addresses: Sequence[str],
    *,
    port: int,
    trust: ssl.SSLContext,
    headers: Mapping[str, str],
    opening: Sequence[str],
    longest: int,
    silence: float,
    opened: Callable[[], None],
    declined: Callable[[int, httpx.Headers], Declined],
) -> AsyncGenerator[str, None]:
    """The text messages of a WebSocket until the server closes it cleanly; pings are answered, and sent.

    Args:
        addresses: of the host; only these are connected to.
        opening: messages that are sent first, such as subscriptions.
        longest: bytes of a message.
        silence: seconds without any message after which the stream is given up.
        opened: is told that the server has taken the handshake.
        declined: the error for a handshake that is answered with another status.

    Raises:
        Declined: the server answers the handshake with an HTTP status.
        Unanswered: no connection, a broken one, or silence.
        Unusable: a message that is too long, or no text.
    """
    checked = _Checked(url.host.rstrip("."), port, addresses)
    connector = aiohttp.TCPConnector(
        resolver=checked, socket_factory=checked.socket, ssl=trust, use_dns_cache=False
    )
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    ) as session:
        try:
            stream = await session.ws_connect(
                str(url), headers=headers, heartbeat=PING_SECONDS, max_msg_size=longest, compress=0
            )
        except aiohttp.WSServerHandshakeError as error:
            told = httpx.Headers([(name, value) for name, value in (error.headers or {}).items()])
            raise declined(error.status, told) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unanswered(f"{shown(url)}: {type(error).__name__}: {error}") from error
        async with stream:
            opened()
            await _send(stream, url, opening)
            while (message := await _received(stream, url, silence)) is not None:
                yield message


async def _send(
    stream: aiohttp.ClientWebSocketResponse[bool], url: httpx.URL, messages: Sequence[str]
) -> None:
    try:
        for message in messages:
            await stream.send_str(message)
    except (aiohttp.ClientError, OSError) as error:
        raise Unanswered(f"{shown(url)}: {type(error).__name__}: {error}") from error


async def _received(
    stream: aiohttp.ClientWebSocketResponse[bool], url: httpx.URL, silence: float
) -> str | None:
    """The next text; None where the server has closed the stream."""
    try:
        message = await stream.receive(timeout=silence)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unanswered(f"{shown(url)}: {type(error).__name__}: {error}") from error
    match message.type:
        case aiohttp.WSMsgType.TEXT:
            return str(message.data)
        case aiohttp.WSMsgType.CLOSE | aiohttp.WSMsgType.CLOSING | aiohttp.WSMsgType.CLOSED:
            if stream.close_code in CLEAN:
                return None
            if stream.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                raise Unusable(f"{shown(url)}: a message is too long")
            raise Unanswered(f"{shown(url)}: closed with code {stream.close_code}")
        case aiohttp.WSMsgType.ERROR:
            raise Unusable(f"{shown(url)}: {message.data}")
        case _:
            raise Unusable(f"{shown(url)}: a message is {message.type.name}, not text")
