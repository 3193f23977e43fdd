"""Speed, build time and memory of the watchlist matcher. Prints JSON.

    python benchmarks/matcher.py [--seconds 2] [--objects 5000]

Every watchlist is measured twice in one run: ``plain`` without a vocabulary (no misspellings, glued tags or
cut off names) and ``full``. Posts are made here; with ``MOLVA_DATA`` or ../shared/data real ones too.
One process, CPU seconds.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.core.mentions import Matcher
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
    """Objects with three made names each, one of two words."""
    draw = random.Random(number)

    def name() -> str:
        return "".join(draw.choices(SYLLABLES, k=draw.randint(3, 5))) + "н"

    return Watchlist(
        tuple(
            WatchObject(
                id=f"object-{index}",
                kind="brand",
                name="-",
                aliases=tuple(Alias(text=text) for text in (name(), name(), f"{name()} банк")),
            )
            for index in range(number)
        )
    )


def resident() -> float:
    """MiB of memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def built(watchlist: Watchlist, inflector: Inflector, *, full: bool) -> tuple[Matcher, dict[str, float]]:
    """A matcher, and what it took: CPU seconds, MiB, keys."""
    gc.collect()
    before, start = resident(), time.process_time()
    matcher = Matcher(watchlist, inflector.forms, inflector if full else None)
    seconds = time.process_time() - start
    gc.collect()
    spellings, slips = matcher.size
    return matcher, {
        "build_s": round(seconds, 2),
        "memory_mib": round(resident() - before, 1),
        "spellings": spellings,
        "misspelling_keys": slips,
    }


def microseconds(function: Callable[[str], object], texts: Sequence[str], seconds: float) -> dict[str, float]:
    """CPU microseconds per text: ``unseen`` in the second half after the first, ``seen`` in the best pass."""

    def took(some: Sequence[str]) -> float:
        start = time.process_time()
        for text in some:
            function(text)
        return (time.process_time() - start) / len(some)

    half = len(texts) // 2
    took(texts[:half])
    unseen = took(texts[half:])
    passes = [took(texts)]
    while sum(passes) * len(texts) < seconds:
        passes.append(took(texts))
    return {"unseen": round(1e6 * unseen, 1), "seen": round(1e6 * min(passes), 1)}


def workloads() -> dict[str, list[str]]:
    """Posts by kind: made ones (all or one in ten name an object), real ones where the data are."""
    texts = {"mentioning": posts(5000, 1.0, 1), "mixed": posts(5000, 0.1, 2)}
    folder = Path(os.environ.get("MOLVA_DATA") or ROOT.parent / "shared" / "data")
    for name, file in (("general_tweets", "rusentitweet_train"), ("bank_tweets", "tweets_banks_2014")):
        path = folder / f"{file}.jsonl"
        if path.is_file():
            texts[name] = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    return texts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds per measurement")
    parser.add_argument("--objects", type=int, default=5000, help="how many the large watchlist has")
    arguments = parser.parse_args()
    example = load_watchlist(WATCHLIST)
    thirty = Watchlist((*example, *many_objects(30 - len(example))))
    texts = workloads()
    report: dict[str, object] = {
        name: {"posts": len(each), "mean_chars": round(sum(map(len, each)) / len(each))}
        for name, each in texts.items()
    }
    inflector = Inflector()
    for size, watchlist in (("30", thirty), (str(arguments.objects), many_objects(arguments.objects))):
        for full in (True, False):
            matcher, cost = built(watchlist, inflector, full=full)
            speed = {
                name: microseconds(matcher.find, each, arguments.seconds) for name, each in texts.items()
            }
            if not full:
                del cost["memory_mib"]  # the memory that the full one gave back serves the plain one
            report[f"{size}_objects_{'full' if full else 'plain'}"] = {**cost, "find_us": speed}
            del matcher
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
