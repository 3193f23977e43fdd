"""The ``mastodon`` agent: hashtags, public timelines, own accounts and phrases, of several instances."""

from agents.mastodon.options import Options
from agents.mastodon.source import MastodonSource
from agents.surroundings import Surroundings

__all__ = ["MastodonSource", "Options", "build"]


def build(options: Options, around: Surroundings) -> MastodonSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to collect.
    """
    return MastodonSource(options, around)
