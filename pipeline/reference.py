"""Reference pages made from the code: ``python -m pipeline.reference docs`` writes them."""

from __future__ import annotations

import sys
from pathlib import Path

from prometheus_client import Counter
from pydantic import SecretStr

from pipeline.metrics import Metrics
from pipeline.settings import Settings

HINT = "<!-- made by `python -m pipeline.reference docs`; do not edit -->\n\n"


def settings_page() -> str:
    """Every setting as a row of a table."""
    lines = [
        HINT + "# Settings\n",
        "Environment variables, read by the commands and the workers. Durations are seconds or ISO 8601.",
        "A running `molva up` on the data dir tells where its servers are; `MOLVA_KAFKA_BOOTSTRAP` wins.",
        "With `MOLVA_SECRETS_DIR=/run/secrets` a setting may stand in a file there instead, for instance",
        "`/run/secrets/molva_kafka_password`, as Docker and Kubernetes mount secrets; a variable wins.\n",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items()}
    for name, field in Settings.model_fields.items():
        default = defaults[name]
        shown = "" if default is None or isinstance(default, SecretStr) else str(default)
        lines.append(f"| `MOLVA_{name.upper()}` | {shown and f'`{shown}`'} | {field.description or ''} |")
    return "\n".join(lines) + "\n"


def metrics_page() -> str:
    """Every metric as a row of a table, under the name that Prometheus sees."""
    lines = [
        HINT + "# Metrics\n",
        "Every worker and agent serves `/metrics` on `MOLVA_METRICS_HOST:MOLVA_METRICS_PORT` (`molva up`",
        "chooses free ports, `molva status` shows them). Times are seconds, sizes are records.\n",
        "| metric | type | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for collector in vars(Metrics()).values():
        if not hasattr(collector, "_documentation"):
            continue
        name = collector._name + ("_total" if isinstance(collector, Counter) else "")
        labels = ", ".join(collector._labelnames)
        lines.append(f"| `{name}` | {collector._type} | {labels} | {collector._documentation} |")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write the pages."""
    (folder / "settings.md").write_text(settings_page(), encoding="utf-8")
    (folder / "metrics.md").write_text(metrics_page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
