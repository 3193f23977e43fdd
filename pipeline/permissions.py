"""What each principal of Molva needs in Apache Kafka, and nothing more: `molva topics --acls` prints it.

A stage logs in under the name of its consumer group, all agents as `AGENTS`, people and one-time jobs as
`OPERATOR`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from pipeline.drain import HOPS
from pipeline.topics import (
    AGENT_CURSORS,
    ALERTS,
    DEAD_LETTERS,
    DELETED,
    DETECTION_STATE,
    ENRICHED,
    MENTIONS,
    NOTIFICATION_STATE,
    RAW,
    SPIKES,
)

AGENTS, OPERATOR = "molva-agents", "molva-operator"
OURS = "molva"
"""What the names of all topics and groups begin with."""

WRITES: dict[str, tuple[str, ...]] = {
    "molva-enrichment": (ENRICHED, MENTIONS, DEAD_LETTERS),
    "molva-detection": (SPIKES, DEAD_LETTERS),
    "molva-notification": (ALERTS, DEAD_LETTERS),
    "molva-storage": (DEAD_LETTERS,),
    AGENTS: (RAW, DELETED, DEAD_LETTERS),
}
"""Topics that each principal writes to, besides its state."""
STATES = {
    "molva-detection": DETECTION_STATE,
    "molva-notification": NOTIFICATION_STATE,
    AGENTS: AGENT_CURSORS,
}

Operation = Literal["Read", "Write", "Create", "Describe"]


class Permission(NamedTuple):
    """``operations`` on ``topics`` and on ``group``; ``prefixed``: on all whose names begin so."""

    principals: tuple[str, ...]
    operations: tuple[Operation, ...]
    topics: tuple[str, ...]
    group: str = ""
    prefixed: bool = False


def permissions() -> list[Permission]:
    """All that a production cluster has to allow.

    Everybody may see which topics there are (workers check them at their start); only the operator may make
    any, save that Faust asks to make its own state's. Reading with a group includes committing its offsets.
    """
    found = []
    for group, topics in HOPS:
        found += [
            Permission((group,), ("Read",), topics, group),
            Permission((group,), ("Write",), WRITES[group]),
        ]
        if group in STATES:
            found.append(Permission((group,), ("Read", "Write", "Create"), (STATES[group],)))
    return [
        *found,
        Permission((AGENTS,), ("Write",), WRITES[AGENTS]),
        Permission((AGENTS,), ("Read",), (STATES[AGENTS],), AGENTS),  # a fleet is a group of this name
        Permission((AGENTS,), ("Write",), (STATES[AGENTS],)),
        Permission((AGENTS,), ("Describe",), (), OURS, prefixed=True),  # how far the stages are behind
        Permission(tuple(WRITES), ("Describe",), (OURS,), prefixed=True),
        Permission((OPERATOR,), ("Read", "Write", "Create"), (OURS,), prefixed=True),
        Permission((OPERATOR,), ("Read",), (), OURS, prefixed=True),
    ]


def commands(found: Iterable[Permission]) -> list[list[str]]:
    """Arguments of ``kafka-acls.sh``, one list per call."""
    return [_command(each) for each in found]


def _command(permission: Permission) -> list[str]:
    arguments = ["--add"]
    for principal in permission.principals:
        arguments += ["--allow-principal", f"User:{principal}"]
    for operation in permission.operations:
        arguments += ["--operation", operation]
    for topic in permission.topics:
        arguments += ["--topic", topic]
    if permission.group:
        arguments += ["--group", permission.group]
    return [*arguments, "--resource-pattern-type", "prefixed"] if permission.prefixed else arguments


def script() -> str:
    """A shell script of all calls; it may run again."""
    calls = "\n".join(" ".join(["acls", *each]) for each in commands(permissions()))
    return SCRIPT.format(calls=calls)


SCRIPT = """\
#!/bin/sh
# What Molva's principals may do in Apache Kafka. Made by `molva topics --acls`; do not edit.
# Use: BOOTSTRAP=host:9093 COMMAND_CONFIG=admin.properties sh acls.sh
# It may run again: what is allowed already stays so. kafka-acls.sh is in the folder bin of Apache Kafka.
set -eu
acls() {{ kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$COMMAND_CONFIG" "$@" >/dev/null; }}

{calls}
"""
