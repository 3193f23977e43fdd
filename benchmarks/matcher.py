"""Speed, build time and memory of the watchlist matcher. Prints JSON.

    python benchmarks/matcher.py [--seconds 3]

``mentioning``: short posts that all name an object (the worst case); ``mixed``: one in ten does. They are
made here; with ``MOLVA_DATA`` or ../shared/data the real tweets are timed too. One process, CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.core.language import detect_language
from pipeline.core.mentions import Matcher
from pipeline.core.text import clean
from pipeline.core.watchlist import Alias, Watchlist, WatchObject
from pipeline.nlp.inflection import Inflector
from pipeline.watchlist_file import load_watchlist

ROOT = Path(__file__).resolve().parent.parent
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
NAMES = (
    "Сбербанка",
    "ВТБ24",
    "билайн",
    "#мтс",
    "@megafonru",
    "Альфа-банке",
    "Теле2",
    "cбербанк",
    "Ростелеком",
)
_WORDS = """
    сегодня опять очередь карта перевод деньги вчера телефон интернет работает отлично почему приложение
    звонил поддержка ответили спасибо очень долго ждать офис тариф списали обещали вернуть завтра связь плохо
    хорошо быстро сервис менеджер кредит ставка вклад новая удобно снова сломалось город утро вечер друзья
"""
_SYLLABLES = "ба ве го ду жи за ки ло му не по ра си ту фе хо ча ша ро ли на то ку ме ди"
WORDS, SYLLABLES = _WORDS.split(), _SYLLABLES.split()


def posts(number: int, share: float, seed: int) -> list[str]:
    """Made posts of about 110 characters; ``share`` of them name an object of the example watchlist."""
    draw = random.Random(seed)
    made = []
    for _ in range(number):
        words = draw.choices(WORDS, k=draw.randint(8, 16))
        if draw.random() < share:
            words.insert(draw.randrange(len(words)), draw.choice(NAMES))
        made.append(" ".join(words) + draw.choice(("", ".", "!", " http://t.co/abcdefghij")))
    return made


def many_objects(number: int) -> Watchlist:
    """Objects with two made names each."""
    draw = random.Random(number)
    names = ["".join(draw.choices(SYLLABLES, k=draw.randint(3, 5))) + "н" for _ in range(number * 2)]
    pairs = [dict.fromkeys(names[index : index + 2]) for index in range(0, len(names), 2)]
    return Watchlist(
        tuple(
            WatchObject(
                id=f"object-{index}", kind="brand", name="-", aliases=tuple(Alias(text=n) for n in pair)
            )
            for index, pair in enumerate(pairs)
        )
    )


def per_second(function: object, texts: Sequence[str], seconds: float) -> int:
    """Texts per CPU second of ``function``, the best of passes that last ``seconds`` together."""
    assert callable(function)
    best, begun = float("inf"), time.process_time()
    while time.process_time() - begun < seconds:
        start = time.process_time()
        for text in texts:
            function(text)
        best = min(best, time.process_time() - start)
    return round(len(texts) / best)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU seconds per measurement")
    seconds = parser.parse_args().seconds
    start = time.process_time()
    inflector = Inflector()
    loaded = time.process_time()
    matcher = Matcher(load_watchlist(WATCHLIST), inflector.forms)
    built = time.process_time()
    large = Matcher(many_objects(3000), inflector.forms)
    built_large = time.process_time()
    mentioning, mixed = posts(5000, 1.0, 1), posts(5000, 0.1, 2)
    report: dict[str, object] = {
        "pymorphy_load_s": round(loaded - start, 3),
        "build_15_objects_s": round(built - loaded, 3),
        "build_3000_objects_s": round(built_large - built, 2),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "find_mentioning_per_s": per_second(matcher.find, mentioning, seconds),
        "find_mixed_per_s": per_second(matcher.find, mixed, seconds),
        "find_3000_objects_per_s": per_second(large.find, mixed, seconds),
        "clean_per_s": per_second(clean, mixed, seconds),
        "language_per_s": per_second(detect_language, mixed, seconds),
    }
    real = Path(os.environ.get("MOLVA_DATA") or ROOT.parent / "shared" / "data") / "tweets_banks_2014.jsonl"
    if real.is_file():
        texts = [json.loads(line)["text"] for line in real.read_text(encoding="utf-8").splitlines()]
        report["find_real_tweets_per_s"] = per_second(matcher.find, texts, seconds)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
