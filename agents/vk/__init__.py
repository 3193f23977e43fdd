"""The ``vk`` agent: searches, walls with their comments and mentions, by VK's API."""

from agents.surroundings import Surroundings
from agents.vk.options import Options
from agents.vk.source import VkSource

__all__ = ["Options", "VkSource", "build"]


def build(options: Options, around: Surroundings) -> VkSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to read.
    """
    return VkSource(options, around)
