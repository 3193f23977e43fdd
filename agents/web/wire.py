"""Connections of agents over TCP and TLS: to addresses that were checked, with the host's own certificate."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

import certifi
import httpcore

from agents.web.addresses import Addresses

MAX_CONNECTIONS = 64
KEEP_IDLE_SECONDS = 20.0
CONNECT_SECONDS = 10.0


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects by name to an address that `Addresses` allows; TLS is checked against the name."""

    def __init__(self, addresses: Addresses, network: httpcore.AsyncNetworkBackend) -> None:
        self._addresses = addresses
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Try the allowed addresses in turn, each for its share of ``timeout`` seconds.

        Raises:
            Forbidden: the host has none.
            Unanswered: the host has no address.
            httpcore.ConnectError, httpcore.ConnectTimeout: none of them answers.
        """
        allowed = await self._addresses.of(host.rstrip("."), port)
        share = None if timeout is None else timeout / len(allowed)
        for address in allowed[:-1]:
            try:
                return await self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(allowed[-1], port, share, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


def open_pool(addresses: Addresses, trust: ssl.SSLContext) -> httpcore.AsyncConnectionPool:
    """A pool of HTTP/1.1 connections; no proxy, whatever the environment says."""
    return httpcore.AsyncConnectionPool(
        ssl_context=trust,
        max_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEEP_IDLE_SECONDS,
        network_backend=CheckedBackend(addresses, httpcore.AnyIOBackend()),
    )


def trusted() -> ssl.SSLContext:
    """The authorities of the system (``SSL_CERT_FILE`` adds a firm's own) and Mozilla's; TLS 1.2 or newer."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
