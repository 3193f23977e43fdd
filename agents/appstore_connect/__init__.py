"""The ``appstore-connect`` agent: reviews of own apps in all countries, and replies, by Apple's API."""

from agents.appstore_connect.options import Options
from agents.appstore_connect.source import build

__all__ = ["Options", "build"]
