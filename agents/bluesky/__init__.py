"""The ``bluesky`` agent: what names something watched in the stream of all posts, and own accounts whole."""

from agents.bluesky.options import Options
from agents.bluesky.source import BlueskySource
from agents.surroundings import Surroundings

__all__ = ["BlueskySource", "Options", "build"]


def build(options: Options, around: Surroundings) -> BlueskySource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to collect.
    """
    return BlueskySource(options, around)
