"""The options of an ``appstore-connect`` agent in agents.yaml."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Final

from pydantic import BeforeValidator, Field

from agents.appstore.options import App, app_of
from agents.options import AgentOptions, Interval, Limits, Secret

MAX_APPS: Final = 6
REMEMBERED: Final = 3000
"""Reviews and replies of an app that are known by their digest: with six apps a cursor below 1 MiB."""


class Options(AgentOptions):
    """Own apps: the API tells of no others."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=0.5, burst=5)
    """Apple allows some 3,500 requests per hour and key."""

    key: Secret
    """The private key, the content of ``AuthKey_....p8``."""
    key_id: str = Field(pattern=r"^[A-Z0-9]{10}$")
    issuer: str = Field(pattern=r"^[0-9a-fA-F-]{36}$")
    apps: tuple[Annotated[App, BeforeValidator(app_of)], ...] = Field(min_length=1, max_length=MAX_APPS)
    interval: Interval = Field(default=timedelta(minutes=10), ge=timedelta(minutes=1), le=timedelta(days=7))
    sweep: Interval = Field(default=timedelta(hours=6), ge=timedelta(minutes=30), le=timedelta(days=30))
    """How often all ``pages`` are read, for edits and replies, which move no review to the top."""
    pages: int = Field(default=10, ge=1, le=15)
    """Of 200 reviews."""
    site: str = Field(default="https://api.appstoreconnect.apple.com", pattern=r"^https?://[^/?#]+$")

    def hosts(self) -> tuple[str, ...]:
        return (self.site,)
