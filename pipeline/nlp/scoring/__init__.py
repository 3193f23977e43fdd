"""Scores of the language models on labelled rows, for ``molva eval`` and the benchmarks.

``rows`` reads labelled rows; ``sentiment``, ``mentions`` and ``entities`` ask the models and make reports
from ``classification``, ``calibration`` and ``bootstrap``; ``seen`` tells what a model was trained on.
"""
