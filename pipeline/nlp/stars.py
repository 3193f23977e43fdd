"""The stars of a review as evidence of its sentiment, beside what the text says."""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.nlp.tiers import Floats

LIKELIHOOD: Final[dict[int, tuple[float, float, float]]] = {
    1: (0.62, 0.10, 0.004),
    2: (0.22, 0.14, 0.010),
    3: (0.12, 0.46, 0.056),
    4: (0.025, 0.20, 0.25),
    5: (0.015, 0.10, 0.68),
}
"""How probable so many stars are where the review is negative, neutral, positive; columns sum to 1.

Set by hand, not measured (no data set of the project has stars): that a satisfied author gives one star was
put at 1 in 250, and that an angry one gives five at 1 in 67 (a slip, or stars for something else). So one
star outweighs praise that the text's model is 98 % sure of: it was meant ironically.
"""


def with_rating(probabilities: Floats, stars: int | None) -> Floats:
    """Update the probabilities of the three labels, (3,) or (n, 3), by the stars that the author gave.

    Bayes' rule with `LIKELIHOOD`, text and stars as independent given the sentiment. None changes nothing.

    Raises:
        ValueError: ``stars`` is not 1 to 5.
    """
    if stars is None:
        return probabilities
    if stars not in LIKELIHOOD:
        raise ValueError(f"a rating is 1 to 5 stars, not {stars}")
    joint = probabilities * np.array(LIKELIHOOD[stars], np.float32)
    result: Floats = joint / joint.sum(axis=-1, keepdims=True)
    return result
