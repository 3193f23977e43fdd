"""The ``appstore`` agent: reviews of apps in Apple's App Store, by the public feed of each country."""

from agents.appstore.options import Options
from agents.appstore.source import build

__all__ = ["Options", "build"]
