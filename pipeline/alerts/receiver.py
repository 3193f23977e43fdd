"""What every way of telling people has in common: one notification in, an outcome as a value.

``alertmanager.py``, ``webhook.py`` and ``apprise_receiver.py`` are the receivers; ``delivery.py`` calls them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from schemas.alert import Alert
from schemas.base import Part, UtcDatetime


class Notification(Part):
    """One event of an incident for one receiver.

    ``withdrawn``: it is open, but nobody is to be disturbed. ``first``: the receiver has not heard of it.
    """

    receiver: str
    alert: Alert
    withdrawn: bool = False
    first: bool = False
    queued_at: UtcDatetime

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt: ``<incident id>#<revision>#<receiver>``."""
        return f"{self.alert.event_id}#{self.receiver}"


class Delivered(NamedTuple):
    """The receiver has it."""


class Later(NamedTuple):
    """It did not work now; ``after``: seconds that the receiver asks to be left alone, if it does.

    ``cause``: an exception that no receiver should raise; it goes to the log with its trace.
    """

    why: str
    after: float = 0.0
    cause: Exception | None = None


class Refused(NamedTuple):
    """The receiver will never take it; ``why`` is for the dead letter."""

    why: str


Outcome = Delivered | Later | Refused


class Receiver(Protocol):
    """One receiver of alerts.yaml, ready to be told."""

    @property
    def name(self) -> str:
        """Its name in alerts.yaml."""
        ...

    async def send(self, notification: Notification) -> Outcome:
        """Tell it. Trouble with the receiver is an outcome, not an exception."""
        ...

    async def close(self) -> None:
        """Give its connections back."""
        ...


class Standing(NamedTuple):
    """What a receiver that must be reminded holds of an incident, if it has not forgotten it."""

    alert: Alert
    firing: bool


class Reminded(Receiver, Protocol):
    """A receiver that forgets what it is not told again and again (Alertmanager)."""

    @property
    def every(self) -> float:
        """Seconds between reminders."""
        ...

    async def remind(self, standing: Sequence[Standing]) -> Outcome:
        """Tell it everything again."""
        ...
