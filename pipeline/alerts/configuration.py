"""alerts.yaml as checked values: who is told (receivers), of what and when (routes).


``configuration_file.py`` reads the file and names every mistake by its line.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from string import Template
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from pipeline.alerts.http_call import check_address
from pipeline.alerts.wording import FIELDS, LINK_FIELDS
from pipeline.core.wording import Language
from schemas.alert import AlertEvent
from schemas.base import LIVE
from schemas.mention import ObjectKind
from schemas.spike import Resolution, Severity, Signal

LONGEST = timedelta(days=366)
"""No duration is longer; more is a slip of the finger, and some of it no moment can be moved by."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def duration(value: object) -> object:
    """``90s``, ``15m``, ``2h``, ``1d``, ``1w`` as a `timedelta`; what is none stays for pydantic to refuse.

    Raises:
        ValueError: a text that is no duration, or one longer than `LONGEST`.
    """
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d{1,6})\s*([smhdw])\s*", value)
    if found is None:
        raise ValueError("write a number and s, m, h, d or w, e.g. `15m`")
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if length > LONGEST:
        raise ValueError(f"at most {LONGEST.days}d")
    return length


def _hours(value: object) -> object:
    """``09:00-21:00`` as two times; over midnight where the second is the smaller."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d{1,2}:\d\d)\s*[-–]\s*(\d{1,2}:\d\d)\s*", value)
    if found is None:
        raise ValueError("write from-to, e.g. `09:00-21:00`")
    begin, end = (part.zfill(5) for part in found.groups())
    return time.fromisoformat(begin), time.max if end == "24:00" else time.fromisoformat(end)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown timezone {value!r}: write it like `Europe/Moscow`") from error
    return value


def _template(known: frozenset[str]) -> AfterValidator:
    def check(value: str) -> str:
        template = Template(value)
        if not template.is_valid():
            raise ValueError("a stray `$`: write `$$` for the sign itself, `${name}` for a field")
        unknown = sorted(set(template.get_identifiers()) - known)
        if unknown:
            raise ValueError(f"unknown field ${{{unknown[0]}}}; there are {', '.join(sorted(known))}")
        return value

    return AfterValidator(check)


def _address(value: SecretStr) -> SecretStr:
    check_address(value.get_secret_value())
    return value


def _sendable(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    """Names and values that HTTP can carry (RFC 9110, 5.1 and 5.5), of ASCII; no value is told."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            raise ValueError(f"{name!r} is no name of a header: letters, digits and `-`")
        if not re.fullmatch(r"([!-~]([ \t!-~]*[!-~])?)?", value.get_secret_value()):
            raise ValueError(f"the value of {name} holds more than one line of ASCII: encode or mend it")
    return headers


Duration = Annotated[timedelta, BeforeValidator(duration), Field(gt=timedelta(0))]
Address = Annotated[SecretStr, AfterValidator(_address)]
"""Of http or https."""
Zone = Annotated[str, AfterValidator(_zone)]
Several = BeforeValidator(_listed)
Worded = Annotated[str, _template(FIELDS)]
NAME = r"^[A-Za-z0-9_.-]{1,64}$"


class Strict(BaseModel):
    """A mapping of alerts.yaml: no unknown key, no change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReceiverConfig(Strict):
    """What every receiver has; ``url`` and ``url_file`` exclude each other."""

    name: str = Field(pattern=NAME)
    url: SecretStr | None = None
    url_file: str | None = None
    language: Language | None = None
    events: Annotated[tuple[AlertEvent, ...], Several] = ("opened", "escalated", "reopened", "resolved")
    """Which events it is told besides the first that it hears of an incident."""
    title: Worded | None = None
    text: Worded | None = None
    timeout: Duration = timedelta(seconds=10)

    @model_validator(mode="after")
    def _one_address(self) -> ReceiverConfig:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give `url` or `url_file`")
        return self


class AlertmanagerConfig(ReceiverConfig):
    """An Alertmanager; it is told every event, its own routes decide."""

    type: Literal["alertmanager"]
    url: Address | None = None
    resend: Duration = timedelta(minutes=1)
    hold: Duration = timedelta(hours=1)
    proxy: Address | None = None


class WebhookConfig(ReceiverConfig):
    """A program of one's own."""

    type: Literal["webhook"]
    url: Address | None = None
    secret: SecretStr | None = None
    secret_file: str | None = None
    headers: Annotated[dict[str, SecretStr], AfterValidator(_sendable)] = Field(default_factory=dict)
    proxy: Address | None = None


class AppriseConfig(ReceiverConfig):
    """A chat or a mailbox, by an address of the library Apprise."""

    type: Literal["apprise"]


AnyReceiver = Annotated[AlertmanagerConfig | WebhookConfig | AppriseConfig, Field(discriminator="type")]


class Route(Strict):
    """Who is told of which incidents, and when; what is left out does not matter."""

    receivers: Annotated[tuple[str, ...], Several] = Field(min_length=1)
    objects: Annotated[tuple[str, ...], Several] = ("*",)
    """Ids; ``*`` and ``?`` stand for any characters and one."""
    kinds: Annotated[tuple[ObjectKind, ...], Several] = ()
    signals: Annotated[tuple[Signal, ...], Several] = ()
    resolutions: Annotated[tuple[Resolution, ...], Several] = ()
    severity: Severity = "info"
    """At least."""
    timelines: Annotated[tuple[str, ...], Several] = (LIVE,)
    """``replay:*`` for replays, which nobody is told of otherwise."""
    days: Annotated[tuple[Weekday, ...], Several] = ()
    hours: Annotated[tuple[time, time], BeforeValidator(_hours)] | None = None
    timezone: Zone | None = None


class Configuration(Strict):
    """The whole file. Without routes every receiver is told of every live incident."""

    language: Language = "ru"
    timezone: Zone = "Europe/Moscow"
    cooldown: Duration = timedelta(minutes=30)
    patience: Duration = timedelta(days=1)
    """How long a notification is tried; then it is a dead letter. Older spikes are not told at all."""
    link: Annotated[str, _template(LINK_FIELDS)] | None = None
    receivers: tuple[AnyReceiver, ...] = ()
    routes: tuple[Route, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> Configuration:
        names = [receiver.name for receiver in self.receivers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two receivers are called {name!r}: rename one")
        for number, route in enumerate(self.routes, 1):
            for name in route.receivers:
                if name not in names:
                    raise ValueError(
                        f"route {number} names the receiver {name!r}; there are {', '.join(names) or 'none'}"
                    )
        return self
