"""The ``reddit`` agent: subreddits, users, searches, and threads under some posts, by Async PRAW."""

from agents.reddit.options import Options
from agents.reddit.source import RedditSource
from agents.surroundings import Surroundings

__all__ = ["Options", "RedditSource", "build"]


def build(options: Options, around: Surroundings) -> RedditSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to collect.
    """
    return RedditSource(options, around)
