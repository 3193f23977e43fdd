"""A digest of all that the enrichment stage sends for posts of the data sets: to prove that a change of its
speed changed no answer; JSON.

    python -m benchmarks.same_answers [--posts 5000]

Half of the texts mention an object of examples/banks-and-operators.yaml. Some posts are replies, reviews with
stars, in own channels, of own accounts or with a region, some repeat a text, a few cannot be read. The digest
covers topic, key, value and headers of every record in order; it is the same on every run of one version.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.enrichment import stage_of
from pipeline.batches import Incoming
from pipeline.bench.mix import Mix, read_mix
from pipeline.garbage import settle
from pipeline.nlp.annotator import build_annotator
from pipeline.topics import RAW
from schemas import Author, RawPost, Watermark
from schemas.codec import encode
from schemas.post import Channel

ROOT = Path(__file__).resolve().parent.parent
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
BATCH = 256
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
STEP = timedelta(seconds=7)


def incoming(mix: Mix, number: int) -> Iterator[Incoming]:
    """Posts as the raw topic holds them; one in 500 is broken, and behind it comes a watermark."""
    for at in range(number):
        message = encode(post(mix, at))
        value = message.value if at % 500 else b'{"id": "x:1", "source": "x"}'
        yield Incoming(RAW, at % 4, at, value, message.headers, NOW)
        if at % 500 == 0:
            mark = encode(Watermark(timeline="check", agent="x", watermark=NOW + at * STEP, partitions=4))
            yield Incoming(RAW, at % 4, at, mark.value, mark.headers, NOW)


def post(mix: Mix, at: int) -> RawPost:
    """Post ``at``, with all that a source may tell, each for some posts."""
    draw = random.Random(at)
    texts = mix.mentioning if at % 2 else mix.general
    text = texts[at // 2 % len(texts)] if at % 11 else texts[at // 40 % len(texts)] + " " * (at % 3)
    own = at % 19 == 0
    answered = f"{at - draw.randrange(1, 20)}" if at > 20 and at % 5 == 0 else None
    source = ("vk", "telegram", "twitter", "reviews")[at % 4]
    return RawPost(
        id=f"{source}:{at}",
        source=source,
        native_id=str(at),
        kind=("post", "comment", "review", "repost")[at % 4],
        url=f"https://social.example/{at}" if at % 3 else "",
        channel=Channel(id=f"c{at % 97}", name=f"Сообщество {at % 97}", own=own) if at % 7 else None,
        author=Author(id=f"a{at % 911}", name="Сбербанк" if own else f"Автор {at}") if at % 6 else None,
        created_at=NOW + at * STEP,
        collected_at=NOW + at * STEP + timedelta(seconds=3),
        text=text * 40 if at % 333 == 0 else text,
        reply_to=answered,
        rating=draw.choice((1, 3.4, 5)) if at % 4 == 2 else None,
        timeline="live" if at % 3 else "replay:check",
        extras={"city": "Самара", "n": at} if at % 9 == 0 else {},
    )


def digest(data: Path, number: int) -> dict[str, Any]:
    """Send ``number`` posts through the stage in batches, and sum up what comes out."""
    records = list(incoming(read_mix(data, WATCHLIST), number))
    annotator = build_annotator(WATCHLIST, "full")
    settle()
    enrich = stage_of(annotator)
    sent = [item for at in range(0, len(records), BATCH) for item in enrich(records[at : at + BATCH])]
    total = hashlib.sha256()
    for item in sent:
        total.update(repr((item.topic, *item.message, item.partition)).encode())
    return {
        "posts": number,
        "sent": dict(Counter(item.topic for item in sent)),
        "bytes": sum(len(item.message.value) for item in sent),
        "sha256": total.hexdigest(),
    }


def main() -> None:
    """Print the digest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, default=5000)
    arguments = parser.parse_args()
    data = Path(os.environ.get("MOLVA_DATA") or ROOT.parent / "shared" / "data")
    if not data.is_dir():
        sys.exit(f"no data in {data}: set MOLVA_DATA to the folder with the data sets")
    print(json.dumps(digest(data, arguments.posts), indent=2))


if __name__ == "__main__":
    main()
