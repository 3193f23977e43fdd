"""One question and its answer over HTTP: checks, the request itself, and redirects, each checked anew."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NamedTuple

import httpcore
import httpx

from agents.base import AgentError, Refused
from agents.web import bodies
from agents.web.gate import SERVER_ERROR, TOO_MANY, Gate
from agents.web.question import Question
from agents.web.refusals import Forbidden, Unanswered, Unusable, shown
from agents.web.reply import Reply, server_time
from agents.web.traffic import Traffic
from agents.web.wire import CONNECT_SECONDS

READ_SECONDS: Final = 20.0
TOTAL_SECONDS: Final = 60.0
REDIRECTS: Final = (301, 302, 303, 307, 308)

OUTCOMES: Final = {
    Forbidden: "forbidden",
    Unanswered: "unanswered",
    Unusable: "unusable",
    Refused: "refused",
}
"""How a request that ended in an error is counted."""


class Answer(NamedTuple):
    """The beginning of an answer; its body is still to come."""

    question: Question
    """The one that it answers, after redirects."""
    response: httpcore.Response
    headers: httpx.Headers

    @property
    def status(self) -> int:
        return self.response.status


class Times(NamedTuple):
    """How long a request may take, in seconds: for a connection, without a byte, for a whole answer."""

    connect: float = CONNECT_SECONDS
    read: float = READ_SECONDS
    total: float | None = TOTAL_SECONDS


TIMES: Final = Times()


class Outcome:
    """How a request goes, for its metric and for the circuit of its host."""

    def __init__(self, traffic: Traffic, host: str) -> None:
        self._traffic = traffic
        self._host = host
        self.name = "answered"

    def answered(self, status: int = httpx.codes.OK) -> None:
        """The host answers, well or with an error."""
        if status >= SERVER_ERROR:
            self._traffic.failed(self._host)
        else:
            self._traffic.succeeded(self._host)
        self.name = "refused" if status >= SERVER_ERROR or status == TOO_MANY else "answered"

    def ended(self, error: AgentError) -> None:
        """It ends in an error."""
        self.name = next(name for kind, name in OUTCOMES.items() if isinstance(error, kind))
        if isinstance(error, Unanswered):
            self._traffic.failed(self._host)


class Exchange:
    """Asks with the connections of ``pool`` what ``gate`` lets through."""

    def __init__(self, gate: Gate, pool: httpcore.AsyncConnectionPool) -> None:
        self._gate = gate
        self._traffic = gate.traffic
        self._pool = pool

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()

    async def whole(self, question: Question, times: Times) -> Reply:
        """The whole answer; a body of the wrong type is refused where the status is 200.

        Raises:
            Unanswered, Unusable, Refused, Forbidden: see `agents.web.client.Web.get`.
        """
        began = self._traffic.clock()
        async with self.opened(question, times) as answer:
            if answer.status == httpx.codes.OK:
                bodies.check_type(answer.headers, question.accept)
            body = await bodies.whole(answer.response, answer.headers, question.max_bytes)
        told, took = server_time(answer.headers), self._traffic.clock() - began
        self._traffic.metrics.web_seconds.labels(self._gate.agent).observe(max(took.total_seconds(), 0.0))
        self._gate.compare_clocks(answer.question, told)
        return Reply(answer.status, answer.headers, body, str(answer.question.url), told)

    @contextmanager
    def counted(self, question: Question) -> Generator[Outcome, None, None]:
        """Counts how a request ends."""
        outcome = Outcome(self._traffic, question.place)
        try:
            yield outcome
        except (Forbidden, Unanswered, Unusable, Refused) as error:
            outcome.ended(error)
            raise
        finally:
            self._traffic.count(self._gate.agent, outcome.name)

    @asynccontextmanager
    async def opened(self, question: Question, times: Times) -> AsyncGenerator[Answer, None]:
        """Ask, and follow redirects up to an answer of another kind; it is closed at the end.

        Raises:
            Unanswered, Unusable, Refused, Forbidden: see `agents.web.client.Web.get`.
        """
        asked = question
        with self.counted(question) as outcome:
            while True:
                await self._gate.let(asked)
                async with self._sent(asked, times) as answer:
                    outcome.answered(answer.status)
                    location = answer.headers.get("Location")
                    if answer.status not in REDIRECTS or location is None:
                        yield answer
                        return
                asked = asked.redirected(answer.status, location)

    @asynccontextmanager
    async def _sent(self, question: Question, times: Times) -> AsyncGenerator[Answer, None]:
        """One request without redirects, within ``times``; errors of the network as `Unanswered`."""
        url = question.url
        request = httpcore.Request(
            question.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[(b"Host", url.netloc), *question.headers.raw],
            content=question.content,
            extensions={
                "timeout": {
                    "connect": times.connect,
                    "read": times.read,
                    "write": times.read,
                    "pool": times.total or TOTAL_SECONDS,
                }
            },
        )
        try:
            async with asyncio.timeout(times.total):
                response = await self._pool.handle_async_request(request)
                try:
                    yield Answer(question, response, httpx.Headers(response.headers))
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise Unanswered(f"{shown(url)}: no whole answer within {times.total} s") from error
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            ssl.SSLError,
        ) as error:
            raise Unanswered(f"{shown(url)}: {type(error).__name__}: {error}") from error
