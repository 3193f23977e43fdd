"""The story, written once per session."""

from __future__ import annotations

import pytest

from pipeline.demo.story import Writer, Written


@pytest.fixture(scope="session")
def story() -> list[Written]:
    return list(Writer().posts())
