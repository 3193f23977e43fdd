"""What every record of the contract shares: immutability, a version, an id, and where it came from.

Records only change backward-compatibly: a new field has a default, no field disappears, readers ignore
fields that they do not know. ``tests/schemas`` compares the exported JSON Schemas with the last release.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Label = Literal["negative", "neutral", "positive"]

LIVE = "live"
"""The timeline of everything that is collected as it happens; a replay runs on a timeline of its own."""


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the years 1 and 9999 near the date line
        raise ValueError(f"{moment} has no UTC equivalent") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment with a zone in the input, always UTC in the record."""


class Part(BaseModel):
    """A nested, immutable part of a record."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Record(Part):
    """One message of a topic.

    ``TYPE`` and ``schema_version`` make the CloudEvents type, ``molva.<TYPE>.v<version>``.
    """

    TYPE: ClassVar[str]

    schema_version: int = 1

    @property
    def event_id(self) -> str:
        """CloudEvents ``id``: the same for every delivery of the same fact."""
        raise NotImplementedError

    @property
    def event_source(self) -> str:
        """CloudEvents ``source``: which part of Molva, or which source, states the fact."""
        raise NotImplementedError

    @property
    def event_time(self) -> datetime:
        """CloudEvents ``time``: when the fact happened (event time)."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The Kafka key: records with the same key keep their order."""
        raise NotImplementedError


class Origin(Part):
    """The raw record that another record was made from; the identity that survives redelivery."""

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class Sentiment(Part):
    """Probabilities of the three labels (they sum to 1 within rounding) and the most probable label."""

    label: Label
    negative: float = Field(ge=0, le=1)
    neutral: float = Field(ge=0, le=1)
    positive: float = Field(ge=0, le=1)
