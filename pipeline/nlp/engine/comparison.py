"""The fast engine beside natasha itself: one process, the same posts; speed, memory and what differs."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from pipeline.nlp.ner import Ner

BATCH = 256
WARM_UP = 50
"""Posts that are annotated before the clock starts, by both."""

EXAMPLES = 5

Clock = Callable[[], float]
Found = TypeVar("Found", bound=tuple[Any, ...])
Annotate = Callable[[Sequence[str]], list[Found]]


@dataclass(frozen=True)
class Comparison:
    """Speeds are posts per CPU second; ``warm`` is a second pass over the same posts."""

    natasha_posts_per_cpu_second: float
    molva_posts_per_cpu_second: float
    molva_warm_posts_per_cpu_second: float
    ratio: float
    differing: int
    differing_share: float
    examples: list[dict[str, Any]] = field(default_factory=list)
    """Posts that differ, `EXAMPLES` at most: what only natasha and what only Molva found."""


@dataclass(frozen=True)
class Report:
    """``ner`` compares spans and types, ``full`` also normal forms; memory is the peak with Molva only."""

    posts: int
    mean_chars: float
    entities: int
    memory_mb: float
    ner: Comparison
    full: Comparison

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare_engines(texts: Sequence[str], clock: Clock = time.process_time) -> Report:
    """Annotate the texts with both; ``clock`` gives CPU seconds. Raises `ValueError` without texts."""
    if not texts:
        raise ValueError("no texts to compare the engines on")
    spans = _measure_twice(Ner().spans, texts, clock)
    entities = _measure_twice(Ner().entities, texts, clock)
    memory = _peak_mb()
    natasha = Ner("natasha")
    return Report(
        posts=len(texts),
        mean_chars=round(sum(map(len, texts)) / len(texts), 1),
        entities=sum(map(len, entities[0])),
        memory_mb=memory,
        ner=_compare(texts, spans, _measure(natasha.spans, texts, clock)),
        full=_compare(texts, entities, _measure(natasha.entities, texts, clock)),
    )


def _measure_twice(
    annotate: Annotate[Found], texts: Sequence[str], clock: Clock
) -> tuple[list[Found], float, float]:
    found, cold = _measure(annotate, texts, clock)
    return found, cold, _measure(annotate, texts, clock)[1]


def _measure(annotate: Annotate[Found], texts: Sequence[str], clock: Clock) -> tuple[list[Found], float]:
    """What it finds, and posts per second of the clock."""
    annotate(texts[:WARM_UP])
    started = clock()
    found = [item for at in range(0, len(texts), BATCH) for item in annotate(texts[at : at + BATCH])]
    return found, len(texts) / (clock() - started)


def _compare(
    texts: Sequence[str], molva: tuple[list[Found], float, float], natasha: tuple[list[Found], float]
) -> Comparison:
    found, cold, warm = molva
    expected, plain = natasha
    differing = [at for at in range(len(texts)) if found[at] != expected[at]]
    return Comparison(
        natasha_posts_per_cpu_second=round(plain, 1),
        molva_posts_per_cpu_second=round(cold, 1),
        molva_warm_posts_per_cpu_second=round(warm, 1),
        ratio=round(cold / plain, 2),
        differing=len(differing),
        differing_share=len(differing) / len(texts),
        examples=[
            {
                "text": texts[at],
                "natasha": [str(item) for item in expected[at] if item not in found[at]],
                "molva": [str(item) for item in found[at] if item not in expected[at]],
            }
            for at in differing[:EXAMPLES]
        ],
    )


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
