"""One post of many that cannot be read: told and put off by itself, so that it holds up no other."""

from __future__ import annotations

import logging

from agents.base import SourceUnavailable
from agents.discussions.answered import wants_rest
from agents.listing import Unreadable
from agents.surroundings import Surroundings

log = logging.getLogger("molva.agent")


def bear(error: SourceUnavailable, around: Surroundings, what: str) -> None:
    """Count and log that ``what`` could not be read; the others go on.

    Raises:
        SourceUnavailable: ``error``, where it is not of that post alone: the server wants to be left alone,
            or the credentials must be mended.
    """
    if wants_rest(error) or isinstance(error, Unreadable):
        raise error
    around.metrics.agent_errors.labels(around.agent, type(error).__name__).inc()
    log.warning("%s: %s could not be read (%s); it is tried again later", around.agent, what, error)
