"""The best tags of a batch of texts: slovnet's Viterbi search, all texts of a batch at one step together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.nlp.engine.weights import Floats

Integers = npt.NDArray[np.int64]


def viterbi(
    emissions: Floats, starts: Integers, lengths: Integers, transitions: Floats
) -> npt.NDArray[np.uint8]:
    """Tags by position; of equally good ones the first, as slovnet chooses.

    ``emissions`` is positions x tags; text ``i`` stands at ``starts[i]`` and has ``lengths[i]`` > 0 words;
    positions between texts are ignored. ``transitions`` is previous tag x tag.
    """
    tags = np.zeros(len(emissions), np.uint8)
    longest_first = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[longest_first], lengths[longest_first]
    steps = int(lengths[0]) if len(lengths) else 0
    reaching = np.searchsorted(-lengths, -np.arange(1, steps + 1), side="right")  # texts with so many words
    scores = _forward(emissions, starts, reaching.tolist(), transitions)
    ends = starts + lengths - 1
    tag = scores[ends].argmax(-1)
    tags[ends] = tag
    to_tag = np.ascontiguousarray(transitions.T)
    for step in range(steps - 2, -1, -1):
        active = int(reaching[step + 1])
        at, behind = starts[:active] + step, tag[:active]
        reached = scores[at] + to_tag[behind]
        reached += emissions[at + 1, behind][:, None]
        tag[:active] = behind = reached.argmax(-1)
        tags[at] = behind
    return tags


def _forward(emissions: Floats, starts: Integers, reaching: list[int], transitions: Floats) -> Floats:
    """The score of the best way to each tag at each position; texts come longest first."""
    scores = emissions.copy()
    by_previous = transitions[:, None, :]
    for step, active in enumerate(reaching[1:], 1):
        at = starts[:active] + step
        ways = scores[at - 1].T[:, :, None] + by_previous  # previous tag x text x tag
        ways += emissions[at]
        scores[at] = ways.max(0)
    return scores
