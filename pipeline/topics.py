"""The topics of the pipeline: names, partitions, retention, and which records they carry."""

from __future__ import annotations

from dataclasses import dataclass

from schemas import (
    Alert,
    AlertAction,
    Baseline,
    DeadLetter,
    Deletion,
    EnrichedPost,
    Mention,
    RawPost,
    Record,
    Spike,
    Watermark,
)

RAW = "molva.posts.raw"
ENRICHED = "molva.posts.enriched"
MENTIONS = "molva.mentions"
BASELINES = "molva.baselines"
SPIKES = "molva.spikes"
ALERTS = "molva.alerts"
ACTIONS = "molva.alerts.actions"
DELETED = "molva.posts.deleted"
DEAD_LETTERS = "molva.dead-letters"

DETECTION_STATE = "molva-detection-state-changelog"
"""Compacted, of the detection stage alone: the topic behind its Faust table."""
NOTIFICATION_STATE = "molva-notification-state"
"""Compacted, of the notification stage alone: its journal."""
AGENT_CURSORS = "molva.agents.cursors"
"""Compacted, of the agents alone: where each goes on, and how it is."""
AGENT_PARTITIONS = 16
"""Of `AGENT_CURSORS`: at most so many processes of a fleet have work. It decides who runs which agent."""

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """A topic of the contract.

    ``spread`` topics have ``settings.partitions`` partitions, others one; of ``compacted`` ones the newest
    record of each key stays for ever.
    """

    name: str
    records: tuple[type[Record], ...]
    key: str
    spread: bool
    retention_ms: int
    about: str
    compacted: bool = False


TOPICS: tuple[Topic, ...] = (
    Topic(RAW, (RawPost, Watermark), "post id", True, 7 * DAY_MS, "posts as agents collected them"),
    Topic(ENRICHED, (EnrichedPost,), "post id", True, 7 * DAY_MS, "posts with language, entities, sentiment"),
    Topic(MENTIONS, (Mention, Watermark), "object id", True, 7 * DAY_MS, "one record per post and object"),
    Topic(BASELINES, (Baseline,), "object id", True, -1, "past counts of objects new to the watchlist", True),
    Topic(SPIKES, (Spike,), "object id", False, 90 * DAY_MS, "spikes opened, updated, resolved"),
    Topic(ALERTS, (Alert,), "incident id", False, 90 * DAY_MS, "incidents: what people are told"),
    Topic(ACTIONS, (AlertAction,), "target", False, -1, "what people decide about alerts"),
    Topic(DELETED, (Deletion,), "post id", False, 30 * DAY_MS, "posts deleted at their source"),
    Topic(
        DEAD_LETTERS, (DeadLetter,), "dead letter id", False, 90 * DAY_MS, "records that cannot be processed"
    ),
)
BY_NAME = {topic.name: topic for topic in TOPICS}
