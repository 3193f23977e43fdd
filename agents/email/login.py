"""Logging in to a mailbox: with a password, or with an access token that is made anew when it is old."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import httpx

from agents.base import BadConfiguration, SourceUnavailable
from agents.email.connection import Client, Connection
from agents.email.options import OAuth, Options
from agents.rates import token_key
from agents.surroundings import Surroundings

EARLY: Final = timedelta(minutes=2)
"""So much before its end a token is no longer used."""
USUAL_SECONDS: Final = 3600.0


class Login:
    """Of one mailbox; the connections to its folders share the access token."""

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self._token = ""
        self._until: datetime | None = None
        self._refreshing = asyncio.Lock()

    async def perform(self, connection: Connection) -> None:
        """Log in.

        Raises:
            BadConfiguration: the password or token is refused, or cannot be sent over this connection.
            SourceUnavailable: not now.
        """
        options, user = self._options, self._options.user
        if (password := options.password) is None:
            token = await self._access_token()
            await connection.call(lambda client: client.oauth2_login(user, token))
            return
        secret = password.get_secret_value()

        def with_password(client: Client) -> None:
            if client.has_capability("LOGINDISABLED"):
                raise BadConfiguration(
                    f"{connection.place}: the server takes no password here: set `security` to `tls` or"
                    " `starttls`, or log in with `oauth`"
                )
            if secret.isascii() and user.isascii():
                client.login(user, secret)
            else:
                client.plain_login(user, secret)

        await connection.call(with_password)

    async def _access_token(self) -> str:
        given, oauth = self._options.access_token, self._options.oauth
        if given is not None or oauth is None:
            return given.get_secret_value() if given is not None else ""
        async with self._refreshing:
            if self._until is None or self._around.clock() >= self._until:
                await self._refresh(oauth)
            return self._token

    async def _refresh(self, oauth: OAuth) -> None:
        form = {
            "grant_type": "refresh_token",
            "client_id": oauth.client_id.get_secret_value(),
            "refresh_token": oauth.refresh_token.get_secret_value(),
            "client_secret": oauth.client_secret.get_secret_value() if oauth.client_secret else "",
            "scope": oauth.scope,
        }
        reply = await self._around.web.post(
            oauth.address,
            data={key: value for key, value in form.items() if value},
            token_key=token_key("oauth", form["refresh_token"]),
            retries=1,
        )
        answer = reply.json()
        if not isinstance(answer, dict):
            raise SourceUnavailable(f"{oauth.address} gave no token (HTTP {reply.status})")
        if reply.status != httpx.codes.OK or not isinstance(answer.get("access_token"), str):
            why = f"{answer.get('error', reply.status)}: {answer.get('error_description', '')}"[:200]
            raise BadConfiguration(
                f"{oauth.address} gives no access token ({why}): make a new `refresh_token`"
                " (docs/sources/email.md)"
            )
        lasts = answer.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | float) else USUAL_SECONDS
        self._token = answer["access_token"]
        self._until = self._around.clock() + max(timedelta(seconds=min(seconds, 86_400)) - EARLY, timedelta())
