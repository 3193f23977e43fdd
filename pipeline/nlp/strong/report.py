"""The report of the strong tier: how it was trained and how it and the cascade score beside the fast tier.

    python -m pipeline.nlp.strong.report full ../shared/data

scores a trained tier anew, after the fast tier beside it has changed. Needs the extra ``train``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from pipeline.nlp import model_card, training
from pipeline.nlp.evaluation import Score, by_domain
from pipeline.nlp.load import TierName, load_tier
from pipeline.nlp.parts import Which, split
from pipeline.nlp.sentiment import MODELS
from pipeline.nlp.training import CARD

TIERS: tuple[TierName, ...] = ("strong", "cascade")


@dataclass(frozen=True)
class StrongReport:
    """``facts`` tell how it was trained; ``scores`` are those of the held-out part, by tier and domain."""

    facts: dict[str, Any]
    scores: dict[str, dict[str, Score]]

    def as_json(self) -> dict[str, Any]:
        scores = {
            tier: {name: asdict(score) for name, score in of.items()} for tier, of in self.scores.items()
        }
        return self.facts | {"scores": scores}

    def table(self) -> Table:
        """The scores for a terminal."""
        table = Table(title=f"{self.facts['model']}: held-out scores")
        for column in ("", "tier", "examples", "macro F1", "F+-", "ECE"):
            table.add_column(column, justify="right" if column else "left")
        for tier, scores in self.scores.items():
            for domain, score in scores.items():
                values = (score.macro, score.polar, score.calibration_error)
                table.add_row(domain, tier, f"{score.examples:,}", *(f"{value:.3f}" for value in values))
        return table


def scored(
    which: Which, facts: dict[str, Any], data_dir: Path, out_dir: Path | None, seed: int
) -> StrongReport:
    """Score a trained tier with the fast one beside it, and write report and card to their folder.

    Raises:
        FileNotFoundError: a data set or one of the tiers is not there.
    """
    held_out = split(which, data_dir, seed).held_out
    model = which if out_dir is None else out_dir
    report = StrongReport(facts, {tier: by_domain(load_tier(model, tier), held_out) for tier in TIERS})
    folder = MODELS / which if out_dir is None else out_dir
    document = report.as_json()
    (folder / model_card.STRONG_REPORT).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    fast = json.loads((folder / training.REPORT).read_text(encoding="utf-8"))
    (folder / CARD).write_text(model_card.render(which, fast, document), encoding="utf-8")
    return report


def main(which: Which, data_dir: Path) -> None:
    facts = json.loads((MODELS / which / model_card.STRONG_REPORT).read_text(encoding="utf-8"))
    facts.pop("scores", None)
    print(json.dumps(scored(which, facts, data_dir, None, facts["seed"]).as_json()["scores"], indent=2))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))  # type: ignore[arg-type]
