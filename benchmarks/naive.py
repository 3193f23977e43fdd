"""The baseline of ``molva bench pipeline --naive``: what a competent user writes in an afternoon.

One Faust agent reads the raw posts, natasha's documented pipeline finds the names, a word list gives the
sentiment, substrings find the objects, clickhouse-driver inserts each small batch. No dead letters, nothing
exactly once, no spikes.

    NAIVE_KAFKA=127.0.0.1:9092 NAIVE_TOPIC=posts NAIVE_CLICKHOUSE=clickhouse://... \\
        python benchmarks/naive.py worker

dostoevsky, the usual package for Russian sentiment, is not used: its weights are not in the package, and it
needs fasttext built from source. A word list is faster, so the comparison errs in the baseline's favour.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any

import faust
from clickhouse_driver import Client
from natasha import (
    Doc,
    MorphVocab,
    NewsEmbedding,
    NewsMorphTagger,
    NewsNERTagger,
    NewsSyntaxParser,
    Segmenter,
)

TABLE = """
CREATE TABLE IF NOT EXISTS naive_posts
(
    id String, created_at DateTime64(3, 'UTC'), collected_at DateTime64(3, 'UTC'), author String, text String,
    label Enum8('negative' = -1, 'neutral' = 0, 'positive' = 1), names Array(String), objects Array(String)
) ENGINE = MergeTree ORDER BY (created_at, id)
"""
BATCH = 100
WITHIN_S = 1.0
POSITIVE = frozenset(
    """
    хороший отличный спасибо прекрасный любимый счастливый радость рад супер красивый лучший довольный
    любить нравиться классный крутой удобный быстрый помочь благодарный милый приятный замечательный
    """.split()  # noqa: SIM905
)
NEGATIVE = frozenset(
    """
    плохой ужасный отвратительный ненавидеть бесить проблема ошибка сбой обман мошенник ужас кошмар хуже
    худший грустный больно страшный тупой дурак жалоба списать обмануть отказать зависать позор
    """.split()  # noqa: SIM905
)
OBJECTS = {
    "sber": ("сбер",),
    "vtb": ("втб",),
    "alfabank": ("альфа-банк", "альфабанк", "альфа банк"),
    "gazprombank": ("газпромбанк",),
    "mts": ("мтс",),
    "megafon": ("мегафон",),
    "beeline": ("билайн",),
    "tele2": ("теле2", "tele2"),
    "rostelecom": ("ростелеком",),
}

segmenter, vocabulary, embedding = Segmenter(), MorphVocab(), NewsEmbedding()
morph, syntax, ner = NewsMorphTagger(embedding), NewsSyntaxParser(embedding), NewsNERTagger(embedding)
clickhouse = Client.from_url(os.environ["NAIVE_CLICKHOUSE"])

app = faust.App(
    "naive",
    broker=f"kafka://{os.environ['NAIVE_KAFKA']}",
    web_enabled=False,
    value_serializer="raw",
    broker_session_timeout=6.0,  # the embedded broker waits half of it before a member may join
    broker_heartbeat_interval=1.0,
    broker_rebalance_timeout=6.0,
    topic_disable_leader=True,
)
posts = app.topic(os.environ["NAIVE_TOPIC"], value_type=bytes)


def analyse(post: dict[str, Any]) -> tuple[Any, ...]:
    """The row of a post."""
    doc = Doc(post["text"])
    doc.segment(segmenter)
    doc.tag_morph(morph)
    doc.parse_syntax(syntax)
    doc.tag_ner(ner)
    for token in doc.tokens:
        token.lemmatize(vocabulary)
    for span in doc.spans:
        span.normalize(vocabulary)
    lemmas = {token.lemma for token in doc.tokens}
    score = len(lemmas & POSITIVE) - len(lemmas & NEGATIVE)
    lowered = post["text"].lower()
    return (
        post["id"],
        datetime.fromisoformat(post["created_at"]),
        datetime.fromisoformat(post["collected_at"]),
        (post.get("author") or {}).get("id", ""),
        post["text"],
        "positive" if score > 0 else "negative" if score < 0 else "neutral",
        [span.normal for span in doc.spans],
        [name for name, words in OBJECTS.items() if any(word in lowered for word in words)],
    )


@app.agent(posts)
async def store(stream: Any) -> None:
    """Analyse and insert posts, a small batch at a time."""
    async for batch in stream.take(BATCH, within=WITHIN_S):
        rows = [analyse(json.loads(value)) for value in batch]
        clickhouse.execute("INSERT INTO naive_posts VALUES", rows)


if __name__ == "__main__":
    clickhouse.execute(TABLE)
    faust.Worker(app, loglevel="WARNING").execute_from_commandline()
