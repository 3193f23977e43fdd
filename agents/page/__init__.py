"""The ``page`` agent: reviews of any site, by selectors that stand in its options; robots.txt is honoured."""

from agents.page.options import Options
from agents.page.source import build

__all__ = ["Options", "build"]
