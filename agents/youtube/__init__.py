"""The ``youtube`` agent: videos of channels, videos that a search finds, and the comments under them."""

from agents.surroundings import Surroundings
from agents.youtube.options import Options
from agents.youtube.source import YouTubeSource

__all__ = ["Options", "YouTubeSource", "build"]


def build(options: Options, around: Surroundings) -> YouTubeSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to collect.
    """
    return YouTubeSource(options, around)
