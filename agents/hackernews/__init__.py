"""The ``hackernews`` agent: stories and comments that name what is watched, with the threads under them."""

from agents.hackernews.options import Options
from agents.hackernews.source import HackerNewsSource
from agents.surroundings import Surroundings

__all__ = ["HackerNewsSource", "Options", "build"]


def build(options: Options, around: Surroundings) -> HackerNewsSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to look for.
    """
    return HackerNewsSource(options, around)
