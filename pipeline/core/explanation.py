"""What explains a run of negative mentions, read from its tally and the object's background.

Asked by the life cycle (`pipeline.core.episodes`) for every event; told to people by `pipeline.core.telling`.
Analysts find each field's meaning in docs/explanation.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import chain
from math import sqrt
from typing import Final

from pipeline.core.background import POST, Background, Terms, name_posts, word_posts
from pipeline.core.coordination import coordination
from pipeline.core.sketches import fingerprint
from pipeline.core.surges import surges
from pipeline.core.tally import Tally, ranked
from pipeline.core.wave_words import content_words, stem
from schemas import TopPost
from schemas.signals import AspectName
from schemas.spike import Explanation, TopAspect, TopChannel, TopCluster, TopTerm

TERMS: Final = 8
TOP: Final = 5
REPRESENTATIVE: Final = 3
SIGNIFICANT: Final = 1.96
"""Standard deviations: 5 % of the terms of an ordinary run would pass, one side of them 2.5 %."""
ORDINARY: Final = 50
"""Posts of ordinary talk that every background is taken to hold besides its own, one of them with the term:
an object that is hardly spoken of has no week to compare with."""
MIN_POSTS: Final = 3
"""Of a term, in the sample; and of a cluster whose first post is the wave's."""


def explain(tally: Tally, background: Background, hours: float, low: float, high: float) -> Explanation:
    """What explains a run.

    Exact while the run has at most 100 negative mentions (`pipeline.core.sample`); beyond, words, names and
    clusters are estimated from a random sample of them: a share p is off by sqrt(p (1 - p) / 100), 5 points
    at most.

    Args:
        tally: of the run.
        background: what is usual, learned up to the run's last hour.
        hours: length of the run.
        low, high: the central 95 % interval of the negatives that were expected in it.
    """
    words = _words(tally, background)
    authors, expected = tally.authors.count(), background.usual_authors(hours)
    usual = background.usual_negatives(hours) / expected if expected else 0.0
    clusters = _clusters(tally)
    return Explanation(
        expected_low=round(low, 3),
        expected_high=round(high, 3),
        expected_authors=round(expected, 2),
        activation=round(authors / max(1.0, expected), 2) if background.ready else None,
        reach=tally.authors.reach(),
        representative=_representative(tally, {stem(term.text): term.z for term in words}),
        first_post=_first_post(tally, clusters),
        words=words,
        names=_names(tally, background),
        clusters=clusters,
        duplicate_share=round(tally.duplicates / max(1, tally.negatives), 3),
        channels=_channels(tally),
        aspects=_aspects(tally),
        coordination=coordination(tally.sample, tally.negatives, authors, usual),
    )


def _words(tally: Tally, background: Background) -> tuple[TopTerm, ...]:
    forms: dict[str, Counter[str]] = {}
    for word in chain.from_iterable(post.words for post in tally.sample):
        forms.setdefault(stem(word), Counter())[word] += 1
    shown = {
        key: min(found, key=lambda form: (-found[form], len(form), form)) for key, found in forms.items()
    }
    return _distinctive(tally, word_posts(tally), background, background.words, shown)


def _names(tally: Tally, background: Background) -> tuple[TopTerm, ...]:
    return _distinctive(tally, name_posts(tally), background, background.names, {})


def _distinctive(
    tally: Tally, posts: Counter[str], background: Background, usual: Terms, shown: Mapping[str, str]
) -> tuple[TopTerm, ...]:
    """The terms that have a greater share of the run's posts than of the background's, by log-odds.

    Each is judged as "posts with it" against "posts without it", before and now.
    """
    if not background.ready:
        return ()
    sampled, week = len(tally.sample), round(background.negatives / POST) + ORDINARY
    found = []
    for key, count in posts.items():
        if count < MIN_POSTS:
            continue
        before = min(week, round(usual.get(key) / POST) + 1)
        now, earlier = {"with": count, "without": sampled - count}, {"with": before, "without": week - before}
        z = next(surge.z for surge in surges(now, earlier) if surge.name == "with")
        if z > SIGNIFICANT:
            expected = tally.negatives * (before - 1) / week
            every = round(count * tally.negatives / sampled)
            term = TopTerm(text=shown.get(key, key), posts=every, expected=round(expected, 2), z=round(z, 2))
            found.append(term)
    return tuple(sorted(found, key=lambda term: (-term.z, term.text))[:TERMS])


def _clusters(tally: Tally) -> tuple[TopCluster, ...]:
    """The waves of near-duplicates, the greatest first."""
    posts = Counter(post.cluster for post in tally.sample)
    accounts = Counter(cluster for cluster, _ in {(post.cluster, post.author) for post in tally.sample})
    scale = tally.negatives / max(1, len(tally.sample))
    return tuple(
        TopCluster(cluster=name, posts=round(count * scale), authors=round(accounts[name] * scale))
        for name, count in ranked(posts)[:TOP]
        if count > 1
    )


def _representative(tally: Tally, distinctive: Mapping[str, float]) -> tuple[TopPost, ...]:
    """Up to three posts that say what most of the wave says, each of them something else.

    A word weighs as many posts as have it, more where it is distinctive. Chosen one after the other by the
    weight of a post's words over the root of their number (as by the cosine with the wave's centroid); what
    has been said weighs a quarter from then on: greedy coverage, as in Lin and Bilmes, "A class of submodular
    functions for document summarization", 2011.
    """
    weights = {key: count * (1 + distinctive.get(key, 0.0)) for key, count in word_posts(tally).items()}
    pool = {post.post_id: post for kind in (tally.typical, tally.posts) for post in kind.ordered()}
    keys = {post_id: {stem(word) for word in content_words(post.excerpt)} for post_id, post in pool.items()}
    chosen: list[TopPost] = []
    while pool and len(chosen) < REPRESENTATIVE:
        scores = {
            post_id: sum(weights.get(key, 0.0) for key in keys[post_id]) / sqrt(len(keys[post_id]) or 1)
            for post_id in pool
        }
        best = min(pool, key=lambda post_id: (-scores[post_id], post_id))
        chosen.append(pool.pop(best))
        weights |= {key: weights[key] / 4 for key in keys[best] if key in weights}
    return tuple(chosen)


def _first_post(tally: Tally, clusters: tuple[TopCluster, ...]) -> TopPost | None:
    """The earliest post that is known of the largest cluster, else of the run."""
    if clusters and clusters[0].posts >= MIN_POSTS:
        text = fingerprint(clusters[0].cluster)
        kinds = (tally.first, tally.typical, tally.posts)
        known = [kind.items[text][1] for kind in kinds if text in kind.items]
        dated = [(post.created_at, post.post_id, post) for post in known if post.created_at]
        if dated:
            return min(dated)[2]
    return next(iter(tally.first.ordered()), None)


def _channels(tally: Tally) -> tuple[TopChannel, ...]:
    return tuple(
        TopChannel(channel=key, name=tally.names.get(key, ""), negatives=count)
        for key, count in ranked(tally.channels)[:TOP]
    )


def _aspects(tally: Tally) -> tuple[TopAspect, ...]:
    counts: list[tuple[AspectName, int]] = sorted(tally.aspects.items(), key=lambda item: (-item[1], item[0]))
    return tuple(TopAspect(aspect=name, negatives=count) for name, count in counts)
