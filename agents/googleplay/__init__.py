"""The ``googleplay`` agent: reviews of own apps on Google Play and the company's replies, by Google's API."""

from agents.googleplay.options import Options
from agents.googleplay.source import build

__all__ = ["Options", "build"]
