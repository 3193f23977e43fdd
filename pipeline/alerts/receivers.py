"""Receivers of alerts.yaml, opened: configuration in, things that can be told out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pydantic import SecretStr

from pipeline.alerts.alertmanager import Alertmanager
from pipeline.alerts.apprise_receiver import AppriseReceiver
from pipeline.alerts.configuration import AlertmanagerConfig, AnyReceiver, Configuration, WebhookConfig
from pipeline.alerts.receiver import Receiver
from pipeline.alerts.webhook import Webhook
from pipeline.alerts.wording import Names, composer
from pipeline.errors import UsageError


def open_receivers(
    configuration: Configuration, names: Names, clock: Callable[[], datetime]
) -> list[Receiver]:
    """All receivers, in the order of the file; nothing is connected yet.

    Raises:
        UsageError: an address or a proxy is none; the message names the receiver.
    """
    receivers: list[Receiver] = []
    for config in configuration.receivers:
        try:
            receivers.append(_open(config, configuration, names, clock))
        except ValueError as error:
            raise UsageError(f"the receiver {config.name!r}: {error}") from error
    return receivers


def _open(
    config: AnyReceiver, configuration: Configuration, names: Names, clock: Callable[[], datetime]
) -> Receiver:
    language = config.language or configuration.language
    compose = composer(language, names, config.title, config.text, configuration.link)
    url, timeout = _plain(config.url), config.timeout.total_seconds()
    if isinstance(config, AlertmanagerConfig):
        every, proxy = config.resend.total_seconds(), _plain(config.proxy) or None
        return Alertmanager(
            config.name, url, compose, clock, every=every, hold=config.hold, timeout=timeout, proxy=proxy
        )
    if isinstance(config, WebhookConfig):
        return Webhook(
            config.name,
            url,
            compose,
            clock,
            secret=_plain(config.secret),
            headers={name: _plain(value) for name, value in config.headers.items()},
            timeout=timeout,
            proxy=_plain(config.proxy) or None,
        )
    return AppriseReceiver(config.name, url, compose, timeout=timeout)


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
