"""Telegram, Slack, Mattermost, e-mail and the other services of the library Apprise, one address each."""

from __future__ import annotations

import asyncio
import logging

from apprise import Apprise, NotifyFormat, NotifyType

from pipeline.alerts.receiver import Delivered, Later, Notification, Outcome
from pipeline.alerts.wording import Composer
from schemas.spike import Severity

TYPES: dict[Severity, NotifyType] = {
    "info": NotifyType.INFO,
    "warning": NotifyType.WARNING,
    "critical": NotifyType.FAILURE,
}
SPARE_S = 5.0
"""Seconds more than Apprise's own limit after which its thread is no longer waited for."""


def hush() -> None:
    """Keep Apprise out of this process's log: it names addresses, which hold tokens; outcomes tell enough."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)


class UnknownService(ValueError):
    """Apprise does not know such an address."""


class AppriseReceiver:
    """One Apprise address. Apprise tells only whether it worked, so all that did not is tried again.

    Raises:
        UnknownService: the address is none that Apprise knows.
    """

    def __init__(self, name: str, url: str, compose: Composer, *, timeout: float = 10.0) -> None:
        self.name = name
        self._compose = compose
        self._timeout = timeout
        self._apprise = Apprise()
        if not self._apprise.add(url):
            raise UnknownService("not an address that Apprise knows: see docs/alerts.md for the common ones")

    async def send(self, notification: Notification) -> Outcome:
        """Send title and text; Apprise's calls block, so they have a thread."""
        try:
            async with asyncio.timeout(self._timeout + SPARE_S):
                worked = await asyncio.to_thread(self._notify, notification)
        except TimeoutError:
            return Later("no answer in time")
        return Delivered() if worked else Later("the service did not take it, or could not be reached")

    async def close(self) -> None:
        """Apprise keeps no connection."""

    def _notify(self, notification: Notification) -> bool:
        alert = notification.alert
        words = self._compose(alert)
        kind = NotifyType.SUCCESS if alert.status == "resolved" else TYPES[alert.severity]
        text = f"{words.text}\n{words.link}" if words.link else words.text
        result = self._apprise.notify(
            body=text,
            title=words.title,
            notify_type=kind,
            body_format=NotifyFormat.TEXT,
            timeout=self._timeout,
        )
        return bool(result)
