"""NER: Molva's engine against plain natasha, in one process, on the same posts; JSON on standard output.

    python benchmarks/entities.py ../shared/data/tweets_banks_2014.jsonl --posts 2000

``ner`` is spans and types alone, ``full`` with normal forms (segment, morphology, NER, normalise). ``ratio``
is Molva's posts per CPU second, caches empty at first, over natasha's; ``differing_share`` is the share of
posts with other results. Posts are taken in the order of the files, or at random with ``--sample SEED``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.nlp.engine.comparison import compare_engines


def main() -> None:
    parser = argparse.ArgumentParser(description="NER against plain natasha")
    parser.add_argument("files", nargs="+", type=Path, help='JSON lines with "text"')
    parser.add_argument("--posts", type=int, default=2000, help="of each file")
    parser.add_argument("--sample", type=int, metavar="SEED", help="take them at random")
    arguments = parser.parse_args()
    texts = []
    for file in arguments.files:
        lines = file.read_text(encoding="utf-8").splitlines()
        if arguments.sample is not None:
            random.Random(arguments.sample).shuffle(lines)
        texts += [json.loads(line)["text"] for line in lines[: arguments.posts]]
    print(json.dumps(compare_engines(texts).as_json(), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
