"""Access to Google's API as a service account: a signed statement is exchanged for a token of an hour."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import jwt
from pydantic import SecretStr

from agents.base import BadConfiguration, SourceUnavailable
from agents.rates import token_key
from agents.surroundings import Surroundings
from agents.web import Reply

SCOPE: Final = "https://www.googleapis.com/auth/androidpublisher"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE: Final = timedelta(hours=1)
MARGIN: Final = timedelta(minutes=2)
"""A token is renewed so long before it ends."""
TOLD: Final = 300


class Access:
    """``await access.token()`` gives one that is good for the next minutes."""

    def __init__(self, credentials: SecretStr, sign_in: str, around: Surroundings) -> None:
        """Read the key of a service account.

        Raises:
            BadConfiguration: it is none; the message does not show it.
        """
        self._key = _key_of(credentials)
        self.token_key = token_key("googleplay", self._key["client_email"])
        self._sign_in = sign_in
        self._around = around
        self._token: tuple[str, datetime] | None = None

    async def token(self) -> str:
        """The access token.

        Raises:
            BadConfiguration: Google does not take the key; says why.
            SourceUnavailable: no answer.
        """
        now = self._around.clock()
        if self._token is None or now >= self._token[1]:
            self._token = await self._new(now)
        return self._token[0]

    def forget(self) -> None:
        """The token is refused: the next one is a new one."""
        self._token = None

    async def _new(self, now: datetime) -> tuple[str, datetime]:
        form = {"grant_type": GRANT, "assertion": self._statement(now)}
        reply = await self._around.web.post(self._sign_in, data=form, retries=2)
        document = reply.json()
        if not isinstance(document, dict):
            raise SourceUnavailable("Google's sign-in gave no object")
        if httpx.codes.is_client_error(reply.status):
            raise BadConfiguration(f"Google does not take the service account's key: {_why(document)}")
        token, seconds = document.get("access_token"), document.get("expires_in", 0)
        if reply.status != httpx.codes.OK or not isinstance(token, str) or not isinstance(seconds, int):
            raise SourceUnavailable(f"Google's sign-in gave no token (HTTP {reply.status})")
        return token, now + max(timedelta(seconds=seconds) - MARGIN, timedelta())

    def _statement(self, now: datetime) -> str:
        claims = {
            "iss": self._key["client_email"],
            "scope": SCOPE,
            "aud": self._sign_in,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFE).timestamp()),
        }
        headers = {"kid": str(self._key.get("private_key_id", ""))}
        try:
            return jwt.encode(claims, self._key["private_key"], algorithm="RS256", headers=headers)
        except (jwt.InvalidKeyError, ValueError, TypeError):  # their messages may show the key
            raise BadConfiguration("the `private_key` of `credentials` is no RSA key in PEM form") from None


def _key_of(credentials: SecretStr) -> dict[str, Any]:
    try:
        document = json.loads(credentials.get_secret_value())
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not all(
        isinstance(document.get(name), str) for name in ("client_email", "private_key")
    ):
        raise BadConfiguration(
            "`credentials` is no key of a service account: download its JSON key in the Google Cloud console"
            " (IAM, service accounts, keys) and write `credentials: file:PATH`"
        )
    return document


def _why(document: dict[str, Any]) -> str:
    return f"{document.get('error')}: {document.get('error_description', '')}"[:TOLD]


def problem_of(reply: Reply) -> tuple[str, str]:
    """The message of an error of Google's APIs, and its reason such as ``rateLimitExceeded``."""
    try:
        error = json.loads(reply.body)["error"]
        reasons = [each.get("reason", "") for each in error.get("errors", ())]
        return str(error.get("message", ""))[:TOLD], str(reasons[0] if reasons else error.get("status", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""
