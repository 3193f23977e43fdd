"""What one entry of agents.yaml holds for every kind of agent; each kind adds its own options to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationInfo,
    model_validator,
)

NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
ENV, FILE = "env:", "file:"
MAX_SECRET_BYTES = 64 * 1024
_INTERVAL = re.compile(r"([0-9]{1,8})([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def _interval(value: Any) -> Any:
    """``10m`` and the like, or seconds."""
    found = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else timedelta(seconds=int(found[1]) * _UNITS[found[2]])


Interval = Annotated[timedelta, BeforeValidator(_interval)]
"""``90s``, ``10m``, ``6h``, ``1d``, or seconds."""


@dataclass(frozen=True)
class Lookup:
    """Where secrets are found: the validation context of every `AgentOptions`.

    ``folder`` is what relative paths begin at; ``complete`` False reads the file without its secrets.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    complete: bool = True


def _resolved(value: Any, info: ValidationInfo) -> Any:
    """The secret behind ``env:NAME`` or ``file:PATH``; one that is written out is refused, and not told."""
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value.startswith((ENV, FILE)):
        raise ValueError("holds a secret: write `env:NAME` and set NAME in the environment, or `file:PATH`")
    lookup = info.context if isinstance(info.context, Lookup) else Lookup()
    if not lookup.complete:
        return SecretStr("not read")
    secret = _variable(value, lookup) if value.startswith(ENV) else _content(value, lookup)
    if not secret:
        raise ValueError(f"{value} is empty")
    return SecretStr(secret)


def _variable(reference: str, lookup: Lookup) -> str:
    name = reference.removeprefix(ENV)
    if name not in lookup.environment:
        raise ValueError(f"the variable {name} is not set in the environment")
    return lookup.environment[name].strip()


def _content(reference: str, lookup: Lookup) -> str:
    path = lookup.folder / reference.removeprefix(FILE)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        if len(content) > MAX_SECRET_BYTES:
            raise ValueError(f"{path} is larger than {MAX_SECRET_BYTES} bytes: is it the right file?")
        return content.decode("utf-8").strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text") from error


Secret = Annotated[SecretStr, BeforeValidator(_resolved)]
"""``env:NAME`` or ``file:PATH`` in the file, a `SecretStr` in the options: no repr, log or error shows it."""


def secrets_in(value: object) -> Iterator[str]:
    """Every secret in options, however deep: what no log may show."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for _, part in value:
            yield from secrets_in(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from secrets_in(part)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from secrets_in(part)


def _open(url: HttpUrl) -> HttpUrl:
    if url.username is not None or url.password is not None:
        raise ValueError(
            "holds a user or a password: leave them out, and write `auth: env:NAME` if the kind has that"
        )
    return url


Address = Annotated[HttpUrl, AfterValidator(_open)]
"""``https://host/path?query``, without credentials: it is shown to whoever sees the agent."""


def _zoned(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_zoned)]
"""A date or a moment; without a zone it is UTC."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Limits(_Part):
    """How often a host may be asked with one token; ``burst`` requests may come at once."""

    requests_per_second: float = Field(default=1.0, gt=0, le=1000)
    burst: int = Field(default=1, ge=1, le=10_000)


class Backfill(_Part):
    """A period of the past to collect beside the present: from ``since`` to before ``until``."""

    since: Moment
    until: Moment
    requests_per_second: float = Field(default=0.5, ge=0.001, le=1000)
    """Its own budget; it takes only what the live stream leaves."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since >= self.until:
            raise ValueError("`since` must come before `until`")
        return self


class AgentOptions(_Part):
    """One agent. A kind derives ``class Options(AgentOptions)`` with its own fields, `LIMITS` and `hosts`."""

    LIMITS: ClassVar[Limits] = Limits()
    """What `effective_limits` are where the file gives none."""
    REDIRECTS: ClassVar[Literal["named", "public"]] = "named"
    """Whether a server may send the agent to other public hosts; never where a token goes along."""
    ALONE: ClassVar[bool] = False
    """Its credentials are voided where they are used in two places at a time."""

    name: str = Field(pattern=NAME)
    kind: str
    limits: Limits | None = None
    backfill: Backfill | None = None

    @property
    def agent(self) -> str:
        """The agent's full name, ``<kind>:<name>``: of its cursor, its watermarks, its metrics."""
        return f"{self.kind}:{self.name}"

    @property
    def effective_limits(self) -> Limits:
        """The limits of the file, or those of the kind."""
        return self.limits or self.LIMITS

    def hosts(self) -> tuple[str, ...]:
        """What the agent may ask, as `agents.web.reach.Reach.of` takes it: ``host``, ``*.host``, a URL."""
        return ()
