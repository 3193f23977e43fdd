"""Posts -> counts: the language models find and judge the mentions, as in enrichment.

Used for files (`pipeline.backtest.posts`) and for what ClickHouse holds (`pipeline.backtest.stored_posts`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from pipeline.backtest.counts import Counts
from pipeline.core.enrichment import Failed, whole_stars
from pipeline.core.windows import seconds
from pipeline.nlp.annotator import Annotator, Request
from schemas import RawPost


class Annotated:
    """Counts the mentions of posts; a post counts once per object, own posts do not count.

    Args:
        load: loads the language models; called when the first post needs them.
    """

    def __init__(self, load: Callable[[], Annotator]) -> None:
        self._load = load
        self._annotator: Annotator | None = None
        self._seen: set[tuple[str, str]] = set()
        self.first: datetime | None = None
        """Date of the oldest post of the period, whomever it names; None: there was none."""
        self.last: datetime | None = None
        """Date of the newest one."""
        self.posts = 0
        """Posts of the period."""

    def count(self, posts: Sequence[RawPost], counts: Counts) -> None:
        """Add the mentions in posts, given in the order in which they were written.

        Where only some objects are counted, the models see only the posts that the matcher finds them in.
        """
        wanted = [post for post in posts if counts.period.reads(seconds(post.created_at))]
        if not wanted:
            return
        self._note(wanted)
        if self._annotator is None:
            self._annotator = self._load()
        annotator = self._annotator
        asked: list[RawPost] = []
        requests: list[Request] = []
        for post in wanted:
            addressed = tuple(annotator.addressed(post))
            if _concerns(annotator, post, addressed, counts):
                asked.append(post)
                requests.append(Request(post.text, addressed=addressed, stars=whole_stars(post.rating)))
        for post, outcome in zip(asked, annotator.annotate(requests) if requests else (), strict=True):
            if isinstance(outcome, Failed):
                counts.notes.append(f"{post.id} is not counted, the models failed on it: {outcome.detail}")
                continue
            own = annotator.owners(post)
            for found in outcome.mentions:
                if found.object_id not in own:
                    label = found.sentiment.label
                    self.add(counts, found.object_id, post.id, post.created_at, label)

    def add(self, counts: Counts, name: str, post_id: str, at: datetime, label: str) -> None:
        """Count a mention whose sentiment is known."""
        second = seconds(at)
        if counts.wants(name, second) and (name, post_id) not in self._seen:
            self._seen.add((name, post_id))
            counts.add(name, second, int(label == "negative"), 1)

    def _note(self, posts: Sequence[RawPost]) -> None:
        self.posts += len(posts)
        dates = [post.created_at for post in posts]
        self.first = min(dates) if self.first is None else min(self.first, *dates)
        self.last = max(dates) if self.last is None else max(self.last, *dates)


def _concerns(annotator: Annotator, post: RawPost, addressed: Sequence[str], counts: Counts) -> bool:
    objects = counts.objects
    if not objects or not objects.isdisjoint(addressed):
        return True
    return any(match.object_id in objects for match in annotator.find(post.text))
