"""The options of an ``email`` agent in agents.yaml."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.options import AgentOptions, Limits, Secret
from agents.web.addresses import place

SOURCE: Final = "email"
PORTS: Final = {"tls": 993, "starttls": 143, "none": 143}
TOKEN_URLS: Final = {
    "google": "https://oauth2.googleapis.com/token",
    "microsoft": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    "yandex": "https://oauth.yandex.ru/token",
    "mailru": "https://oauth.mail.ru/token",
}

Security = Literal["tls", "starttls", "none"]


class Folder(BaseModel):
    """A folder of the mailbox; ``role`` says what its mail is."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    folder: str = Field(default="INBOX", min_length=1, max_length=200)
    role: str = Field(default="complaints", pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    """``complaints``, ``press`` or a name of your own; stands in the extras of each post."""
    name: str = Field(default="", max_length=200)
    """The name of the channel; default: the role."""
    skip_bulk: bool = False
    """True: newsletters are left out (``List-Unsubscribe``, ``Precedence: bulk``)."""


class OAuth(BaseModel):
    """Where access tokens come from, for XOAUTH2."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    provider: Literal["google", "microsoft", "yandex", "mailru"] | None = None
    token_url: str | None = Field(default=None, pattern=r"^https?://[^/?#@]+/[^?#]*$")
    """Instead of ``provider``."""
    client_id: Secret
    client_secret: Secret | None = None
    refresh_token: Secret
    scope: str = ""

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if (self.provider is None) == (self.token_url is None):
            raise ValueError("give either `provider` or `token_url`")
        return self

    @property
    def address(self) -> str:
        """The URL that gives access tokens."""
        return self.token_url or TOKEN_URLS[self.provider or ""]


class Options(AgentOptions):
    """One mailbox, and the folders that are read."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=10.0, burst=20)

    kind: Literal["email"] = "email"
    host: str = Field(pattern=r"^[A-Za-z0-9.-]+$")
    port: int | None = Field(default=None, ge=1, le=65535)
    """Default: 993, with ``starttls`` and ``none`` 143."""
    security: Security = "tls"
    user: str = Field(min_length=1, max_length=320)
    """The login, which mostly is the address."""
    address: str = Field(default="", max_length=320)
    """The address of the mailbox, where the login is another name."""
    password: Secret | None = None
    access_token: Secret | None = None
    """A token that somebody else keeps fresh; it is read when the process starts."""
    oauth: OAuth | None = None
    folders: tuple[Folder, ...] = Field(default=(Folder(),), min_length=1, max_length=10)
    """Each takes a connection of its own; mail services allow some ten to fifteen."""
    addresses: Literal["hash", "keep"] = "hash"
    """``hash``: of a sender only a keyed hash is kept, in place of the address."""
    names: Literal["keep", "drop"] = "keep"
    hash_key: Secret | None = None
    history: int = Field(default=100, ge=0, le=100_000)
    """How many messages of a folder are collected when it is new to the agent."""
    mark_seen: bool = False
    """True: what was collected is marked as read. Otherwise the mailbox is opened for reading only."""
    idle: bool = True
    """False: the server is asked every ``poll_seconds``, as where it lacks IDLE."""
    poll_seconds: float = Field(default=60.0, ge=10, le=86_400)
    max_bytes: int = Field(default=2 * 1024 * 1024, ge=10_000, le=32 * 1024 * 1024)
    """Of each message so much is read; large attachments lie behind it, and only their names are told."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        given = [each for each in (self.password, self.access_token, self.oauth) if each is not None]
        if len(given) != 1:
            raise ValueError("give one of `password` (of an application), `access_token`, `oauth`")
        if self.addresses == "hash" and self.hash_key is None:
            raise ValueError(
                "`hash_key` is missing: a long random text that stays the same (`openssl rand -hex 32`),"
                " with which addresses of senders are hashed; or write `addresses: keep`"
            )
        names = [each.folder for each in self.folders]
        if len(set(names)) < len(names):
            raise ValueError("a folder stands there twice")
        return self

    @property
    def effective_port(self) -> int:
        return self.port or PORTS[self.security]

    @property
    def mailbox(self) -> str:
        """The address of the mailbox, or the login where that is not known."""
        return (self.address or self.user).lower()

    @property
    def url(self) -> str:
        """The server as the network's rules name it."""
        return f"https://{place(self.host, self.effective_port)}"

    def hosts(self) -> tuple[str, ...]:
        return (self.url, *((self.oauth.address,) if self.oauth is not None else ()))
