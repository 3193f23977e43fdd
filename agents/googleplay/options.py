"""The options of a ``googleplay`` agent in agents.yaml."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agents.options import AgentOptions, Interval, Limits, Secret

MAX_APPS: Final = 6
REMEMBERED: Final = 3000
"""Reviews and replies of an app that are known by their digest: with six apps a cursor below 1 MiB."""


class App(BaseModel):
    """An app; ``name`` is the name of its channel, else its package."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    package: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+$", max_length=200)
    name: str = Field(default="", max_length=200)


def _app(value: Any) -> Any:
    """A package stands for an app without a name."""
    return {"package": value} if isinstance(value, str) else value


class Options(AgentOptions):
    """Own apps: the API tells of no others."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=0.05, burst=10)
    """Google allows 200 requests for reviews per hour and app."""

    credentials: Secret
    """The JSON key of a service account."""
    apps: tuple[Annotated[App, BeforeValidator(_app)], ...] = Field(min_length=1, max_length=MAX_APPS)
    interval: Interval = Field(default=timedelta(minutes=15), ge=timedelta(minutes=1), le=timedelta(days=3))
    sweep: Interval = Field(default=timedelta(hours=2), ge=timedelta(minutes=30), le=timedelta(days=5))
    """How often all that the API gives, a week, is read."""
    site: str = Field(default="https://androidpublisher.googleapis.com", pattern=r"^https?://[^/?#]+$")
    sign_in: str = Field(default="https://oauth2.googleapis.com/token", pattern=r"^https?://[^?#]+$")
    """Where an access token is given for a signed statement."""

    def hosts(self) -> tuple[str, ...]:
        return (self.site, self.sign_in)
