"""Which network addresses an agent may connect to: public ones, and the few that the installation allows.

Names are resolved here, and the connection goes to the address that was checked, so a name that changes its
address between the check and the connection (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from agents.web.refusals import Forbidden, Unanswered

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name, for a port; OSError where there are none."""

RESOLVE_SECONDS = 10.0

_SPECIAL = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by carriers (CGNAT)",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "metadata of Azure",
    "169.254.0.0/16": "link-local, metadata of clouds",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved for protocols",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "::1/128": "loopback",
    "::ffff:0:0/96": "IPv4-mapped",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "fc00::/7": "private (unique local), metadata of clouds",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
    "2001::/23": "reserved for protocols (Teredo, ORCHID)",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3fff::/20": "documentation",
}
"""IANA's registries of special-purpose addresses (RFC 6890 and its updates), and Azure's own."""

SPECIAL: tuple[tuple[IPv4Network | IPv6Network, str], ...] = tuple(
    (ip_network(network), name) for network, name in _SPECIAL.items()
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 that is handed out to the public."""


def objection(address: str) -> str | None:
    """Why an address (a literal, as resolvers give it) is not a public one; None where it is."""
    try:
        known: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return "not an address"
    for network, name in SPECIAL:
        if known.version == network.version and known in network:
            return name
    if isinstance(known, IPv6Address) and (known.scope_id is not None or known not in GLOBAL_UNICAST):
        return "reserved"
    return None


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver, IPv4 first; OSError where there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in sorted(found, key=lambda each: each[0])))


class Addresses:
    """Resolves hosts and lets through what may be connected to.

    Args:
        private: ``host:port`` (``[::1]:8080``) of places whose address may be any: servers of the
            installation itself, and those of tests.
    """

    def __init__(self, private: frozenset[str] = frozenset(), resolve: Resolve = resolve) -> None:
        self._private = private
        self._resolve = resolve

    async def of(self, host: str, port: int) -> list[str]:
        """The addresses of ``host`` that may be connected to, at least one.

        Raises:
            Forbidden: all of its addresses are of a forbidden kind.
            Unanswered: it has no address, or the resolver does not answer.
        """
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise Unanswered(f"{host}: the resolver does not answer") from error
        except (OSError, UnicodeError) as error:
            raise Unanswered(f"{host} has no address: {error}") from error
        if place(host, port) in self._private:
            return list(found)
        objections = {address: objection(address) for address in found}
        allowed = [address for address, why in objections.items() if why is None]
        if not allowed:
            told = ", ".join(f"{address} ({why})" for address, why in objections.items())
            raise Forbidden(
                f"{host} is at {told or 'no address'}; agents connect to public addresses only. If it is a"
                f" server of yours, add {place(host, port)} to MOLVA_AGENT_PRIVATE_HOSTS"
            )
        return allowed


def place(host: str, port: int) -> str:
    """``host:port``, with brackets round an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
