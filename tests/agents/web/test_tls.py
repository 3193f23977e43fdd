"""TLS: the certificate must be of the host that was asked for, though the connection goes to an address."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agents.manual_time import JumpingTime
from agents.web import Forbidden, Reach, Unanswered, Web
from tests.agents.web.opening import FAST, quiet_traffic
from tests.agents.web.site import Site, running

NAME = "api.example.test"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of `NAME`, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def names() -> list[str | None]:
    """The names that clients ask for (SNI)."""
    return []


@pytest.fixture
def server_side(certificate: Path, names: list[str | None]) -> Iterator[ssl.SSLContext]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    yield context


def agent_at(site: Site, host: str, trusted: Path | None, seen: list[str]) -> tuple[Web, str]:
    """An agent for which ``host`` is at the site's address, and the URL to ask."""
    port = site.place.rpartition(":")[2]
    there = f"{host}:{port}"

    async def resolver(name: str, _port: int) -> list[str]:
        seen.append(name)
        return ["127.0.0.1"]

    trust = ssl.create_default_context(cafile=trusted) if trusted else ssl.create_default_context()
    reach = Reach.of(there, private=[there])
    agent = Web("t:1", reach, quiet_traffic(JumpingTime(), trust=trust), limit=FAST, resolve=resolver)
    return agent, f"https://{there}/a"


async def test_the_host_is_verified_though_the_connection_goes_to_its_address(
    certificate: Path, server_side: ssl.SSLContext, names: list[str | None]
) -> None:
    seen: list[str] = []
    async with running(server_side) as site:
        site.at("/a", lambda request: web.Response(text=request.headers["Host"]))
        agent, url = agent_at(site, NAME, certificate, seen)
        async with agent:
            reply = await agent.get(url, token_key="t", headers={"Authorization": "Bearer t"})
    assert (reply.text, names, seen) == (url.split("/")[2], [NAME], [NAME])


@pytest.mark.parametrize(("host", "trusts"), [("other.example.test", True), (NAME, False)])
async def test_another_name_and_an_unknown_authority_are_refused(
    certificate: Path, server_side: ssl.SSLContext, host: str, trusts: bool
) -> None:
    async with running(server_side) as site:
        agent, url = agent_at(site, host, certificate if trusts else None, [])
        async with agent:
            with pytest.raises(Unanswered, match="CERTIFICATE_VERIFY_FAILED"):
                await agent.get(url, retries=0)
        assert site.requests == []


async def test_a_websocket_is_verified_too(certificate: Path, server_side: ssl.SSLContext) -> None:
    async with running(server_side) as site:
        agent, url = agent_at(site, "other.example.test", certificate, [])
        async with agent:
            with pytest.raises(Unanswered, match="CERTIFICATE_VERIFY_FAILED"):
                await anext(agent.websocket(url.replace("https", "wss")))


async def test_a_token_is_not_sent_over_http(site: Site) -> None:
    reach = Reach.of("http://api.example.test")
    async with Web("t:1", reach, quiet_traffic(JumpingTime()), limit=FAST) as agent:
        for secret in ({"token_key": "t"}, {"headers": {"Authorization": "Bearer t"}}):
            with pytest.raises(Forbidden, match="https only"):
                await agent.get("http://api.example.test/", **secret)  # type: ignore[arg-type]
