"""The whole examination: the settings, this machine, Kafka, ClickHouse, the workers; one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from pydantic import SecretStr

from pipeline.checks import Part, broker_memory, workers
from pipeline.doctor.clickhouse import check_clickhouse
from pipeline.doctor.kafka import check_kafka
from pipeline.doctor.machine import check_machine
from pipeline.doctor.variables import check_settings, check_variables
from pipeline.settings import Settings

SHORTEST_SECRET = 4
"""What is shorter would black out half of every message."""


async def examine(
    settings: Settings, environ: Mapping[str, str], principal: str, clock: Callable[[], datetime]
) -> list[Part]:
    """Every finding, well or not; the passwords and tokens of the settings are in none of them.

    Args:
        settings: with the servers of a running ``molva up``, where there is one.
        environ: the variables of the process.
        principal: whose rights in Kafka are asked for (`pipeline.permissions`); it has to be who logs in.
        clock: ours, for the comparison with the servers'.
    """
    parts = [
        *check_variables(environ),
        *check_settings(settings, environ),
        *check_machine(settings),
        *await check_kafka(settings, principal, clock),
        *broker_memory(settings),
        *check_clickhouse(settings, clock),
        *workers(settings),
    ]
    return without_secrets(parts, settings)


def without_secrets(parts: Iterable[Part], settings: Settings) -> list[Part]:
    """The parts with every secret of the settings blacked out: servers may repeat what they were sent."""
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    return [part._replace(detail=_blacked_out(part.detail, secrets)) for part in parts]


def _blacked_out(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text
