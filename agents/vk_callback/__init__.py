"""The ``vk-callback`` agent: what VK's Callback API pushes about the communities of the company."""

from agents.surroundings import Surroundings
from agents.vk_callback.options import Options
from agents.vk_callback.source import VkCallbackSource

__all__ = ["Options", "VkCallbackSource", "build"]


def build(options: Options, around: Surroundings) -> VkCallbackSource:
    """The source of an entry of agents.yaml."""
    return VkCallbackSource(options, around)
