"""The options of an ``appstore`` agent in agents.yaml."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agents.options import AgentOptions, Interval, Limits

_APP: Final = re.compile(
    r"^(?:(?:https?://)?(?:apps|itunes)\.apple\.com/(?:[^?#]*/)?)?(?:id)?(\d{5,12})(?:[?#/].*)?$"
)


def app_id(value: object) -> str:
    """The number of an app: ``1234567890``, ``id1234567890`` or its address at apps.apple.com.

    Raises:
        ValueError: it is none of these.
    """
    found = _APP.match(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is no app: write its number, or its address at apps.apple.com")
    return found[1]


AppId = Annotated[str, BeforeValidator(app_id)]
Country = Annotated[str, BeforeValidator(lambda value: str(value).lower()), Field(pattern=r"^[a-z]{2}$")]


class App(BaseModel):
    """An app; ``name`` is the name of its channel, else the one of the feed."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    id: AppId
    name: str = Field(default="", max_length=200)
    own: bool = False
    """True where it is the watched company's own; so is one that the watchlist lists as an account."""


def app_of(value: Any) -> Any:
    """A number or an address stands for an app without a name."""
    return value if isinstance(value, dict | App) else {"id": value}


class Options(AgentOptions):
    """Apps by country, besides the watchlist's own ones (``accounts: {appstore: [...]}``)."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=0.3, burst=3)

    apps: tuple[Annotated[App, BeforeValidator(app_of)], ...] = Field(default=(), max_length=30)
    countries: tuple[Country, ...] = Field(default=("ru",), min_length=1, max_length=30)
    interval: Interval = Field(default=timedelta(minutes=15), ge=timedelta(minutes=1), le=timedelta(days=7))
    sweep: Interval = Field(default=timedelta(hours=6), ge=timedelta(minutes=10), le=timedelta(days=30))
    """How often all pages are read, for edits that did not move their review to the top."""
    pages: int = Field(default=10, ge=1, le=10)
    site: str = Field(default="https://itunes.apple.com", pattern=r"^https?://[^/?#]+$")
    """Where the feeds are: another address where a firm's own gateway stands before them."""

    def hosts(self) -> tuple[str, ...]:
        return (self.site,)
