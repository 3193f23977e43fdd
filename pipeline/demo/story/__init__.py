"""The bundled story: a bad week of an invented bank, written by a seeded grammar of hand-written phrases.

``python -m pipeline.demo.story`` writes it again; ``molva demo`` replays the committed file.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path

from pipeline.demo.story.cast import START
from pipeline.demo.story.plot import END
from pipeline.demo.story.write import SEED, Truth, Writer, Written

PATH = Path(__file__).parent.parent / "story.jsonl.gz"

__all__ = ["END", "PATH", "SEED", "START", "Truth", "Writer", "Written", "lines", "packed", "truth"]


def lines(posts: Iterable[Written]) -> bytes:
    """The story as JSON lines in order of event time, UTF-8; the rows hold nothing of the truth."""
    return "".join(f"{json.dumps(written.row, ensure_ascii=False)}\n" for written in posts).encode()


def truth(posts: Iterable[Written]) -> dict[str, Truth]:
    """Per post id, what the story's author knows about the post; for tests and for judging the models."""
    return {written.row["id"]: written.truth for written in posts}


def packed(text: bytes) -> bytes:
    """``text`` as gzip with no time stamp: the same bytes from the same zlib."""
    target = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=target, mtime=0) as file:
        file.write(text)
    return target.getvalue()
