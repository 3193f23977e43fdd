"""The ``telegram`` agent: public channels and groups with comments, read by a user's login (Telethon)."""

from agents.surroundings import Surroundings
from agents.telegram.options import Options
from agents.telegram.source import TelegramSource

__all__ = ["Options", "TelegramSource", "build"]


def build(options: Options, around: Surroundings) -> TelegramSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: the session string is none, or there is nothing to read.
    """
    return TelegramSource(options, around)
