"""The ``telegram-web`` agent: public channels by the preview pages ``t.me/s/<channel>``, without a login."""

from agents.surroundings import Surroundings
from agents.telegram_web.options import Options
from agents.telegram_web.source import TelegramWebSource

__all__ = ["Options", "TelegramWebSource", "build"]


def build(options: Options, around: Surroundings) -> TelegramWebSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to read.
    """
    return TelegramWebSource(options, around)
