"""Who is meant by a name: full names of the same post, thread, channel and stream, and what they explain.

The memory of ``linking``: bounded, weighed by event time, never by a clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import Final, NamedTuple

from pipeline.core.given_names import given_name_gender
from pipeline.core.person_names import Person, full_names
from pipeline.core.references import Reference, nominative, reference
from pipeline.core.sightings import Sightings, given_key
from schemas import Entity, RawPost

DAY: Final = 86_400.0
DOMINANT: Final = 0.9
"""The share of the weight that one full name must hold among all that a reference may mean."""

STREAM_LEAST: Final = 5.0
"""How much recent weight a full name needs to be meant outside its threads and channels."""

UNCERTAIN: Final = 0.1
"""Weight of a full name whose declension leaves open what it is («Ирины Яровой»), or that has no known given
name («Опять Сечин»)."""

MAX_REPLIES: Final = 10_000
BESIDE: Final = 24
"""Characters beside a span that are looked at."""

POST_NAMES: Final = 64


class _Scope(NamedTuple):
    seen: Sightings
    key: Hashable
    least: float
    """The weight that a full name needs here."""
    near: bool
    """Near enough for a patronymic or a gender that nothing confirms."""


class People:
    """Full names seen lately, and the threads that posts belong to."""

    def __init__(self) -> None:
        self._threads = Sightings(scopes=2_048, names=16, half_life=30 * DAY)
        self._channels = Sightings(scopes=512, names=64, half_life=30 * DAY)
        self._timelines = Sightings(scopes=8, names=10_000, half_life=7 * DAY)
        self._replies: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        """How many places of names and replies are remembered; bounded."""
        return len(self._threads) + len(self._channels) + len(self._timelines) + len(self._replies)

    def follow(self, post: RawPost) -> None:
        """Note which thread a reply belongs to: replies to replies need not state their root."""
        if post.reply_to and not post.thread_root:
            if len(self._replies) >= MAX_REPLIES:
                self._replies.popitem(last=False)
            self._replies[post.id] = self._replies.get(post.reply_to, post.reply_to)

    def names(
        self, post: RawPost, entities: Sequence[Entity], known: Sequence[tuple[Person, ...] | None]
    ) -> list[str]:
        """The person that each entity is; empty where it is none, or only its normal form is known.

        Args:
            known: whom the watchlist says an entity is (empty: nobody); None where it says nothing.
        """
        found = [""] * len(entities)
        if not any(entity.type == "PER" for entity in entities) and not any(known):
            return found
        at = post.created_at.timestamp()
        scopes = self._scopes(post)
        weights: dict[Person, float] = {}
        open_ones: list[int] = []
        for number, (entity, watched) in enumerate(zip(entities, known, strict=True)):
            people = watched
            if people is None:
                people = full_names(entity.text, entity.normal) if entity.type == "PER" else ()
                if not people and entity.type == "PER":
                    open_ones.append(number)
            if people:
                person, sure = _chosen(people, scopes, at)
                found[number] = person.name
                weights[person] = max(weights.get(person, 0.0), 1.0 if sure else UNCERTAIN)
                scopes[0].seen.add(scopes[0].key, person, weights[person], at)
        for number in open_ones:
            found[number] = _referred(post.text, entities[number], scopes, at)
        for scope in scopes[1:]:
            for person, weight in weights.items():
                scope.seen.add(scope.key, person, weight, at)
        return found

    def _scopes(self, post: RawPost) -> list[_Scope]:
        """Where to look for full names, the nearest first: the post itself, thread, channel, stream."""
        line = post.timeline
        thread = post.thread_root or self._replies.get(post.id, post.id)
        found = [
            _Scope(Sightings(scopes=1, names=POST_NAMES, half_life=DAY), "", 0.0, True),
            _Scope(self._threads, (line, thread), 0.0, True),
        ]
        if post.channel is not None:
            found.append(_Scope(self._channels, (line, post.source, post.channel.id), 0.0, False))
        return [*found, _Scope(self._timelines, line, STREAM_LEAST, False)]


def _chosen(people: Sequence[Person], scopes: Iterable[_Scope], at: float) -> tuple[Person, bool]:
    """Of the readings of a full name the one seen before, or else the first; and whether it is sure."""
    if len(people) == 1:
        only = people[0]
        return only, bool(only.patronymic) or given_name_gender(only.given) is not None
    for scope in scopes:
        weights = [
            sum(
                weight
                for seen, weight in scope.seen.find(scope.key, person.surname, at).items()
                if seen.name == person.name
            )
            for person in people
        ]
        best = max(weights)
        if best > UNCERTAIN and best >= DOMINANT * sum(weights):
            return people[weights.index(best)], True
    return people[0], False


def _referred(text: str, entity: Entity, scopes: Iterable[_Scope], at: float) -> str:
    """The full name that a part of a name refers to, or else the part in the nominative."""
    before = text[max(0, entity.start - BESIDE) : entity.start]
    part = reference(entity.text, entity.normal, before, text[entity.end : entity.end + BESIDE])
    if part is None:
        return ""
    for scope in scopes:
        weights = _weights(part, scope, at)
        if weights:
            best = max(weights, key=lambda name: weights[name])
            if weights[best] >= max(DOMINANT * sum(weights.values()), scope.least):
                return best
            break  # several are meant here: what is farther away does not decide between them
    return nominative(entity.text, entity.normal, before) if part.surnames and not part.given else ""


def _weights(part: Reference, scope: _Scope, at: float) -> dict[str, float]:
    """The weights of the full names of a scope that a reference may mean."""
    agreeing: dict[str, float] = {}
    others: dict[str, float] = {}
    for key in part.lemmas or (given_key(part.given),):
        for person, weight in scope.seen.find(scope.key, key, at).items():
            if not part.may_be(person) or not (part.surnames or scope.near or person.patronymic):
                continue
            agrees = not (part.claimed and person.gender) or part.claimed == person.gender
            into = agreeing if agrees else others
            into[person.name] = into.get(person.name, 0.0) + weight
    return agreeing or (others if scope.near else {})
