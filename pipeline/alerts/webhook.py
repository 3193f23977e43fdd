"""The generic webhook: an `schemas.Alert` as signed JSON, for programs of one's own."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

import httpx

from pipeline.alerts.http_call import client, post
from pipeline.alerts.receiver import Notification, Outcome
from pipeline.alerts.wording import Composer

SIGNATURE = "X-Molva-Signature"
"""``t=<unix seconds>,v1=<hex>``: HMAC-SHA256 of ``<unix seconds>.<body>`` under the receiver's secret."""
IDEMPOTENCY = "Idempotency-Key"
"""``<incident>#<revision>#<receiver>``, percent-encoded as UTF-8 where it is not ASCII."""


def signature(secret: str, body: bytes, at: datetime) -> str:
    """The signature header's value; the time in it lets a receiver refuse what is replayed to it later."""
    seconds = int(at.timestamp())
    code = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={code}"


class Webhook:
    """Posts ``{"title", "text", "link", "alert": {...}}`` to one address.

    Args:
        secret: signs the body; empty: unsigned.
        headers: sent with every request (an Authorization, say).
        clock: the time of the signature, and of dates in ``Retry-After``.
    """

    def __init__(
        self,
        name: str,
        url: str,
        compose: Composer,
        clock: Callable[[], datetime],
        *,
        secret: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        proxy: str | None = None,
    ) -> None:
        self.name = name
        self._url = url
        self._compose = compose
        self._clock = clock
        self._secret = secret
        self._headers = dict(headers or {})
        self._http: httpx.AsyncClient = client(timeout, proxy)

    async def send(self, notification: Notification) -> Outcome:
        """Post it; the idempotency key is the same at every attempt, the signature's time is not."""
        words = self._compose(notification.alert)
        document = {**words._asdict(), "alert": notification.alert.model_dump(mode="json")}
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {**self._headers, IDEMPOTENCY: quote(notification.idempotency_key, safe="/#=:+")}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, body, self._clock())
        return await post(self._http, self._url, body, headers, self._clock)

    async def close(self) -> None:
        await self._http.aclose()
