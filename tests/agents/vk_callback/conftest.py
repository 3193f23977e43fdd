"""Which connections the endpoint has open."""

from tests.agents.http.conftest import open_now

__all__ = ["open_now"]
