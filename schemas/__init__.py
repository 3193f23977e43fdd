"""The public contract of Molva's topics: frozen pydantic records and their bytes."""

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.base import Origin, Record, Sentiment
from schemas.baseline import Baseline, BaselineCounts
from schemas.dead_letter import DeadLetter, Reason
from schemas.deletion import Deletion
from schemas.enriched import EnrichedPost, Entity
from schemas.mention import Mention, Span
from schemas.post import Author, Channel, Engagement, Media, RawPost
from schemas.spike import Spike, TopPost, TopSource
from schemas.watermark import Watermark

__all__ = [
    "Alert",
    "AlertAction",
    "Author",
    "Baseline",
    "BaselineCounts",
    "Channel",
    "DeadLetter",
    "Deletion",
    "Engagement",
    "EnrichedPost",
    "Entity",
    "Media",
    "Mention",
    "Origin",
    "RawPost",
    "Reason",
    "Record",
    "Sentiment",
    "Span",
    "Spike",
    "TopPost",
    "TopSource",
    "Watermark",
]
