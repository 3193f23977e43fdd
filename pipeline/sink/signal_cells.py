"""The signals of posts and mentions as cells of their rows."""

from __future__ import annotations

from pipeline.sink.cells import Row, count
from schemas.signals import MentionSignals, Signals


def mention_signal_cells(signals: MentionSignals) -> Row:
    """What ``posts`` and ``mentions`` both have."""
    return {
        "post_type": signals.type,
        "p_type": signals.p_type,
        "aspects.name": [aspect.name for aspect in signals.aspects],
        "aspects.p": [aspect.p for aspect in signals.aspects],
        "experience": signals.experience,
        "calls": list(signals.calls),
        "threats": list(signals.threats),
        "toxicity": signals.toxicity,
        "toxic": signals.toxic,
        "cluster": signals.cluster,
    }


def post_signal_cells(signals: Signals) -> Row:
    """What ``posts`` has."""
    return {
        **mention_signal_cells(signals),
        "type_evidence": list(signals.evidence),
        "fingerprint": [count(number) for number in signals.fingerprint],
        "personal.kind": [span.kind for span in signals.personal],
        "personal.start": [count(span.start) for span in signals.personal],
        "personal.end": [count(span.end) for span in signals.personal],
    }
