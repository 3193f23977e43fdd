"""One login at Telegram: a connection that keeps to the agent's limits, and whose errors are the agent's.

Telethon's client does the protocol. Every request, its own as well, waits for its turn at `agents.web.Web`.
What Telegram pushes only says which channels have news: they are then read by their events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from types import TracebackType
from typing import Any, Final, Self

from telethon import TelegramClient, errors, events
from telethon.network import ConnectionTcpFull
from telethon.tl import functions

from agents.base import AgentError, BadConfiguration, Refused, SourceUnavailable
from agents.rates import PATIENCE, token_key
from agents.surroundings import Surroundings
from agents.telegram.failures import BOTS_CANNOT, KNOWN, Postponed, translated
from agents.telegram.options import HOW_TO_LOG_IN, Options, Session, opened
from agents.web.addresses import objection, place
from agents.web.refusals import Forbidden

CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 30.0
ONE_AT_A_TIME: Final = (functions.contacts.ResolveUsernameRequest, functions.channels.JoinChannelRequest)
"""Telegram limits these so strictly that a pause of them is none of all else."""


class Account:
    """``async with Account(...) as account``: logged in; ``account.me`` is the id of the user.

    ``moved`` holds the ids of channels of which Telegram pushed news; ``woken`` is set when one is added.
    """

    def __init__(
        self, options: Options, around: Surroundings, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        session = opened(options.session.get_secret_value())
        self._around = around
        self._answer_seconds = answer_seconds
        self._home = (session.server_address, session.port)
        self._url = f"https://{place(*self._home)}"
        self._token_key = token_key("telegram", session.auth_key.key)
        self._client = _client(session, options, self._turn, answer_seconds)
        self.me = 0
        self.moved: set[int] = set()
        self.woken = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Connect and log in.

        Raises:
            BadConfiguration: the session is not one of a logged-in user.
            Forbidden: its data centre is at a private address.
            SourceUnavailable: Telegram does not answer.
        """
        self._client.add_event_handler(self._heard, events.Raw)
        try:
            with _told("Telegram"):
                async with asyncio.timeout(self._answer_seconds + PATIENCE.total_seconds()):
                    await self._turn()
                    await self._around.web.addresses(*self._home)
                    await self._client.connect()
                    me = await self._client.get_me()
        except BaseException:
            await self._client.disconnect()
            raise
        if me is None or me.bot:
            await self._client.disconnect()
            raise BadConfiguration(
                f"the session is not logged in (any more): {HOW_TO_LOG_IN}" if me is None else BOTS_CANNOT
            )
        self.me = me.id
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.disconnect()

    async def ask(self, request: Any, about: str) -> Any:
        """Telegram's answer to a request.

        Args:
            about: what is asked about, for errors: a channel's name.

        Raises:
            Refused: Telegram wants a pause; ``retry_after`` says how long.
            Troubled, PlaceLost: see `agents.telegram.failures`.
            BadConfiguration: the login is void.
            SourceUnavailable: no answer, or one that cannot be used.
        """
        try:
            with _told(about):
                return await self._client(request)
        except Refused as error:
            if error.retry_after is None:
                raise
            if isinstance(request, ONE_AT_A_TIME):
                raise Postponed(str(error), error.retry_after) from error
            self._around.web.rest(self._url, error.retry_after, token_key=self._token_key)
            raise

    async def lost(self) -> None:
        """Wait until the connection is gone."""
        await asyncio.wait((self._client.disconnected,))

    def require(self) -> None:
        """Go on only with a connection.

        Raises:
            SourceUnavailable: it is gone.
        """
        if not self._client.is_connected():
            raise SourceUnavailable("the connection to Telegram was closed")

    async def _turn(self) -> None:
        await self._around.web.turn(self._url, token_key=self._token_key)

    async def _heard(self, update: Any) -> None:
        """Note whose news was pushed; without a channel it is none of ours."""
        message = getattr(update, "message", None)
        peer = getattr(message, "peer_id", None) or update
        if (channel := getattr(peer, "channel_id", None)) is not None:
            self.moved.add(channel)
            self.woken.set()


@contextmanager
def _told(about: str) -> Iterator[None]:
    """Errors of Telethon as the agent's."""
    try:
        yield
    except AgentError:
        raise
    except KNOWN as error:
        raise translated(error, about) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Telethon cancels what waits for an answer when the connection is gone
        raise SourceUnavailable(f"{about}: the connection to Telegram was closed") from error


def _client(session: Session, options: Options, turn: Any, answer_seconds: float) -> Any:
    """A client of Telethon that waits for its turn before each request and never tries again by itself."""
    home = (session.server_address, session.port)

    class Connection(ConnectionTcpFull):  # type: ignore[misc]  # Telethon has no types
        """Connects to the session's data centre, which is checked before, or to another public address."""

        async def connect(self, *given: Any, **named: Any) -> None:
            why = None if (self._ip, self._port) == home else objection(self._ip)
            if why is not None:
                raise Forbidden(f"Telegram named a data centre at {self._ip}, which is {why}")
            await super().connect(*given, **named)

    class Client(TelegramClient):  # type: ignore[misc]
        async def __call__(
            self, request: Any, ordered: bool = False, flood_sleep_threshold: int | None = None
        ) -> Any:
            try:
                await turn()
            except Refused as error:  # what Telethon asks by itself knows how to wait after this one
                wait = 0 if error.retry_after is None else ceil(error.retry_after.total_seconds())
                raise errors.FloodWaitError(request=request, capture=wait) from error
            async with asyncio.timeout(answer_seconds):
                return await super().__call__(request, ordered, flood_sleep_threshold)

    try:
        number = int(options.api_id.get_secret_value())
    except ValueError as error:
        raise BadConfiguration("`api_id` is a number, from my.telegram.org") from error
    return Client(
        session,
        number,
        options.api_hash.get_secret_value(),
        connection=Connection,
        use_ipv6=":" in session.server_address,
        timeout=CONNECT_SECONDS,
        request_retries=0,
        connection_retries=0,
        auto_reconnect=False,
        raise_last_call_error=True,
        flood_sleep_threshold=0,
        sequential_updates=True,
        device_model="Molva",
        app_version="0.1",
        base_logger="molva.agent.telethon",
    )
