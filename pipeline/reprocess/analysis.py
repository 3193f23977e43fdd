"""Stored posts -> the rows of their new analysis, as enrichment and storage would make them today.

Each chunk starts with fresh memories (own threads, near-duplicates, full names) and reads the posts before it
into them, so the result depends on the data alone: not on where an earlier attempt was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from pipeline.core.clusters import Clusters
from pipeline.core.enrichment import (
    Annotation,
    Failed,
    enriched_post,
    in_cluster,
    linked,
    mentions,
    places,
    whole_stars,
)
from pipeline.core.linking import Linker
from pipeline.core.replies import OwnThreads
from pipeline.core.standing import marked
from pipeline.core.watchlist import Watchlist
from pipeline.nlp.annotator import Request
from pipeline.reprocess.stored import Stored, origin, raw_post, released
from pipeline.sink.cells import Row
from pipeline.sink.rows import entity_rows, mention_row, post_row
from schemas import Entity, RawPost
from schemas.mention import ObjectKind

REMADE: Final = (
    *("enriched_at", "language", "label", "p_negative", "p_positive", "model", "objects"),
    *("post_type", "p_type", "type_evidence", "aspects.name", "aspects.p", "experience", "calls", "threats"),
    *("channel_own", "author_own", "spoken_by", "community_of"),
    *("toxicity", "toxic", "cluster", "fingerprint", "personal.kind", "personal.start", "personal.end"),
)
"""The columns of ``posts`` that an analysis decides; all others stay as they were stored."""
KEPT: Final = ("stored_at", "_cluster", "_topic", "_partition", "_offset", "_batch")
"""What entities and mentions take over from their post: when it was stored (rows expire by it), whence."""


class Made(NamedTuple):
    """The rows of one chunk; a text that a model cannot take keeps its old analysis and is counted."""

    posts: list[Row]
    entities: list[Row]
    mentions: list[Row]
    failed: int


@dataclass(frozen=True)
class Analysis:
    """The present models and watchlist; ``annotate`` takes a batch, ``batch`` says how many."""

    annotate: Callable[[Sequence[Request]], Sequence[Annotation | Failed]]
    watched: Watchlist
    kinds: Mapping[str, ObjectKind]
    batch: int

    def make(
        self,
        before: Sequence[tuple[Stored, Sequence[Entity]]],
        chunk: Sequence[Stored],
        version: str,
        now: datetime,
    ) -> Made:
        """The rows of ``chunk``, in the order of event time.

        Args:
            before: the posts before it with their names, which only fill the memories.
            now: becomes ``enriched_at``.
        """
        memory = _Memory(self.watched)
        for row, names in before:
            memory.recall(row, names)
        made = Made([], [], [], 0)
        posts = [raw_post(row) for row in chunk]
        for row, post, outcome in zip(chunk, posts, self._annotated(memory, posts), strict=True):
            if isinstance(outcome, Failed):
                made = made._replace(failed=made.failed + 1)
                continue
            outcome = memory.placed(post, outcome)
            kept = {name: row[name] for name in KEPT}
            standing = memory.threads.places.standing(post)
            post = marked(released(post, row, standing.community_of), standing)
            enriched = enriched_post(post, outcome, origin(row), now, standing)
            new = post_row(enriched)
            made.posts.append({**row, **{name: new[name] for name in REMADE}, "version": version})
            made.entities.extend({**found, **kept} for found in entity_rows(enriched))
            about = mentions(post, outcome, origin(row), now, self.kinds, standing.spoken_by)
            made.mentions.extend({**mention_row(found), "version": version, **kept} for found in about)
        return made

    def _annotated(self, memory: _Memory, posts: Sequence[RawPost]) -> Iterator[Annotation | Failed]:
        requests = [
            Request(post.text, addressed=memory.threads.addressed(post), stars=whole_stars(post.rating))
            for post in posts
        ]
        for start in range(0, len(requests), self.batch):
            yield from self.annotate(requests[start : start + self.batch])


class _Memory:
    """What enrichment remembers of the posts before."""

    def __init__(self, watched: Watchlist) -> None:
        self.threads = OwnThreads(watched)
        self._clusters = Clusters()
        self._linker = Linker(watched)

    def recall(self, row: Stored, names: Sequence[Entity]) -> None:
        """Remember a post as it was analysed before."""
        post = raw_post(row)
        self.threads.addressed(post)
        self._clusters.assign(post.id, post.timeline, post.created_at, tuple(row["fingerprint"]))
        self._linker.link(post, names, {})

    def placed(self, post: RawPost, found: Annotation) -> Annotation:
        """The annotation with its cluster and its names linked; remembers the post."""
        print_ = found.signals.fingerprint
        found = in_cluster(found, self._clusters.assign(post.id, post.timeline, post.created_at, print_))
        return linked(found, self._linker.link(post, found.entities, places(found)))
