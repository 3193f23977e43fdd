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
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        return Refused(f"the address is no URL of http or https: {error}")
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
    if value.isascii() and value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the second: a day, a year or a zone of twenty digits
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def check_address(url: str) -> None:
    """Say what is wrong with an address of http or https, without telling it: it may hold a secret.

    Raises:
        ValueError: it has no such scheme, no host, or a port that there is not.
    """
    try:
        parsed = httpx.URL(url)
        parsed.host.encode("idna")  # as the look-up of the name will do
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ValueError("no URL: write it like `https://host:port/path`") from error
    if parsed.scheme not in ("http", "https"):
        raise ValueError("write the whole address with http:// or https://")
    if not parsed.host or not set(parsed.host).isdisjoint("% "):
        raise ValueError("the address has no host: write it like `https://host:port/path`")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise ValueError(f"there is no port {parsed.port}: write one from 1 to 65535")
