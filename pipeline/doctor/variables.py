"""Settings that contradict each other, and variables that look like settings and are none."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pipeline.alerts.configuration_file import AlertsError, read_configuration
from pipeline.checks import Part
from pipeline.settings import Settings

PREFIX = "MOLVA_"
NEAR = 0.9
"""Two names are one misspelt, from this similarity on (`difflib`)."""
CLICKHOUSE_TLS, CLICKHOUSE_PLAIN = 9440, 9000


def check_variables(environ: Mapping[str, str]) -> list[Part]:
    """Misspelt settings: nothing else would ever tell that they are passed over.

    Variables of other names are left alone: alerts.yaml and docker-compose.yml have some of their own.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    parts = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, 1, NEAR)
            if near and near[0] not in environ and not name.endswith(("_FILE", "_DIR")):
                parts.append(Part("variable", False, f"{name} is no setting", f"do you mean {near[0]}?"))
    return parts


def check_settings(settings: Settings, environ: Mapping[str, str]) -> list[Part]:
    """What each value allows and all together do not."""
    wrong = [
        Part("settings", False, detail, cure)
        for holds, detail, cure in (*_kafka(settings), *_clickhouse(settings))
        if holds
    ]
    wrong += _alerts(settings, environ)
    return wrong or [Part("settings", True, f"{len(Settings.model_fields)} settings agree")]


def _kafka(settings: Settings) -> list[tuple[bool, str, str]]:
    security = settings.kafka_security
    sasl, tls = security.startswith("SASL"), security in ("SSL", "SASL_SSL")
    named = bool(settings.kafka_username and settings.kafka_password.get_secret_value())
    authority = settings.kafka_ca_file
    ports = [address.strip().rpartition(":")[2] for address in settings.kafka_bootstrap.split(",")]
    return [
        (
            sasl and not named,
            f"MOLVA_KAFKA_SECURITY={security} without user or password",
            "set MOLVA_KAFKA_USERNAME and MOLVA_KAFKA_PASSWORD",
        ),
        (
            named and not sasl,
            f"Kafka's user {settings.kafka_username} is not used with MOLVA_KAFKA_SECURITY={security}",
            "set MOLVA_KAFKA_SECURITY=SASL_SSL, or take user and password away",
        ),
        (
            authority is not None and not tls,
            f"MOLVA_KAFKA_CA_FILE is not used with MOLVA_KAFKA_SECURITY={security}",
            "set MOLVA_KAFKA_SECURITY to SSL or SASL_SSL, or take the file away",
        ),
        (
            authority is not None and not authority.is_file(),
            f"MOLVA_KAFKA_CA_FILE={authority}: no such file",
            "name the file with the CA certificates of the brokers",
        ),
        (
            not all(port.isdigit() for port in ports),
            f"MOLVA_KAFKA_BOOTSTRAP={settings.kafka_bootstrap} is no list of host:port",
            "write it like kafka-1:9092,kafka-2:9092",
        ),
    ]


def _clickhouse(settings: Settings) -> list[tuple[bool, str, str]]:
    return [
        (
            settings.clickhouse_secure and settings.clickhouse_port == CLICKHOUSE_PLAIN,
            "MOLVA_CLICKHOUSE_SECURE on port 9000, which speaks plain text by custom",
            f"set MOLVA_CLICKHOUSE_PORT={CLICKHOUSE_TLS}, ClickHouse's port for TLS, or yours",
        ),
        (
            not settings.clickhouse_secure and settings.clickhouse_port == CLICKHOUSE_TLS,
            "port 9440 without MOLVA_CLICKHOUSE_SECURE: it is ClickHouse's port for TLS",
            "set MOLVA_CLICKHOUSE_SECURE=true",
        ),
    ]


def _alerts(settings: Settings, environ: Mapping[str, str]) -> list[Part]:
    if settings.alerts is None:
        return []
    try:
        read_configuration(settings.alerts, environ)
    except (AlertsError, OSError) as error:
        return [Part("alerts", False, str(error), "correct the file: `molva alerts check` (docs/alerts.md)")]
    return [Part("alerts", True, str(settings.alerts))]
