"""Loads a sentiment tier by the name of its model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pipeline.nlp.cascade import Cascade
from pipeline.nlp.sentiment import MODELS, SentimentModel
from pipeline.nlp.strong.model import FILE, PIECES, StrongModel
from pipeline.nlp.tiers import Tier

TierName = Literal["fast", "strong", "cascade"]


def load_tier(model: str | Path, tier: TierName) -> Tier:
    """A tier of a shipped model, by name (``open``, ``full``), or of one in a folder of your own.

    Raises:
        FileNotFoundError: there is no such model.
        IncompatibleModel, IncompatibleStrongModel: it was trained for another version of Molva.
    """
    folder = MODELS / model if isinstance(model, str) else model
    if tier == "fast":
        return _fast(folder)
    strong = StrongModel(folder / FILE, folder / PIECES if (folder / PIECES).is_file() else MODELS / PIECES)
    return strong if tier == "strong" else Cascade(_fast(folder), strong)


def _fast(folder: Path) -> Tier:
    return SentimentModel.load(folder / "sentiment.npz")
