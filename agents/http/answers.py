"""What the HTTP ingest answers to a body that it could read: one verdict for each record."""

from __future__ import annotations

from typing import Literal, NotRequired

from pydantic_core import to_json
from typing_extensions import TypedDict

from pipeline.kafka_batches import Delivery
from schemas import Deletion, Reason, Record


class Verdict(TypedDict):
    """What became of one record; ``index`` is its place in the body, from 0."""

    index: int
    id: str | None
    """``<source>:<native id>``; of a rejected record what it says itself, if it does."""
    status: Literal["accepted", "rejected"]
    reason: NotRequired[Reason | Literal["forbidden"]]
    detail: NotRequired[str]


class Answer(TypedDict):
    """The answer of 202, 403 and 422."""

    request_id: str
    accepted: int
    rejected: int
    verdicts: list[Verdict]
    """With ``Prefer: return=minimal`` only those of rejected records."""


class Problem(TypedDict):
    """All other answers: a word for programs and a line for persons."""

    error: str
    detail: str


class Outcome:
    """What became of the records of a request so far."""

    def __init__(self, *, minimal: bool = False) -> None:
        """``minimal``: note no verdict for what is accepted."""
        self.deliveries: list[Delivery] = []
        self.posts = 0
        self.deletions = 0
        self.forbidden = 0
        self._minimal = minimal
        self._count = 0
        self._verdicts: list[Verdict] = []

    @property
    def accepted(self) -> int:
        """Posts and deletions."""
        return self.posts + self.deletions

    @property
    def count(self) -> int:
        """Records with a verdict."""
        return self._count

    def accept(self, record: Record, record_id: str) -> None:
        """The record is going to Kafka."""
        if isinstance(record, Deletion):
            self.deletions += 1
        else:
            self.posts += 1
        if not self._minimal:
            self._verdicts.append({"index": self._count, "id": record_id, "status": "accepted"})
        self._count += 1

    def reject(self, reason: Reason | Literal["forbidden"], detail: str, record_id: str | None) -> None:
        """The record is not taken."""
        self.forbidden += reason == "forbidden"
        self._verdicts.append(
            {
                "index": self._count,
                "id": record_id,
                "status": "rejected",
                "reason": reason,
                "detail": detail,
            }
        )
        self._count += 1

    @property
    def status(self) -> int:
        """202 where anything was accepted; 403 where only rights lacked, else 422."""
        if self.accepted:
            return 202
        return 403 if self.forbidden == self._count else 422

    def document(self, request_id: str) -> bytes:
        """The `Answer` as JSON."""
        answer: Answer = {
            "request_id": request_id,
            "accepted": self.accepted,
            "rejected": self._count - self.accepted,
            "verdicts": self._verdicts,
        }
        return to_json(answer)
