"""The DIDs of the accounts that the options name: looked up, or as they were known before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agents.base import BadConfiguration, SourceUnavailable
from agents.bluesky.appview import BATCH
from agents.bluesky.profiles import Profiles
from agents.surroundings import Surroundings
from agents.web import Forbidden

log = logging.getLogger("molva.agent.bluesky")


class Accounts(NamedTuple):
    """DIDs by what the options name; ``complete``: all of them were looked up."""

    dids: dict[str, str]
    complete: bool


async def looked_up(
    actors: Sequence[str], known: Mapping[str, str], profiles: Profiles, around: Surroundings, *, alone: bool
) -> Accounts:
    """The accounts; an AppView that is away holds up no stream, those that are known go on.

    Args:
        known: DIDs of an earlier run; they hold where the AppView does not tell another one.
        alone: nothing else is collected, so there is nothing to do without any of them.

    Raises:
        BadConfiguration: ``alone``, and none of them exists.
        SourceUnavailable: ``alone``, and none is known yet.
    """
    dids = {actor: actor if actor.startswith("did:") else known.get(actor, "") for actor in actors}
    failure: SourceUnavailable | Forbidden | None = None
    exists = False
    for begin in range(0, len(actors), BATCH):
        asked = list(actors[begin : begin + BATCH])
        try:
            found = await profiles.ask(asked)
        except (SourceUnavailable, Forbidden) as error:
            failure = error
            around.metrics.agent_errors.labels(around.agent, "NoProfiles").inc()
            log.warning("%s: accounts are not looked up: %s", around.agent, error)
            continue
        told = {name: each.did for each in found for name in (each.did, each.handle.lower())}
        dids |= {actor: told[actor] for actor in asked if actor in told}
        exists = exists or bool(found)
        for actor in (each for each in asked if each not in told):
            around.metrics.agent_errors.labels(around.agent, "UnknownAccount").inc()
            log.warning("%s: Bluesky knows no account %s", around.agent, actor)
    if alone and actors and failure is None and not exists:
        raise BadConfiguration(f"Bluesky knows none of the accounts {', '.join(actors[:5])}")
    if alone and failure is not None and not any(dids.values()):
        raise failure
    return Accounts({actor: did for actor, did in dids.items() if did}, failure is None)
