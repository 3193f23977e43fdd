"""The doctor and the users of deploy/clickhouse: who may write, who may only read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from clickhouse_driver import Client
from pydantic import SecretStr

from pipeline.checks import Part
from pipeline.doctor.clickhouse import check_clickhouse
from pipeline.settings import Settings
from pipeline.sink.migrations import migrate
from tests.deploy.conftest import PASSWORDS

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("user", ["molva_owner", "molva_writer", "molva_reader"])
def test_the_grants_of_each_user(clickhouse: Callable[..., Client], user: str) -> None:
    owner = clickhouse("molva_owner")
    migrate(owner, "molva")
    (host, port), *_ = owner.connection.hosts
    settings = Settings(
        clickhouse_host=host,
        clickhouse_port=port,
        clickhouse_user=user,
        clickhouse_password=SecretStr(PASSWORDS[user]),
    )
    parts = {part.name: part for part in check_clickhouse(settings, lambda: datetime.now(UTC))}
    assert parts["schema"].ready, parts
    if user != "molva_reader":
        assert parts["grants"] == Part("grants", True, f"{user} may read and insert")
        return
    assert parts["grants"].detail == "molva_reader may not: INSERT on all"
    assert "GRANT SELECT, INSERT ON molva.* TO molva_reader" in parts["grants"].cure
    assert PASSWORDS[user] not in str(parts)
