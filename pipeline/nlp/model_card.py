"""Renders the model card of a trained sentiment model from its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.nlp.tiers import LABELS

STRONG_REPORT = "strong.json"
"""The report of the strong tier, beside that of the fast one."""

_USE = {
    "open": (
        "Trained only on data whose licence permits redistribution of derived weights (MIT, Apache-2.0, the "
        "project's own sentences). It has seen news, short texts and made-up posts, but no real tweet about "
        "a bank or an operator: prefer `full` where its data's terms suit you. It does not know speech and "
        "skip."
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

The fast tier: an additive linear model over hashed features, version {version}. A text is cut into words,
marks and emoji (`pipeline/nlp/fast_pieces.py`: Latin letters read as Russian ones, masked profanity
restored, elongations shortened); the features are words, pairs of neighbours and of their stems, stems that
feel a negation (`fast_tokens.py`), 2- to 5-letter pieces of words (`fast_words.py`), and natasha's word
vectors (navec, MIT), of which the file holds only what they add to the scores. Each feature is weighted by
its inverse document frequency. Two heads: the text as a whole (five classes, three labels from them), and
toward an object (its mentions are masked; what stands near it counts a second time; examples with two
objects of opposite verdicts are made by joining real ones). Linear SVM, balanced classes; offsets of the
classes that are best for macro F1, and one temperature per head, found on three inner folds. The file holds
hashed weights only: no vocabulary, no text.

Made by `molva train sentiment --model {which}` with seed {seed}; C {cost}; temperatures {temperatures}.
Chosen on inner folds: {chosen}.

## Data

Examples after removing duplicates (letters of the text and object). Near-duplicates (retweets) stay on one
side of every split; {share:.0%} of their groups were held out and never learned from. The project's own
sentences are all learned from.

| data set | licence | learned from | held out | negative / neutral / positive |
|---|---|---|---|---|
{data}

## Scores on the held-out part

Of exactly the weights in this folder. F+- is the mean F1 of negative and positive; ECE the expected
calibration error (15 bins). RuSentiTweet is scored over its five classes, and over three labels without the
rows of speech and skip. The held-out texts are of the same sets and weeks as those learned from: **these are
not the official tests** of SentiRuEval, RuSentiTweet or RuSentNE, whose later texts are harder. What features
there are was chosen among about 30 variants by scores on inner folds of the part learned from.

| | examples | F1 negative | neutral | positive | macro F1 | F+- | ECE |
|---|---|---|---|---|---|---|---|
{scores}

Hand-written probes (`pipeline/nlp/probes.py`), right of all: {probes}. The larger probe sets:
`python benchmarks/probes.py {which}`; `docs/sentiment.md` has the table.

## Known failures

- Sarcasm, quotations and rhetorical questions are mostly taken literally.
- Of a negation only pairs of words know; a longer scope is felt by four words and no further.
- Two objects in one clause get nearly the same verdict; the nearer words only weigh more.
- English is read as if it were Russian in Latin letters, other languages as letters: expect neutral or noise.
- Toward entities in news the scores are weak (see the table): most such sentences are neutral.
- Of a text longer than 5,000 characters only the beginning, or the part around the object, is read.
- The tweets are of 2014 to 2020: newer slang, brands and emoji are unknown. The calibration holds for texts
  with about the same share of each label.
"""


_STRONG = """
## The strong tier

multilingual-e5-small (MIT, see `../NOTICE.md`), cut to {pieces:,} pieces and {layers} of its 12 layers.
All layers were fine-tuned toward the object (its pieces are marked; two heads as in the fast tier),
{teachers} time(s) with different seeds. The shallower network learned from their answers, the states of
the first and the labels, and was written in 8 bits. {train:,} questions were learned from and
{joined:,} pairs of them joined to one text, {development:,} calibrate (temperature, and a lean of
{lean} toward rare labels); the project's own sentences are among the former. Made by
`molva train sentiment --model {which} --tier strong` with seed {seed}. The strong tier is the geometric
mean of this encoder and the fast tier, the cascade asks it where the fast tier is less than 70 % sure; both
numbers were chosen on the calibrating part (`benchmarks/mixture.py`).

Scores on the same held-out part:

| | tier | F1 negative | neutral | positive | macro F1 | F+- | ECE |
|---|---|---|---|---|---|---|---|
{scores}
"""


def render(which: str, report: Mapping[str, Any], strong: Mapping[str, Any] | None = None) -> str:
    """The card as Markdown; ``report`` (`training.Report`) and ``strong`` (`StrongReport`) are JSON."""
    data = "\n".join(
        f"| {name} | {row['licence']} | {row['train']:,} | {row['held_out']:,} | "
        f"{' / '.join(f'{count:,}' for count in row['labels'].values())} |"
        for name, row in report["data"].items()
    )
    scores = "\n".join(
        f"| {domain} | {score['examples']:,} | "
        + " | ".join(f"{score['f1'][label]:.3f}" for label in LABELS)
        + f" | {score['macro']:.3f} | {score['polar']:.3f} | {score['calibration_error']:.3f} |"
        for domain, score in report["scores"].items()
    )
    card = _CARD.format(
        which=which,
        use=_USE[which],
        version=report["feature_version"],
        seed=report["seed"],
        share=report["held_out_share"],
        cost=report["cost"],
        chosen="; ".join(f"{head}: {_pairs(chosen)}" for head, chosen in report["chosen"].items()),
        temperatures=_pairs({head: f"{value:.3f}" for head, value in report["temperatures"].items()}),
        probes=_pairs(report["probes"]),
        data=data,
        scores=scores,
    )
    return card + (_of_strong(which, strong) if strong else "")


def _of_strong(which: str, report: Mapping[str, Any]) -> str:
    scores = "\n".join(
        f"| {domain} | {tier} | "
        + " | ".join(f"{score['f1'][label]:.3f}" for label in LABELS)
        + f" | {score['macro']:.3f} | {score['polar']:.3f} | {score['calibration_error']:.3f} |"
        for tier, domains in report["scores"].items()
        for domain, score in domains.items()
    )
    return _STRONG.format(
        which=which,
        pieces=report["pieces"],
        layers=report["layers"],
        seed=report["seed"],
        teachers=len(report["teachers"]),
        lean=report["object"]["lean"],
        scores=scores,
        **report["examples"],
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
