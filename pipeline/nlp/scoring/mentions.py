"""``molva eval mentions``: which labelled objects the watchlist's matcher finds, and what it finds besides.

The unit is a pair of a post and an object. Annotators of such data judge posts about the objects of one
field (banks, operators) only, so an object that no row of a file is labelled with was not judged there:
finding it is neither right nor wrong, and is counted as ``unjudged``.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.mentions import Match, by_object
from pipeline.nlp.scoring.bootstrap import SEED, by_near_duplicates, interval, replicates
from pipeline.nlp.scoring.classification import ratio, rounded

Outcome = Literal["hit", "missed", "false", "unjudged"]
OUTCOMES: tuple[Outcome, ...] = ("hit", "missed", "false")


@dataclass(frozen=True)
class Post:
    """A text with the objects that its annotators named; rows of one file with the same text are one post."""

    file: str
    text: str
    objects: frozenset[str]


@dataclass(frozen=True)
class Pair:
    """A post and an object that is labelled or found in it; ``rules`` are those that found it."""

    post: int
    object_id: str
    outcome: Outcome
    rules: tuple[str, ...] = ()


def merged(file: str, rows: Iterable[tuple[str, frozenset[str]]]) -> list[Post]:
    """One post per text of a file: the 2016 files have a row per object."""
    objects: dict[str, frozenset[str]] = {}
    for text, named in rows:
        objects[text] = objects.get(text, frozenset()) | named
    return [Post(file, text, named) for text, named in objects.items()]


def compare(
    posts: Sequence[Post], find: Callable[[str], Sequence[Match]], watched: Collection[str]
) -> list[Pair]:
    """Every pair of a post with a labelled or found object, but for labelled objects that are not watched."""
    judged: defaultdict[str, set[str]] = defaultdict(set)
    for post in posts:
        judged[post.file] |= post.objects
    pairs = []
    for number, post in enumerate(posts):
        found = {about: rules(matches) for about, matches in by_object(find(post.text)).items()}
        for about in [*found, *sorted((post.objects & set(watched)) - set(found))]:
            outcome: Outcome = (
                "missed" if about not in found
                else "hit" if about in post.objects
                else "false" if about in judged[post.file]
                else "unjudged"
            )  # fmt: skip
            pairs.append(Pair(number, about, outcome, found.get(about, ())))
    return pairs


def rules(matches: Iterable[Match]) -> tuple[str, ...]:
    """The matching rules, without repetition."""
    return tuple(dict.fromkeys(match.rule for match in matches))


def report(posts: Sequence[Post], pairs: Sequence[Pair], watched: Collection[str]) -> dict[str, Any]:
    """Recall, precision and F1 in all, per object and per rule, with intervals; needs a post."""
    groups = by_near_duplicates([post.text for post in posts])
    ids = sorted({pair.object_id for pair in pairs if pair.outcome != "unjudged"})
    counts = np.zeros((int(groups.max()) + 1, len(ids), len(OUTCOMES)), np.int64)
    for pair in pairs:
        if pair.outcome != "unjudged":
            counts[groups[pair.post], ids.index(pair.object_id), OUTCOMES.index(pair.outcome)] += 1
    drawn = replicates(counts)
    unwatched = Counter(about for post in posts for about in post.objects if about not in watched)
    return {
        "posts": len(posts),
        "groups": len(counts),
        "all": _rates(counts.sum((0, 1)), drawn.sum(1)),
        "objects": {about: _rates(counts[:, at].sum(0), drawn[:, at]) for at, about in enumerate(ids)},
        "rules": _by_rule(pairs),
        "unjudged": dict(
            Counter(pair.object_id for pair in pairs if pair.outcome == "unjudged").most_common()
        ),
        "not_watched": dict(unwatched.most_common()),
    }


def mistakes(
    posts: Sequence[Post], pairs: Sequence[Pair], number: int, seed: int = SEED
) -> list[dict[str, Any]]:
    """So many misses and so many false hits, drawn at random with a seed; they hold the texts."""
    shown = []
    for outcome in ("missed", "false"):
        chosen = [at for at, pair in enumerate(pairs) if pair.outcome == outcome]
        for at in sorted(random.Random(seed).sample(chosen, min(number, len(chosen)))):
            pair, post = pairs[at], posts[pairs[at].post]
            shown.append(
                {
                    "outcome": outcome,
                    "object": pair.object_id,
                    "labelled": sorted(post.objects),
                    "rules": list(pair.rules),
                    "file": post.file,
                    "text": post.text,
                }
            )
    return shown


def _rates(counts: NDArray[np.int64], drawn: NDArray[np.float64]) -> dict[str, Any]:
    """Of hits, misses and false hits, (3,), and of their replicates, (replicates, 3)."""
    scores = {name: rounded(value) for name, value in _scores(counts).items()}
    intervals = {
        name: [rounded(bound) for bound in interval(value)] for name, value in _scores(drawn).items()
    }
    return {**dict(zip(OUTCOMES, counts.tolist(), strict=True)), **scores, "intervals": intervals}


def _scores(counts: NDArray[Any]) -> dict[str, Any]:
    hit, missed, false = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    return {
        "recall": ratio(hit, hit + missed),
        "precision": ratio(hit, hit + false),
        "f1": ratio(2 * hit, 2 * hit + missed + false),
    }


def _by_rule(pairs: Sequence[Pair]) -> dict[str, dict[str, Any]]:
    """Pairs that a rule found, its precision, and ``alone``: hits that no other rule would have found."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        for rule in pair.rules:
            counts[rule][pair.outcome] += 1
            counts[rule]["alone"] += pair.outcome == "hit" and len(pair.rules) == 1
    return {
        rule: {
            "hit": count["hit"],
            "false": count["false"],
            "alone": count["alone"],
            "precision": rounded(ratio(np.array(count["hit"]), np.array(count["hit"] + count["false"]))),
        }
        for rule, count in sorted(counts.items(), key=lambda item: -item[1]["hit"])
    }
