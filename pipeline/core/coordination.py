"""Signs that a wave of negative mentions is organised: a suspicion, not a finding.

Read by `pipeline.core.explanation` from the run's sample. What is passed on from elsewhere (reposts, news)
is no sign: people and feeds repeat headlines without having agreed on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from pipeline.core.sample import Sampled
from schemas.spike import Coordination

ENOUGH: Final = 10
"""Fewer mentions are not judged."""
ACCOUNTS: Final = 3
"""Copies of so many different accounts, near enough in time, belong together."""
COPIES_SECONDS: Final = 600
COPIES_SHARE: Final = 0.3
"""``copies``: this share of the mentions are near-duplicates of several accounts' within 10 minutes."""
BURST_SECONDS: Final = 60
"""The window of coordinated link sharing: Giglietto et al., "It takes a village to manipulate the media",
Information, Communication & Society 23(6), 2020; CooRTweet (Righetti, Balluff 2024) takes 10 to 60 s too."""
BURST_POSTS: Final = 5
BURST_SHARE: Final = 0.1
"""``burst``: so many mentions, and this share of all, within 60 s of two other accounts' copies of them."""
POSTS_PER_AUTHOR: Final = 3.0
"""``few_authors``: so many posts per author, and twice as many as is usual for the object."""
YOUNG_SHARE: Final = 0.5
"""``young_accounts``: this share of the accounts whose age is known (at least 10) is younger than 30 days."""
SIGNS: Final = 2
"""So many signs make a suspicion; one alone has innocent explanations."""


def coordination(
    sample: Iterable[Sampled], negatives: int, authors: int, usual_posts_per_author: float
) -> Coordination:
    """The signs of a run.

    Args:
        sample: of its negative mentions.
        negatives, authors: of the run, all of them.
        usual_posts_per_author: what as long a time usually has; 0: unknown.
    """
    posts = list(sample)
    if len(posts) < ENOUGH:
        return Coordination()
    own = [post for post in posts if not post.told]
    signs = {
        "copies": _together(own, COPIES_SECONDS) >= COPIES_SHARE * len(posts),
        "few_authors": negatives >= max(POSTS_PER_AUTHOR, 2 * usual_posts_per_author) * max(1, authors),
        "young_accounts": _are_young(posts),
        "burst": _together(own, BURST_SECONDS) >= max(BURST_POSTS, BURST_SHARE * len(posts)),
    }
    reasons = tuple(name for name, seen in signs.items() if seen)
    return Coordination(suspected=len(reasons) >= SIGNS, reasons=reasons)


def _are_young(posts: Iterable[Sampled]) -> bool:
    known = {post.author: post.young for post in posts if post.young >= 0}
    return len(known) >= ENOUGH and sum(known.values()) >= YOUNG_SHARE * len(known)


def _together(posts: Iterable[Sampled], seconds: int) -> int:
    """Posts that, with near-duplicates of `ACCOUNTS` accounts in all, lie within ``seconds``."""
    waves = groupby(sorted(posts, key=_place), key=lambda post: post.cluster)
    return sum(len(set(_crowded(list(wave), seconds))) for _, wave in waves)


def _crowded(wave: list[Sampled], seconds: int) -> Iterator[int]:
    """Places of posts in windows that begin with a post and hold enough accounts; some more than once."""
    end = 0
    for start, post in enumerate(wave):
        while end < len(wave) and wave[end].second - post.second <= seconds:
            end += 1
        if end - start >= ACCOUNTS and len({one.author for one in wave[start:end]}) >= ACCOUNTS:
            yield from range(start, end)


def _place(post: Sampled) -> tuple[str, int, int]:
    return post.cluster, post.second, post.author
