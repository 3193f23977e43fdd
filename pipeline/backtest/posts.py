"""Posts or mentions of a file as `Counts`; the posts go through the language models, as in enrichment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from agents.compression import codec_of
from agents.replay.input import ReplayInput, Row
from agents.replay.lines import BOM
from agents.rows import event_time, post_of
from pipeline.backtest.annotated import Annotated
from pipeline.backtest.counts import Counts
from pipeline.errors import UsageError
from pipeline.nlp.annotator import Annotator
from schemas import Mention, RawPost
from schemas.codec import InvalidRecord, validate

LABELS: Final = ("negative", "neutral", "positive")
TIMELINE: Final = "backtest"


def looks_like_posts(beginning: bytes) -> bool:
    """Whether a file that begins so holds posts or mentions; otherwise it is a CSV of counts.

    >>> looks_like_posts(b'{"text": "..."}'), looks_like_posts(b"object,bucket,negative,total")
    (True, False)
    """
    plain = beginning.removeprefix(BOM).lstrip()
    first = plain.partition(b"\n")[0].lower()
    return codec_of(beginning) != "plain" or plain[:1] in (b"{", b"[") or b"created_at" in first


class PostsFile:
    """JSON lines or CSV of posts, or JSON lines of mentions; plain, .gz or .zst.

    Args:
        name: the file's name, for messages.
        load: loads the language models; called when the first post needs them.
        now: no post may be dated later than a day after it.
        labelled: believe the labels of rows ``{"targets": {"acme": "negative"}}``, without any model.
        on_row: called after each row, for progress.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], Annotator],
        *,
        now: datetime,
        labelled: bool,
        on_row: Callable[[], object],
    ) -> None:
        self._name = name
        self._now = now
        self._labelled = labelled
        self._on_row = on_row
        self.annotated = Annotated(load)

    def count(self, chunks: Iterable[bytes], counts: Counts) -> None:
        """Add every mention of the file; a post counts once per object, own posts do not count.

        Args:
            chunks: the bytes of the file.

        Raises:
            UsageError: a line is neither a post nor a mention; the message names the line.
            BrokenInput: the file is damaged.
        """
        reading = ReplayInput(chunks, self._name)
        while rows := reading.take():
            posts: list[RawPost] = []
            for row in rows:
                if self._labelled:
                    self._count_labels(row, counts)
                elif isinstance(row.content, dict) and "object_id" in row.content:
                    self._count_mention(row, counts)
                else:
                    posts.append(self._post(row))
            self.annotated.count(posts, counts)
            for _ in rows:
                self._on_row()

    def _count_labels(self, row: Row, counts: Counts) -> None:
        post = self._post(row)
        content = row.content
        labels = content.get("targets") if isinstance(content, dict) else None
        if not isinstance(labels, dict) or any(label not in LABELS for label in labels.values()):
            raise self._mistake(
                row, '--labels wants "targets": {"<object>": "negative", "neutral" or "positive"}'
            )
        for name, label in labels.items():
            self.annotated.add(counts, str(name), post.id, post.created_at, label)

    def _count_mention(self, row: Row, counts: Counts) -> None:
        try:
            mention = validate(Mention, row.content)
        except InvalidRecord as error:
            raise self._mistake(row, error.detail) from error
        if not mention.own:
            self.annotated.add(
                counts, mention.object_id, mention.post_id, mention.created_at, mention.sentiment.label
            )

    def _post(self, row: Row) -> RawPost:
        if isinstance(row.content, InvalidRecord):
            raise self._mistake(row, row.content.detail)
        if event_time(row.content) is None and isinstance(row.content, dict):
            hint = "a post has created_at and text, a mention object_id, created_at and sentiment"
            raise self._mistake(row, f"no date in created_at ({hint})")
        try:
            return post_of(row.content, source="backtest", timeline=TIMELINE, collected_at=self._now)
        except InvalidRecord as error:
            raise self._mistake(row, error.detail) from error

    def _mistake(self, row: Row, problem: str) -> UsageError:
        return UsageError(f"{self._name}: line {row.line.number}: {problem}")
