"""A POST of a receiver, with the answer as an `Outcome`: what is worth another try, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from pipeline.alerts.receiver import Delivered, Later, Outcome, Refused

ANOTHER_TRY = frozenset({408, 409, 421, 423, 425, 429})
"""Client errors that may go away: time-outs, conflicts, locks, limits."""
SHOWN = 200
"""Characters of a refusal's body that are told."""


def client(timeout: float, proxy: str | None) -> httpx.AsyncClient:
    """A client that follows no redirect and asks no environment for a proxy.

    Args:
        timeout: seconds for connecting, for writing, and for each wait for a part of the answer.
        proxy: the address of a proxy; None: none.
    """
    return httpx.AsyncClient(timeout=timeout, proxy=proxy, trust_env=False)


async def post(
    http: httpx.AsyncClient,
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    clock: Callable[[], datetime],
) -> Outcome:
    """Send ``content``; any answer below 300 is a success. No address is told: it may hold a secret."""
    try:
        answer = await http.post(
            url, content=content, headers={"content-type": "application/json", **headers}
        )
    except httpx.InvalidURL as error:
        return Refused(f"the address is no URL: {error}")
    except httpx.TimeoutException as error:
        return Later(f"no answer in time ({type(error).__name__})")
    except httpx.HTTPError as error:
        return Later(f"{type(error).__name__}: {error}")
    if answer.status_code < 300:
        return Delivered()
    why = f"HTTP {answer.status_code}: {answer.text[:SHOWN]!r}"
    if answer.status_code >= 500 or answer.status_code in ANOTHER_TRY:
        return Later(why, retry_after(answer.headers.get("retry-after"), clock()))
    return Refused(why)


def retry_after(value: str | None, now: datetime) -> float:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3: a number or a date); 0: none."""
    if value is None:
        return 0.0
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
