"""Which addresses may be connected to, and that the one that was checked is the one connected to."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.web import Forbidden, Unanswered
from agents.web.addresses import Addresses, objection, resolve
from agents.web.wire import CheckedBackend

PUBLIC = ["93.184.216.34", "87.240.132.67", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4010:c0e::71"]
FORBIDDEN = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "0.0.0.0": "this network",
    "10.1.2.3": "private",
    "172.31.255.255": "private",
    "192.168.0.1": "private",
    "100.64.0.1": "CGNAT",
    "100.100.100.200": "CGNAT",  # metadata of Alibaba
    "169.254.169.254": "metadata",
    "169.254.170.2": "metadata",
    "168.63.129.16": "metadata",
    "192.0.0.192": "protocols",  # metadata of Oracle
    "198.18.0.1": "benchmarks",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "255.255.255.255": "reserved",
    "::": "reserved",
    "::1": "loopback",
    "::127.0.0.1": "reserved",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:93.184.216.34": "IPv4-mapped",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b:1::a00:1": "NAT64",
    "2002:7f00:1::": "6to4",
    "2002:a9fe:a9fe::": "6to4",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
    "2001:db8::1": "documentation",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "reserved",
    "ff02::1": "multicast",
    "5f00::1": "reserved",
    "127.1": "not an address",
    "": "not an address",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert objection(address) is None


@pytest.mark.parametrize(("address", "why"), FORBIDDEN.items())
def test_others_do_not(address: str, why: str) -> None:
    assert why in str(objection(address))


@given(st.ip_addresses())
def test_what_passes_is_global_by_the_standard_library_too(address: IPv4Address | IPv6Address) -> None:
    if objection(str(address)) is None:
        assert address.is_global
        assert not (address.is_multicast or address.is_private or address.is_reserved)


@given(st.ip_addresses(v=4))
def test_no_form_of_an_ipv4_address_in_ipv6_passes(address: IPv4Address) -> None:
    value = int(address)
    forms = ((0xFFFF << 32) | value, value, (0x64FF9B << 96) | value, (0x2002 << 112) | (value << 80))
    assert all(objection(str(ip_address(form)) if form > 2**32 else f"::{address}") for form in forms)


class Network(httpcore.AsyncNetworkBackend):
    """Remembers what was connected to; addresses in ``dead`` do not answer."""

    def __init__(self, *dead: str) -> None:
        self.dead = dead
        self.tried: list[tuple[str, int, float | None]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.tried.append((host, port, timeout))
        if host in self.dead:
            raise httpcore.ConnectError("no route")
        return httpcore.AsyncMockStream([])


def addresses(*answers: list[str], private: frozenset[str] = frozenset()) -> Addresses:
    """`Addresses` whose resolver gives one answer after the other."""
    waiting = iter(answers)

    async def resolver(_host: str, _port: int) -> list[str]:
        return next(waiting)

    return Addresses(private, resolver)


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing() -> None:
    network = Network()
    backend = CheckedBackend(addresses(["93.184.216.34"], ["127.0.0.1"]), network)
    await backend.connect_tcp("rebinding.example", 80, 10.0)
    assert network.tried == [("93.184.216.34", 80, 10.0)]
    with pytest.raises(Forbidden, match=r"rebinding\.example is at 127\.0\.0\.1 \(loopback\)"):
        await backend.connect_tcp("rebinding.example", 80, 10.0)
    assert len(network.tried) == 1


async def test_of_several_addresses_only_public_ones_are_tried_each_for_its_share_of_time() -> None:
    network = Network("93.184.216.34")
    found = ["127.0.0.1", "93.184.216.34", "fd00::1", "87.240.132.67", "169.254.169.254"]
    await CheckedBackend(addresses(found), network).connect_tcp("mixed.example", 443, 10.0)
    assert network.tried == [("93.184.216.34", 443, 5.0), ("87.240.132.67", 443, 5.0)]


async def test_where_none_answers_the_last_error_is_told() -> None:
    backend = CheckedBackend(addresses(PUBLIC), Network(*PUBLIC))
    with pytest.raises(httpcore.ConnectError):
        await backend.connect_tcp("dead.example", 443, 10.0)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
async def test_odd_spellings_of_loopback_are_seen_through(host: str) -> None:
    with pytest.raises(Forbidden, match="loopback"):
        await Addresses(frozenset(), resolve).of(host, 80)


async def test_private_places_are_allowed_by_host_and_port() -> None:
    known = addresses(["10.0.0.7"], ["10.0.0.7"], private=frozenset({"wiki.corp:8080"}))
    assert await known.of("wiki.corp", 8080) == ["10.0.0.7"]
    with pytest.raises(Forbidden, match=r"add wiki\.corp:80 to MOLVA_AGENT_PRIVATE_HOSTS"):
        await known.of("wiki.corp", 80)


async def test_a_name_without_an_address_is_tried_again_later() -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(Unanswered, match=r"nowhere\.example has no address"):
        await Addresses(frozenset(), resolver).of("nowhere.example", 443)
