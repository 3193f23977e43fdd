"""TLS, STARTTLS and access tokens: what is sent, and what is refused."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from agents.base import BadConfiguration, Progress, SourceUnavailable
from agents.email import Options
from agents.manual_time import ManualTime
from tests.agents.email.letters import letter
from tests.agents.email.reading import SECRETS, Reader
from tests.agents.email.server import TOKEN, Server
from tests.agents.telegram.items import ids


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of ``localhost``, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def of_server(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def of_client(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_mail_is_read_over_tls(certificate: Path, security: str) -> None:
    async with Server(tls=of_server(certificate), starttls=security == "starttls") as server:
        for number in range(7):
            server.publish(letter(number=number) + b"x" * 40_000)
        reader = Reader(server, trust=of_client(certificate), host="localhost", security=security)
        assert len(ids(await reader.read())) == 7


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_of_another_name_or_authority_is_refused(
    certificate: Path, security: str
) -> None:
    async with Server(tls=of_server(certificate), starttls=security == "starttls") as server:
        for host, trust in (
            ("127.0.0.1", of_client(certificate)),
            ("localhost", ssl.create_default_context()),
        ):
            with pytest.raises(SourceUnavailable, match="certificate"):
                await Reader(server, trust=trust, host=host, security=security).read()
        assert not server.asked("LOGIN")


async def test_no_password_goes_where_the_server_wants_encryption_first(certificate: Path) -> None:
    async with Server(tls=of_server(certificate), starttls=True) as server:
        with pytest.raises(BadConfiguration, match="starttls"):
            await Reader(server).read()
        assert not server.asked("LOGIN")


class Tokens:
    """A server of access tokens; ``answers`` are given in turn, the last one again and again."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.forms: list[dict[str, Any]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.forms.append(dict(await request.post()))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status)


@pytest.fixture
async def tokens() -> AsyncIterator[Tokens]:
    made = Tokens((200, {"access_token": TOKEN, "expires_in": 3600}))
    app = web.Application()
    app.router.add_post("/token", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = "http://{}:{}/token".format(*runner.addresses[0])
    yield made
    await runner.cleanup()


def oauth(tokens: Tokens) -> dict[str, Any]:
    keys = {"client_id": "env:KEY", "refresh_token": "env:TOKEN", "token_url": tokens.url}
    return {"password": None, "oauth": keys}


async def test_an_access_token_is_made_and_shared_until_it_is_old(imap: Server, tokens: Tokens) -> None:
    imap.publish(letter(number=1))
    imap.boxes["Press"] = type(imap.boxes["INBOX"])()
    folders = [{"folder": "INBOX"}, {"folder": "Press"}]
    reader = Reader(imap, time=ManualTime(), folders=folders, **oauth(tokens))
    async with reader.web() as outside:
        source = reader.source(outside)
        for passed, made in ((0, 1), (30, 1), (60, 2)):
            reader.time.move(minutes=passed)
            async with aclosing(source.posts(None)) as stream:  # type: ignore[type-var]
                async for item in stream:
                    if isinstance(item, Progress) and item.caught_up:
                        break
            assert len(tokens.forms) == made
    assert tokens.forms[0]["grant_type"] == "refresh_token"
    assert imap.asked("AUTHENTICATE") and not imap.asked("LOGIN")


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        ((400, {"error": "invalid_grant"}), BadConfiguration, "invalid_grant.*refresh_token"),
        ((200, []), SourceUnavailable, "gave no token"),
        ((200, {"access_token": "old"}), BadConfiguration, "the login of"),
        ((503, {}), SourceUnavailable, "503"),
    ],
)
async def test_tokens_that_are_refused(
    imap: Server, tokens: Tokens, answer: tuple[int, Any], kind: type[Exception], why: str
) -> None:
    tokens.answers = [answer]
    with pytest.raises(kind, match=why):
        await Reader(imap, **oauth(tokens)).read()


async def test_a_password_beyond_ascii_and_a_given_token(imap: Server) -> None:
    imap.publish(letter(number=1))
    imap.password = "пароль"
    SECRETS.environment["RUSSIAN"] = "пароль"  # type: ignore[index]
    assert len(ids(await Reader(imap, password="env:RUSSIAN").read())) == 1
    assert len(ids(await Reader(imap, password=None, access_token="env:TOKEN").read())) == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"password": None}, "give one of `password`"),
        ({"access_token": "env:TOKEN"}, "give one of `password`"),
        ({"hash_key": None}, "openssl rand"),
        ({"password": "secret in the file"}, "write `env:NAME`"),
        ({"folders": [{"folder": "A"}, {"folder": "A"}]}, "stands there twice"),
        ({"oauth": {"client_id": "env:KEY", "refresh_token": "env:KEY"}, "password": None}, "token_url"),
    ],
)
def test_mistakes_in_the_options(given: dict[str, Any], why: str) -> None:
    entry = {"name": "a", "kind": "email", "host": "imap.b.example", "user": "u", "password": "env:PASSWORD",
             "hash_key": "env:KEY"} | given  # fmt: skip
    with pytest.raises(ValidationError, match=why) as told:
        Options.model_validate(
            {key: value for key, value in entry.items() if value is not None}, context=SECRETS
        )
    assert "secret in the file" not in str(told.value).split("input_value")[0]
