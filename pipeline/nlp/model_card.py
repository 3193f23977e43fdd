"""Renders the model card of a trained sentiment model from its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_USE = {
    "open": (
        "Trained only on data whose licence permits redistribution of derived weights (MIT, Apache-2.0). It "
        "has seen news and few social-media texts, and no text about a bank or an operator: prefer `full` "
        "where its data's terms suit you."
    ),
    "full": (
        "Trained on every data set of the list. Several of them state no licence and were published for "
        "research: whoever runs Molva commercially should have this checked, or set "
        "`MOLVA_SENTIMENT_MODEL=open`."
    ),
}

_CARD = """# Sentiment model `{which}`

{use}

## What it is

An additive linear model over hashed features: words, pairs of neighbours, 2- to 5-character pieces of
words (`pipeline/nlp/features.py`, version {version}); one head for the text as a whole, one toward an
object (the object's mentions are masked; words near it count a second time; examples with two objects of
opposite verdicts are made by joining real ones). Linear SVM, balanced classes; probabilities by one
temperature per head, fitted on inner folds. The file holds hashed weights only: no vocabulary, no text.

Made by `molva train sentiment --model {which}` with seed {seed}; C {costs}; temperatures {temperatures}.

## Data

Examples after removing duplicates (letters of the text and object). Near-duplicates (retweets) stay on one
side of every split; {share:.0%} of their groups were held out and never learned from.

| data set | licence | learned from | held out | negative / neutral / positive |
|---|---|---|---|---|
{data}

## Scores on the held-out part

Of exactly the weights in this folder. F+- is the mean F1 of negative and positive; ECE the expected
calibration error (15 bins). The held-out texts are of the same sets and weeks as those learned from:
**these are not the official tests** of SentiRuEval, RuSentiTweet or RuSentNE, whose later texts are harder.
Two things make them somewhat optimistic. The design (features, weights of the blocks, share of joined
examples) was chosen among about 25 variants by scores on held-out parts of earlier splits of the same data;
only C and the temperatures come from inner folds. And the grouping is not perfect: of 2,500 held-out texts of
`full`, 5 % had a cosine of 5-letter pieces above 0.7 with a text learned from, of those about banks 16 %.

| | examples | F1 negative | neutral | positive | macro F1 | F+- | ECE |
|---|---|---|---|---|---|---|---|
{scores}

Hand-written probes (`pipeline/nlp/probes.py`), right of all: {probes}.

## Known failures

- Sarcasm, quotations and rhetorical questions are taken literally.
- Negation reaches the next word only (over "очень", "так" and the like); longer scopes are missed.
- Two objects in one clause get nearly the same verdict; the nearer words only weigh more.
- Russian in Latin letters is hardly understood, other languages not at all: expect neutral or noise.
- Toward entities in news the scores are weak (see the table): most such sentences are neutral.
- Of a text longer than 5,000 characters only the beginning, or the part around the object, is read.
- The tweets are of 2014 to 2020: newer slang, brands and emoji are unknown. The calibration holds for texts
  with about the same share of each label.
"""


def render(which: str, report: Mapping[str, Any]) -> str:
    """The card as Markdown; ``report`` is `training.Report` as JSON."""
    data = "\n".join(
        f"| {name} | {row['licence']} | {row['train']:,} | {row['held_out']:,} | "
        f"{' / '.join(f'{count:,}' for count in row['labels'].values())} |"
        for name, row in report["data"].items()
    )
    scores = "\n".join(
        f"| {domain} | {score['examples']:,} | "
        + " | ".join(f"{value:.3f}" for value in score["f1"].values())
        + f" | {score['macro']:.3f} | {score['polar']:.3f} | {score['calibration_error']:.3f} |"
        for domain, score in report["scores"].items()
    )
    return _CARD.format(
        which=which,
        use=_USE[which],
        version=report["feature_version"],
        seed=report["seed"],
        share=report["held_out_share"],
        costs=_pairs(report["costs"]),
        temperatures=_pairs({head: f"{value:.3f}" for head, value in report["temperatures"].items()}),
        probes=_pairs(report["probes"]),
        data=data,
        scores=scores,
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
