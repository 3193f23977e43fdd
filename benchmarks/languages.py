"""Language identification: the samples' second half (the first chose the rules), and real tweets; JSON.

    python benchmarks/languages.py [--data ../shared/data]

``samples`` counts, by right language, what was answered. ``not_russian`` is the share of the tweets of banks
and operators, nearly all Russian, that are called anything else; ``us_per_post`` is CPU time, caches warm.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.core.language import detect_language
from pipeline.nlp.inflection import Inflector
from tests.core.language_samples import SAMPLES

TWEETS = ("tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description="language identification on short posts")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOLVA_DATA", "../shared/data")))
    data = parser.parse_args().data
    detect = partial(detect_language, is_russian=Inflector().knows)
    report: dict[str, Any] = {
        "samples": {
            language: dict(Counter(map(detect, lines[1::2])).most_common())
            for language, lines in SAMPLES.items()
        }
    }
    for name in TWEETS:
        path = data / name
        if not path.is_file():
            print(f"not measured: {path} is not there", file=sys.stderr)
            continue
        texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
        found = Counter(map(detect, texts))
        started = time.process_time()
        for text in texts:
            detect(text)
        seconds = time.process_time() - started
        report[name] = {
            "posts": len(texts),
            "not_russian": round(1 - found["ru"] / len(texts), 5),
            "us_per_post": round(seconds / len(texts) * 1e6, 1),
        }
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
