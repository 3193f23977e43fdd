"""Who the authors are: their handles and names, asked for 25 at a time and kept for a day."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from agents.base import SourceUnavailable
from agents.bluesky.appview import BATCH, AppView
from agents.bluesky.posts import Profile
from agents.bluesky.records import part, parts, string
from agents.remembered import Remembered
from agents.surroundings import Surroundings
from agents.web import Forbidden

KEPT: Final = 20_000
FRESH: Final = timedelta(days=1)
UNKNOWN_FOR: Final = timedelta(hours=1)
log = logging.getLogger("molva.agent.bluesky")


class _Known(NamedTuple):
    profile: Profile
    until: datetime


class Profiles:
    """Profiles by DID; at most `KEPT` of them."""

    def __init__(self, appview: AppView, around: Surroundings) -> None:
        self._appview = appview
        self._around = around
        self._known: Remembered[str, _Known] = Remembered(KEPT)

    def __len__(self) -> int:
        return len(self._known)

    def of(self, did: str) -> Profile:
        """What is known of an account."""
        known = self._known.get(did)
        return Profile(did) if known is None else known.profile

    async def learn(self, dids: Iterable[str]) -> None:
        """Ask for those that are not known; where that fails posts are not held up, they lack the name."""
        now = self._around.clock()
        wanted = [
            did
            for did in dict.fromkeys(dids)
            if (known := self._known.get(did)) is None or known.until <= now
        ]
        for begin in range(0, len(wanted), BATCH):
            try:
                await self.ask(wanted[begin : begin + BATCH])
            except (SourceUnavailable, Forbidden) as error:
                self._around.metrics.agent_errors.labels(self._around.agent, "NoProfiles").inc()
                log.warning("%s: no profiles of authors: %s", self._around.agent, error)
                return

    async def ask(self, actors: list[str]) -> list[Profile]:
        """Ask for at most 25 accounts by DID or handle; raises what `AppView.profiles` does."""
        found = [
            made for each in await self._appview.profiles(actors) if (made := _profile(each)) is not None
        ]
        now = self._around.clock()
        for did in actors:
            if did.startswith("did:"):
                self._known.note(did, _Known(Profile(did), now + UNKNOWN_FOR))
        for profile in found:
            self._known.note(profile.did, _Known(profile, now + FRESH))
        return found

    def renamed(self, did: str, handle: str) -> None:
        """An account has another handle."""
        if did in self._known and (known := self._known.get(did)) is not None:
            self._known.note(did, known._replace(profile=replace(known.profile, handle=handle)))

    def forget(self, did: str) -> None:
        """An account was closed or comes back: what is known of it no longer holds."""
        self._known.forget(did)

    def note(self, document: dict[str, Any]) -> None:
        """An author as shown beside a post: less than the profile, so it is kept only where there is none."""
        profile = _profile(document)
        if profile is not None and profile.did not in self._known:
            self._known.note(profile.did, _Known(profile, self._around.clock() + UNKNOWN_FOR))


def _profile(document: dict[str, Any]) -> Profile | None:
    did = string(document.get("did"))
    if not did.startswith("did:"):
        return None
    followers, created = document.get("followersCount"), string(document.get("createdAt"))
    labels = [string(each.get("val")) for each in parts(document, "labels")]
    return Profile(
        did=did,
        handle=_handle(string(document.get("handle"))),
        name=string(document.get("displayName")).strip(),
        followers=followers if isinstance(followers, int) and followers >= 0 else None,
        created_at=created if _is_moment(created) else None,
        bio=string(document.get("description"))[:2000],
        verified=part(document, "verification").get("verifiedStatus") == "valid",
        bot="bot" in labels,
    )


def _handle(handle: str) -> str:
    """``handle.invalid`` stands for one that its domain does not confirm."""
    return "" if handle == "handle.invalid" else handle


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
