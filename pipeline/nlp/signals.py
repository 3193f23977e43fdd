"""The signals of texts: lexicons, model of post type and aspects, fingerprints; a step of the annotator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.core.fingerprint import Fingerprint, fingerprints
from pipeline.core.signals.personal import personal_data
from pipeline.core.signals.reading import Reading, read
from pipeline.core.signals.toxicity import TOXIC_FROM, disguised, toxicity
from pipeline.nlp.signal_features import features
from schemas.signals import Aspect, AspectName, Experience, PostType, Signals

WEIGHTS: Final = Path(__file__).with_name("model") / "signals" / "signals.npz"

TYPES: Final[tuple[PostType, ...]] = get_args(PostType)[1:]
ASPECTS: Final[tuple[AspectName, ...]] = get_args(AspectName)[:-1]
OPINIONS: Final = frozenset(("complaint", "praise", "question", "request_help"))
"""The types that have aspects."""

ASPECT_FROM: Final = 0.4
MAX_EVIDENCE: Final = 5

Floats = NDArray[np.float32]


class Weights(NamedTuple):
    """A linear model: a text's scores are the sum of its n features' rows by the root of n, plus the bias."""

    vocabulary: dict[str, int]
    matrix: Floats
    """(features, types + aspects)"""
    bias: Floats
    """(types + aspects,)"""

    def probabilities(self, named: Sequence[Sequence[str]]) -> tuple[Floats, Floats]:
        """Of texts with these features: of `TYPES` (rows sum to 1) and of `ASPECTS` (each on its own)."""
        known = self.vocabulary
        rows = [list({known[name] for name in names if name in known}) for names in named]
        sizes = np.fromiter(map(len, rows), np.int64, len(rows))
        flat = np.fromiter((number for row in rows for number in row), np.int64, int(sizes.sum()))
        scores = np.zeros((len(rows), self.matrix.shape[1]), np.float32)
        filled = np.flatnonzero(sizes)
        if len(filled):
            starts = (np.cumsum(sizes) - sizes)[filled]
            sums = np.add.reduceat(self.matrix[flat], starts, axis=0)
            scores[filled] = sums / np.sqrt(sizes[filled])[:, None]
        scores += self.bias
        types = np.exp(
            scores[:, : len(TYPES)] - scores[:, : len(TYPES)].max(axis=1, keepdims=True, initial=-1e9)
        )
        types /= types.sum(axis=1, keepdims=True)
        aspects: Floats = (1 / (1 + np.exp(-scores[:, len(TYPES) :]))).astype(np.float32)
        return types, aspects


class SignalModel:
    """All signals of texts. Stateless after loading; any thread."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> SignalModel:
        """Load the trained weights (a few milliseconds).

        Raises:
            FileNotFoundError: there are none at ``path``.
        """
        with np.load(path, allow_pickle=False) as stored:
            names = str(stored["vocabulary"]).split("\n")
            return cls(Weights({name: n for n, name in enumerate(names)}, stored["matrix"], stored["bias"]))

    def signals(self, texts: Sequence[str]) -> list[Signals]:
        """The signals of each text, in order; the cluster is left to the stage, which knows earlier posts."""
        readings = [read(text) for text in texts]
        types, aspects = self._weights.probabilities([features(reading) for reading in readings])
        prints = fingerprints(["".join(reading.words) for reading in readings])
        best = types.argmax(axis=1).tolist()
        rows = zip(
            readings, best, types.max(axis=1, initial=0).tolist(), aspects.tolist(), prints, strict=True
        )
        return [_signals(*row) for row in rows]


def _signals(
    reading: Reading, best: int, p_type: float, aspects: list[float], print_: Fingerprint
) -> Signals:
    if not reading.words:
        return Signals(type="other", p_type=1, experience="none", personal=tuple(personal_data(reading.text)))
    kind = TYPES[best]
    values: dict[str, Any] = {
        "type": kind,
        "p_type": round(p_type, 4),
        "experience": experience(reading),
        "fingerprint": print_,
    }
    if kind in OPINIONS:
        values["aspects"] = _aspects(aspects)
    if reading.names:
        values |= _acts(reading, kind, reports=kind == "news" and values["experience"] != "own")
    toxic = [*reading.names.get("toxic", ()), *disguised(reading.text, reading.spoken)]
    if toxic:
        values["toxicity"] = score = toxicity(toxic)
        values["toxic"] = score >= TOXIC_FROM
    if personal := personal_data(reading.text):
        values["personal"] = tuple(personal)
    return Signals(**values)


def _acts(reading: Reading, kind: PostType, *, reports: bool) -> dict[str, Any]:
    """Evidence, calls and threats; who ``reports`` the acts of others neither calls nor threatens."""
    names = reading.names
    acts: dict[str, Any] = {}
    if "type" in names:
        said = (words for tag, words in reading.found if tag == f"type:{kind}")
        acts["evidence"] = tuple(dict.fromkeys(said))[:MAX_EVIDENCE]
    if not reports:
        acts["calls"] = tuple(dict.fromkeys(names.get("call", ())))
        named = names.get("authority", ()) if kind in ("complaint", "request_help") else ()
        acts["threats"] = tuple(dict.fromkeys((*names.get("threat", ()), *named)))
    return acts


def experience(reading: Reading) -> Experience:
    """Whose story it is: words of hearing from others outweigh a single word about oneself."""
    tells = reading.names.get("tells", ())
    own, heard = tells.count("own"), tells.count("hearsay")
    if heard and own <= 2 * heard:
        return "hearsay"
    return "own" if own else "none"


def _aspects(probabilities: list[float]) -> tuple[Aspect, ...]:
    likely = sorted(
        ((p, name) for p, name in zip(probabilities, ASPECTS, strict=True) if p >= ASPECT_FROM), reverse=True
    )
    if not likely:
        return (Aspect(name="other", p=round(1 - max(probabilities), 4)),)
    return tuple(Aspect(name=name, p=round(p, 4)) for p, name in likely)
