"""NER: Molva's `Ner` against plain natasha, in one process, on the same posts; JSON on standard output.

    OMP_NUM_THREADS=1 python benchmarks/entities.py ../shared/data/tweets_banks_2014.jsonl --posts 2000

``ratio`` is posts per CPU second of `Ner` over those of natasha; ``differing`` is the share of posts with
other spans, types or normal forms.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.nlp.natasha_import import natasha
from pipeline.nlp.ner import Ner
from schemas import Entity

BATCH = 256
WARM_UP = 50

Annotate = Callable[[Sequence[str]], list[tuple[Entity, ...]]]


def plain_natasha() -> Annotate:
    """natasha's documented pipeline: segment, morphology, NER, normalise; one post at a time."""
    segmenter, vocab, embedding = natasha.Segmenter(), natasha.MorphVocab(), natasha.NewsEmbedding()
    morph, tagger = natasha.NewsMorphTagger(embedding), natasha.NewsNERTagger(embedding)

    def one(text: str) -> tuple[Entity, ...]:
        doc = natasha.Doc(text)
        doc.segment(segmenter)
        doc.tag_morph(morph)
        doc.tag_ner(tagger)
        for span in doc.spans:
            span.normalize(vocab)
        return tuple(
            Entity(text=span.text, normal=span.normal, type=span.type, start=span.start, end=span.stop)
            for span in doc.spans
        )

    return lambda texts: [one(text) for text in texts]


def measure(annotate: Annotate, texts: Sequence[str]) -> tuple[list[tuple[Entity, ...]], float]:
    """What it finds, and posts per CPU second."""
    annotate(texts[:WARM_UP])
    started = time.process_time()
    found = [item for at in range(0, len(texts), BATCH) for item in annotate(texts[at : at + BATCH])]
    return found, len(texts) / (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description="NER against plain natasha")
    parser.add_argument("files", nargs="+", type=Path, help='JSON lines with "text"')
    parser.add_argument("--posts", type=int, default=2000, help="of each file")
    arguments = parser.parse_args()
    texts = [
        json.loads(line)["text"]
        for file in arguments.files
        for line in file.read_text(encoding="utf-8").splitlines()[: arguments.posts]
    ]
    expected, natasha_speed = measure(plain_natasha(), texts)
    found, speed = measure(Ner().entities, texts)
    differing = sum(a != b for a, b in zip(expected, found, strict=True))
    report = {
        "posts": len(texts),
        "mean_chars": round(sum(map(len, texts)) / len(texts), 1),
        "entities": sum(map(len, found)),
        "natasha_posts_per_cpu_second": round(natasha_speed),
        "molva_posts_per_cpu_second": round(speed),
        "ratio": round(speed / natasha_speed, 2),
        "differing": differing / len(texts),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
