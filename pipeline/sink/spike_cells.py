"""A spike's posts and its explanation as cells of its row."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sink.cells import Row, count, count_or_none, moment_or_none
from schemas import TopPost
from schemas.spike import Explanation, TopTerm

UINT64_MAX = 2**64 - 1


def top_post_cells(name: str, posts: Sequence[TopPost]) -> Row:
    """The arrays ``<name>.*``, one element per post."""
    return {
        f"{name}.post_id": [post.post_id for post in posts],
        f"{name}.url": [post.url for post in posts],
        f"{name}.excerpt": [post.excerpt for post in posts],
        f"{name}.author": [post.author for post in posts],
        f"{name}.followers": [count_or_none(post.followers) for post in posts],
        f"{name}.p_negative": [post.p_negative for post in posts],
        f"{name}.created_at": [moment_or_none(post.created_at) for post in posts],
        f"{name}.source": [post.source for post in posts],
    }


def explanation_cells(explanation: Explanation) -> Row:
    """Everything that explains a spike."""
    return {
        "expected_low": explanation.expected_low,
        "expected_high": explanation.expected_high,
        "expected_authors": explanation.expected_authors,
        "activation": explanation.activation,
        "reach": min(max(explanation.reach, 0), UINT64_MAX),
        "duplicate_share": explanation.duplicate_share,
        "coordination_suspected": explanation.coordination.suspected,
        "coordination_reasons": list(explanation.coordination.reasons),
        **_term_cells("words", explanation.words),
        **_term_cells("names", explanation.names),
        "clusters.cluster": [top.cluster for top in explanation.clusters],
        "clusters.posts": [count(top.posts) for top in explanation.clusters],
        "clusters.authors": [count(top.authors) for top in explanation.clusters],
        "channels.channel": [top.channel for top in explanation.channels],
        "channels.name": [top.name for top in explanation.channels],
        "channels.negatives": [count(top.negatives) for top in explanation.channels],
        "aspects.name": [top.aspect for top in explanation.aspects],
        "aspects.negatives": [count(top.negatives) for top in explanation.aspects],
        **top_post_cells("representative", explanation.representative),
        **_first_post_cells(explanation.first_post),
    }


def _term_cells(name: str, terms: Sequence[TopTerm]) -> Row:
    return {
        f"{name}.text": [term.text for term in terms],
        f"{name}.posts": [count(term.posts) for term in terms],
        f"{name}.expected": [term.expected for term in terms],
        f"{name}.z": [term.z for term in terms],
    }


def _first_post_cells(post: TopPost | None) -> Row:
    return {
        "first_post_id": post.post_id if post else "",
        "first_post_url": post.url if post else "",
        "first_post_excerpt": post.excerpt if post else "",
        "first_post_author": post.author if post else "",
        "first_post_followers": count_or_none(post.followers if post else None),
        "first_post_p_negative": post.p_negative if post else 0.0,
        "first_post_at": moment_or_none(post.created_at if post else None),
        "first_post_source": post.source if post else "",
    }
