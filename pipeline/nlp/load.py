"""Loads a sentiment tier by the name of its model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pipeline.nlp.cascade import Cascade, Mixed
from pipeline.nlp.sentiment import FILE, MODELS, SentimentModel
from pipeline.nlp.strong.model import FILE as ENCODER_FILE
from pipeline.nlp.strong.model import PIECES, StrongModel
from pipeline.nlp.tiers import Tier

TierName = Literal["fast", "strong", "cascade"]


def load_tier(model: str | Path, tier: TierName) -> Tier:
    """A tier of a shipped model, by name (``open``, ``full``), or of one in a folder of your own.

    Raises:
        FileNotFoundError: there is no such model.
        IncompatibleModel, IncompatibleStrongModel: it was trained for another version of Molva.
    """
    folder = MODELS / model if isinstance(model, str) else model
    fast = SentimentModel.load(folder / FILE)
    if tier == "fast":
        return fast
    pieces = folder / PIECES
    encoder = StrongModel(folder / ENCODER_FILE, pieces if pieces.is_file() else MODELS / PIECES)
    strong = Mixed(fast, encoder)
    return strong if tier == "strong" else Cascade(strong)
