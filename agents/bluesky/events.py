"""A message of Jetstream -> what happened. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agents.base import Rejected
from agents.bluesky.cursor import moment_of
from agents.bluesky.options import SOURCE
from agents.bluesky.posts import Written
from agents.bluesky.records import part, string, tid_time
from schemas.codec import InvalidRecord, parse_json

CREATED: Final = "create"
UPDATED: Final = "update"
DELETED: Final = "delete"


@dataclass(frozen=True, slots=True)
class Removed:
    """A record was deleted by its author."""

    uri: str
    time_us: int


@dataclass(frozen=True, slots=True)
class Renamed:
    """An account has another handle, or its handle is to be looked up again (empty)."""

    did: str
    handle: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An account is ``active``, or its ``status`` says why not: ``deleted``, ``suspended``, ..."""

    did: str
    active: bool
    status: str
    time_us: int


Event = Written | Removed | Renamed | Standing | Rejected


def event_of(text: str) -> tuple[Event | None, int]:
    """What a message tells, None where nothing of interest; and its moment in microseconds, or 0."""
    payload = text.encode("utf-8", "replace")
    try:
        message = parse_json(payload)
    except InvalidRecord as error:
        return Rejected(payload, f"{SOURCE}:jetstream", error.reason, error.detail), 0
    did, time_us = (message.get("did"), message.get("time_us")) if isinstance(message, dict) else (None, None)
    if not isinstance(did, str) or not isinstance(time_us, int):
        return Rejected(payload, f"{SOURCE}:jetstream", "invalid", "no did, or no time_us"), 0
    match message.get("kind"):
        case "commit":
            return _commit(did, time_us, part(message, "commit"), payload), time_us
        case "identity":
            return Renamed(did, string(part(message, "identity").get("handle"))), time_us
        case "account":
            account = part(message, "account")
            return Standing(
                did, account.get("active") is True, string(account.get("status")), time_us
            ), time_us
    return None, time_us


def _commit(did: str, time_us: int, commit: Any, payload: bytes) -> Event | None:
    collection, key = string(commit.get("collection")), string(commit.get("rkey"))
    operation, record = commit.get("operation"), commit.get("record")
    uri = f"at://{did}/{collection}/{key}"
    if operation == DELETED:
        return Removed(uri, time_us)
    if operation not in (CREATED, UPDATED):
        return None
    if not isinstance(record, dict) or not key:
        return Rejected(payload, f"{SOURCE}:{uri}", "invalid", "a commit without its record")
    edited = None
    if operation == UPDATED:  # the repository's own moment: servers of the stream each have another one
        edited = moment_of(tid_time(string(commit.get("rev"))) or time_us)
    return Written(
        did, collection, key, string(commit.get("cid")), record, told=moment_of(time_us), edited=edited
    )
