"""The kinds of agents, by name: imported only when used, so that a missing extra disturbs nobody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

from agents.base import BadConfiguration, Source
from agents.options import AgentOptions
from agents.surroundings import Surroundings


class Kind(NamedTuple):
    """Where a kind is: a module with ``Options`` and ``build``; ``needs`` names its library and extra."""

    module: str
    library: str = ""
    """The distribution that it needs beyond the core; empty: nothing."""
    package: str = ""
    """What that library is imported as; several stand apart by spaces."""
    extra: str = ""


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "appstore": Kind("agents.appstore"),
        "appstore-connect": Kind("agents.appstore_connect", "PyJWT", "jwt cryptography", "stores"),
        "googleplay": Kind("agents.googleplay", "PyJWT", "jwt cryptography", "stores"),
        "hackernews": Kind("agents.hackernews"),
        "page": Kind(
            "agents.page", "Protego, JMESPath and dateparser", "dateparser jmespath protego", "page"
        ),
        "email": Kind("agents.email", "IMAPClient", "imapclient", "email"),
        "rss": Kind("agents.rss.kind"),
        "telegram": Kind("agents.telegram", "Telethon", "telethon", "telegram"),
        "telegram-web": Kind("agents.telegram_web"),
        "mastodon": Kind("agents.mastodon"),
        "bluesky": Kind("agents.bluesky"),
        "vk": Kind("agents.vk"),
        "youtube": Kind("agents.youtube"),
        "reddit": Kind("agents.reddit", "Async PRAW", "asyncpraw", "reddit"),
        "vk-callback": Kind("agents.vk_callback"),
    }
)


class Loaded(NamedTuple):
    """A kind whose module is imported."""

    options: type[AgentOptions]
    build: Callable[[Any, Surroundings], Source]


def load(name: str) -> Loaded:
    """Import a kind.

    Raises:
        BadConfiguration: there is no such kind, or its library is not installed.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise BadConfiguration(f"there is no kind {name!r}; there are {', '.join(KINDS)}")
    try:
        module = import_module(kind.module)
    except ModuleNotFoundError as error:
        if not kind.package or (error.name or "").partition(".")[0] not in kind.package.split():
            raise
        raise BadConfiguration(
            f"the {name} agent needs {kind.library}: pip install 'molva[{kind.extra}]'"
        ) from error
    return Loaded(module.Options, module.build)
