"""What a post shows besides names and sentiment: type, aspects, calls, threats, toxicity, copies, ...

Every signal is computed in enrichment from the text alone; only the cluster also depends on earlier posts.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Part

PostType = Literal[
    "",
    "complaint",
    "praise",
    "question",
    "request_help",
    "offer",
    "news",
    "joke",
    "job",
    "giveaway",
    "other",
]
"""What a post is there for; the empty string: not judged (records of older versions)."""

AspectName = Literal["service", "app", "price", "delivery", "quality", "staff", "fraud", "answers", "other"]
"""``answers`` is how the company answers its customers; ``other``: none of the aspects is likely."""

Experience = Literal["", "own", "hearsay", "none"]
"""Whether the author tells what happened to them, or what they heard; the empty string: not judged."""

Call = Literal["leave", "avoid", "boycott", "refund", "petition", "spread", "protest", "complain"]
Threat = Literal["court", "prosecutor", "police", "consumer_protection", "central_bank", "regulator", "media"]
PersonalKind = Literal["phone", "card", "email", "passport", "snils", "account"]


class Aspect(Part):
    """What an opinion is about; aspects are judged independently, so probabilities do not sum to 1."""

    name: AspectName
    p: float = Field(ge=0, le=1)


class PersonalSpan(Part):
    """Personal data at ``start:end`` (characters of the post's ``text``); the data itself is not repeated."""

    kind: PersonalKind
    start: int
    end: int


class MentionSignals(Part):
    """The signals that a mention carries; empty where nothing was found or the record is older than they."""

    type: PostType = ""
    p_type: float = Field(default=0, ge=0, le=1)
    """The probability of ``type``."""
    aspects: tuple[Aspect, ...] = ()
    """The likeliest first; only for complaints, praise, questions and requests for help."""
    experience: Experience = ""
    calls: tuple[Call, ...] = ()
    """What the author calls for or announces: to leave, to avoid, to give the money back, ..."""
    threats: tuple[Threat, ...] = ()
    """Whom the author threatens to turn to, or says to have turned to."""
    toxicity: float = Field(default=0, ge=0, le=1)
    """A score of a lexicon, not a probability: 0 for none, from 0.5 on the post counts as toxic."""
    toxic: bool = False
    cluster: str = ""
    """Id of the first post of this text's near-duplicates that the worker saw; empty: no words."""


class Signals(MentionSignals):
    """All signals of a post."""

    fingerprint: tuple[int, ...] = ()
    """Up to 12 unsigned 32-bit hashes of the text (``pipeline/core/fingerprint.py``); empty: no words."""
    evidence: tuple[str, ...] = ()
    """Words of the post, as they were read (lower case, folded), that speak for ``type``."""
    personal: tuple[PersonalSpan, ...] = ()
