"""The hosts that an agent may ask: those that its configuration names, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import httpx

from agents.base import BadConfiguration
from agents.web.addresses import place
from agents.web.refusals import Forbidden, shown

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
ENCRYPTED = ("https", "wss")
ANY = "any"


@dataclass(frozen=True, slots=True)
class Reach:
    """An allowlist of places; build it with `Reach.of`.

    Attributes:
        places: ``host:port``, or ``*.host:port`` for a host and all its sub-domains.
        redirects: whether a server may send the agent to other places on the usual ports: ``public``
            (feeds move), or to named ones only (all that has a token).
        private: ``host:port`` whose network address may be a private one; asked where it is named only.
    """

    places: frozenset[str]
    redirects: Literal["named", "public"] = "named"
    private: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, *places: str, redirects: Literal["named", "public"] = "named", private: Iterable[str] = ()
    ) -> Reach:
        """``Reach.of("api.vk.com", "*.example.org", "forum.example:8443", "https://blog.example/feed")``.

        A place without a port means ports 80 and 443.

        Raises:
            BadConfiguration: a place is neither a host nor a URL.
        """
        named = frozenset(known for each in places for known in _places(each))
        return cls(named, redirects, frozenset(known for each in private for known in _places(each)))

    def check(self, url: httpx.URL, *, redirected: bool = False, secret: bool = False) -> None:
        """Let a URL through, or not.

        Args:
            redirected: a server named it, not the configuration.
            secret: the request carries credentials, so it must be encrypted unless it stays at home.

        Raises:
            Forbidden: which rule forbids it.
        """
        if url.scheme not in PORTS or not url.host:
            raise Forbidden(f"{shown(url)}: agents ask http and https only")
        if url.userinfo:
            raise Forbidden(f"{shown(url)}: a user or password in a redirect is not sent")
        host, port = host_of(url), port_of(url)
        if secret and url.scheme not in ENCRYPTED and place(host, port) not in self.private:
            raise Forbidden(f"{shown(url)}: credentials are sent over https only")
        if self.names(url):
            return
        if not redirected or self.redirects != "public":
            raise Forbidden(f"{shown(url)}: {place(host, port)} is no host that this agent is configured for")
        if place(host, port) in self.private:
            raise Forbidden(f"{shown(url)}: no redirect leads to a server of MOLVA_AGENT_PRIVATE_HOSTS")
        if port != PORTS[url.scheme]:
            raise Forbidden(f"{shown(url)}: a redirect to port {port} is not followed")

    def names(self, url: httpx.URL) -> bool:
        """Whether the configuration names the host and port of a URL."""
        return self._named(url) is not None

    def server(self, url: httpx.URL) -> str:
        """The ``host:port`` that a URL's requests are counted for: of a sub-domain, the host that is named.

        Thousands of names below one domain are one server to be asked at its limit, not thousands.
        """
        return (self._named(url) or place(host_of(url), port_of(url))).removeprefix("*.")

    def _named(self, url: httpx.URL) -> str | None:
        """The place that lets a URL through."""
        host, port = host_of(url), port_of(url)
        parents = (host[dot + 1 :] for dot, letter in enumerate(host) if letter == ".")
        patterns = (place(host, port), *(f"*.{place(each, port)}" for each in (host, *parents)))
        return next((pattern for pattern in patterns if pattern in self.places), None)


def host_of(url: httpx.URL) -> str:
    """The host of a URL as names are compared: lower case, IDNA, without a trailing dot."""
    return url.raw_host.decode("ascii").lower().rstrip(".")


def port_of(url: httpx.URL) -> int:
    """The port of a URL, also where it is not written."""
    return url.port if url.port is not None else PORTS.get(url.scheme, 0)


def _places(name: str) -> tuple[str, ...]:
    """``host:port`` of a URL, a host, or a host and a port."""
    wild, bare = name.strip().startswith("*."), name.strip().removeprefix("*.")
    hidden = bare.rpartition("@")[2]
    try:
        url = httpx.URL(bare if "://" in bare else f"{ANY}://{bare}")
        host = host_of(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadConfiguration(f"{hidden!r} is no host: {error}") from error
    if not host or (url.scheme == ANY and (url.path not in ("", "/") or url.query)):
        raise BadConfiguration(f"{hidden!r} is no host; write host, host:port or a whole URL")
    usual = (80, 443) if url.scheme == ANY else (PORTS.get(url.scheme, 443),)
    ports = usual if url.port is None else (url.port,)
    return tuple(f"{'*.' if wild else ''}{place(host, port)}" for port in ports)
