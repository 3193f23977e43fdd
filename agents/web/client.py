"""The only way in which an agent asks the network over HTTP: hosts that are named, public addresses, limits.

A request goes through the allowlist, the circuit of its host and its budget; redirects are followed one by
one and checked like requests; failures are retried a few times. There are no cookies and no proxies.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

import httpx

from agents.base import Refused
from agents.rates import Budget, Limit
from agents.web import bodies, sockets
from agents.web.addresses import Addresses, Resolve, resolve
from agents.web.exchange import TIMES, Exchange, Times
from agents.web.gate import SERVER_ERROR, Gate
from agents.web.question import Question
from agents.web.reach import Reach, host_of, port_of
from agents.web.refusals import Declined, Unanswered, shown
from agents.web.reply import Reply
from agents.web.traffic import Traffic
from agents.web.wire import open_pool

MAX_BYTES: Final = 5 * 1024 * 1024
LONGEST_LINE: Final = 1024 * 1024
RETRIES: Final = 2
SILENCE_SECONDS: Final = 120.0

Params = Mapping[str, str | int | float | None]


class Web:
    """The network as one agent may use it; close it after use (``async with``).

    Args:
        agent: its name, for metrics.
        reach: the hosts that it may ask.
        traffic: what the agents of the process share.
        limit: of its requests to each host with each token.
        budget: live requests go first; back-fill takes what they leave.
        pace: of back-fill: requests per second on its own account, besides ``limit``.
    """

    def __init__(
        self,
        agent: str,
        reach: Reach,
        traffic: Traffic,
        *,
        limit: Limit,
        budget: Budget = "live",
        pace: float | None = None,
        resolve: Resolve = resolve,
        times: Times = TIMES,
    ) -> None:
        self._gate = Gate(agent, reach, traffic, limit, budget, pace)
        self._traffic = traffic
        self._addresses = Addresses(reach.private, resolve)
        self._times = times
        self._exchange = Exchange(self._gate, open_pool(self._addresses, traffic.trust))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()

    async def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[str] = (),
        token_key: str = "",
        max_bytes: int = MAX_BYTES,
        retries: int = RETRIES,
    ) -> Reply:
        """Ask with GET, and again after a failure.

        Args:
            params: added to the query of ``url``; None values are left out.
            accept: media types (``application/json``, ``text/*``); a 200 of another type is `Unusable`.
            token_key: names the token that the request carries, e.g. ``vk`` (never the token itself);
                its limit is counted apart. With one, only https will do.
            max_bytes: of the body, decoded.
            retries: how often to ask again after no answer, or HTTP 5xx.

        Returns:
            A reply of any status but 429 and 5xx.

        Raises:
            Refused: HTTP 429 or 5xx, a host that is left alone for now, or a turn that would come too late.
            SourceUnavailable: no answer (`Unanswered`), or one that cannot be used (`Unusable`).
            Forbidden: an address that this agent may not ask.
        """
        question = Question.of("GET", url, params, headers, accept, token_key, max_bytes)
        return await self._asked(question, retries)

    async def post(
        self,
        url: str,
        *,
        params: Params | None = None,
        data: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[str] = (),
        token_key: str = "",
        max_bytes: int = MAX_BYTES,
        retries: int = 0,
    ) -> Reply:
        """Ask with POST, with a form (``data``) or JSON; otherwise like `get`; retried where asked for."""
        question = Question.of("POST", url, params, headers, accept, token_key, max_bytes, data, json)
        return await self._asked(question, retries)

    async def stream_lines(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[str] = (),
        token_key: str = "",
        silence: float = SILENCE_SECONDS,
        longest: int = LONGEST_LINE,
    ) -> AsyncGenerator[str, None]:
        """The lines of an answer that does not end (NDJSON, server-sent events), until the server ends it.

        Args:
            silence: seconds without a byte after which the stream is given up.
            longest: bytes of a line.

        Raises:
            Declined: another status than 200; ``status`` tells which.
            SourceUnavailable, Forbidden: as `get`.
        """
        plain = {"Accept-Encoding": "identity", **(headers or {})}
        question = Question.of("GET", url, params, plain, accept, token_key, longest)
        async with self._exchange.opened(question, Times(read=silence, total=None)) as answer:
            if answer.status != httpx.codes.OK:
                raise self._gate.declined(question, answer.status, answer.headers)
            bodies.check_type(answer.headers, accept)
            async with aclosing(bodies.lines(answer.response, answer.headers, longest)) as lines:
                async for line in lines:
                    yield line

    async def websocket(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        opening: Sequence[str] = (),
        token_key: str = "",
        silence: float = SILENCE_SECONDS,
        longest: int = LONGEST_LINE,
    ) -> AsyncGenerator[str, None]:
        """The text messages of a WebSocket (``wss:``), until the server closes it cleanly.

        Args:
            opening: messages that are sent first, such as subscriptions.
            silence: seconds without a message after which the stream is given up.
            longest: bytes of a message.

        Raises:
            Declined: the handshake is answered with another status.
            SourceUnavailable, Forbidden: as `get`.
        """
        question = Question.of("GET", url, params, headers, (), token_key, longest)
        with self._exchange.counted(question) as outcome:
            await self._gate.let(question)

            def declined(status: int, told: httpx.Headers) -> Declined:
                outcome.answered(status)
                return self._gate.declined(question, status, told)

            stream = sockets.texts(
                question.url,
                await self._addresses.of(host_of(question.url), port_of(question.url)),
                port=port_of(question.url),
                trust=self._traffic.trust,
                headers=question.headers,
                opening=opening,
                longest=longest,
                silence=silence,
                opened=outcome.answered,
                declined=declined,
            )
            async with aclosing(stream) as texts:
                async for text in texts:
                    outcome.answered()
                    yield text

    async def _asked(self, question: Question, retries: int) -> Reply:
        for attempt in range(retries + 1):
            last = attempt == retries
            try:
                reply = await self._exchange.whole(question, self._times)
            except Unanswered:
                if last:
                    raise
            else:
                wait = self._gate.obey(question, reply.status, reply.headers)
                if reply.status < SERVER_ERROR and wait is None:
                    return reply
                if last or wait is not None:
                    raise Refused(f"{shown(question.url)}: HTTP {reply.status}", wait)
            await self._traffic.sleep(2.0**attempt * (0.5 + self._traffic.jitter()))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def turn(self, url: str, *, token_key: str = "") -> None:
        """Wait until a library may send a request of its own to the host of ``url``; raises as `get`."""
        question = Question.of("GET", url, None, None, (), token_key, 0)
        await self._gate.let(question)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses that a library of another protocol (IMAP) may connect to; raises as `get`."""
        self._gate.reach.check(httpx.URL(scheme="https", host=host, port=port))
        return await self._addresses.of(host, port)

    @property
    def trust(self) -> ssl.SSLContext:
        """How a library of another protocol verifies servers."""
        return self._traffic.trust

    def rest(self, url: str, span: timedelta, *, token_key: str = "") -> None:
        """Ask the host of ``url`` with that token no more for ``span``: where a body or a header says so."""
        self._gate.rest(httpx.URL(url), span, token_key)
