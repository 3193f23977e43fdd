"""One incident and what an event makes of it: the pure steps of `pipeline.core.incidents`, its book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from schemas.alert import Alert, AlertEvent, AlertSpike, Suppression, Telling
from schemas.alert_action import AlertAction
from schemas.spike import Severity, Spike, TopTerm

RANKS: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}
SHARED_POSTS = 3
"""From so many posts on, a group of near-duplicates or a name of an explanation may join spikes."""
SHARED_PART = 0.2
"""Of a spike's negative posts, at least, have a name that may join it: what is said in passing does not."""
MARKS = frozenset({"rt"})
"""What the names of posts hold that names nothing: the mark of a retweet."""

Changes = dict[str, Any]
"""Fields of an `Alert` and their new values."""
Tell = Callable[[Spike], tuple[Telling, Telling]]
"""An incident's texts from the spike that tells most of it: Russian, English."""


class Cause(NamedTuple):
    """What simultaneous spikes can have in common; sorted, names casefolded."""

    clusters: tuple[str, ...]
    names: tuple[str, ...]

    def shared_with(self, alert: Alert) -> bool:
        """Whether the incident has any of it."""
        return not (set(self.clusters).isdisjoint(alert.clusters) and set(self.names).isdisjoint(alert.names))


def cause_of(spike: Spike) -> Cause:
    """The groups of near-duplicates and the names that enough of the spike's posts share."""
    why = spike.explanation
    return Cause(
        tuple(sorted({each.cluster for each in why.clusters if each.posts >= SHARED_POSTS})),
        tuple(sorted({name.text.casefold() for name in why.names if _joins(name, spike)} - MARKS)),
    )


def _joins(name: TopTerm, spike: Spike) -> bool:
    """Whether enough of the spike's posts have a name (that it is unusual, the explanation has seen to)."""
    return name.posts >= max(SHARED_POSTS, SHARED_PART * spike.negatives)


def begun(spike: Spike, tell: Tell, cooldown: timedelta, quiet: Suppression, now: datetime) -> Alert:
    """The first event of the incident that a spike opens (one that is over already: opens and ends)."""
    member, cause = member_of(spike), cause_of(spike)
    ru, en = tell(spike)
    over = spike.status == "resolved"
    return Alert(
        id=spike.id,
        revision=1,
        event="resolved" if over else "opened",
        status="resolved" if over else "open",
        severity=spike.severity,
        object_ids=(spike.object_id,),
        timeline=spike.timeline,
        spikes=(member,),
        clusters=cause.clusters,
        names=cause.names,
        opened_at=spike.opened_at,
        started_at=spike.started_at,
        updated_at=spike.updated_at,
        resolved_at=spike.resolved_at,
        cooldown_until=now + cooldown if over else None,
        at=now,
        heard_at=now,
        suppressed_by=quiet,
        ru=ru,
        en=en,
    )


def followed(old: Alert, spike: Spike, tell: Tell, cooldown: timedelta, now: datetime) -> Changes:
    """What a spike's event changes in its incident, or in the one that it joins."""
    member, cause = member_of(spike), cause_of(spike)
    joins = all(each.id != spike.id for each in old.spikes)
    others = tuple(member if each.id == spike.id else each for each in old.spikes)
    spikes = (*others, member) if joins else others
    over = all(each.status == "resolved" for each in spikes)
    worse = RANKS[spike.severity] > RANKS[old.severity]
    ru, en = tell(spike) if _leads(member, spikes) else (old.ru, old.en)
    changes: Changes = {
        "event": _event(old, joins, over, worse),
        "status": "resolved" if over else "open",
        "object_ids": tuple(dict.fromkeys((*old.object_ids, spike.object_id))),
        "spikes": spikes,
        "clusters": tuple(sorted({*old.clusters, *cause.clusters})),
        "names": tuple(sorted({*old.names, *cause.names})),
        "started_at": min(old.started_at, spike.started_at),
        "updated_at": max(old.updated_at, spike.updated_at),
        "resolved_at": max(each.resolved_at or each.updated_at for each in spikes) if over else None,
        "ru": ru,
        "en": en,
    }
    if worse:
        earlier = (*old.earlier_severities, old.severity)
        changes |= {"severity": spike.severity, "earlier_severities": earlier, "cooldown_until": None}
    ended = over and old.status == "open"
    if ended:
        changes |= {"cooldown_until": now + cooldown}
    if worse or ended:  # who has taken on something smaller, or something past, has not taken on this
        changes |= {"acknowledged_by": "", "acknowledged_at": None}
    return changes


def decided(alert: Alert, action: AlertAction) -> Changes:
    """What a person's decision changes in an incident; empty: nothing, it was so already."""
    is_open = alert.status == "open"
    match action.action:
        case "acknowledge" if not alert.acknowledged_by and is_open:
            who = action.author or "?"
            said: Changes = {"event": "acknowledged", "acknowledged_by": who, "acknowledged_at": action.at}
        case "unacknowledge" if alert.acknowledged_by:
            said = {"event": "unacknowledged", "acknowledged_by": "", "acknowledged_at": None}
        case "snooze" if is_open and alert.snoozed_until != action.until:
            said = {"event": "snoozed", "snoozed_until": action.until}
        case "unsnooze" if alert.snoozed_until is not None:
            said = {"event": "unsnoozed", "snoozed_until": None}
        case _:
            return {}
    return {**said, "comment": action.comment}


def member_of(spike: Spike) -> AlertSpike:
    """What an incident keeps of a spike."""
    return AlertSpike.model_validate(spike.model_dump(include=set(AlertSpike.model_fields)))


def _event(old: Alert, joins: bool, over: bool, worse: bool) -> AlertEvent:
    if over:
        return "resolved" if old.status == "open" else "updated"
    if worse:
        return "escalated"
    if old.status == "resolved":
        return "reopened"
    return "joined" if joins else "updated"


def _leads(member: AlertSpike, spikes: tuple[AlertSpike, ...]) -> bool:
    """Whether it tells most: the severest of the open ones (of all, at the end), the first of equals."""
    alive = [each for each in spikes if each.status != "resolved"] or list(spikes)
    return max(alive, key=lambda each: RANKS[each.severity]).id == member.id
