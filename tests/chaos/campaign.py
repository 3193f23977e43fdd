"""``make chaos``: schedule after schedule, on one broker and on three in turn, for as long as there is time.

    python -m tests.chaos.campaign --minutes 30 --posts 20000 --faults 12 --out build/chaos

Every schedule is a process of its own; its report lies in ``<out>/<seed>.json``, and ``<out>/table.md`` has
a line for each; of one with findings the logs of the workers are kept in ``<out>/<seed>``. Exit code 1: a
schedule ended with findings, or did not end.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HEAD = (
    "| seed | brokers | posts | faults | kills | lost | twice | dead letters | findings | recovery p50, max "
    "| seconds |\n|---|---|---|---|---|---|---|---|---|---|---|"
)
SPARE = 1.5
"""A schedule is begun where so many times what the longest took is left."""


class Plan(NamedTuple):
    """``minutes`` bound everything; ``seeds`` are played in order, odd ones on three brokers."""

    minutes: float
    seeds: Sequence[int]
    posts: int
    faults: int
    rate: float
    out: Path


def play_all(plan: Plan, say: Callable[[str], None], clock: Callable[[], float]) -> list[dict[str, Any]]:
    """The reports, in order; one that did not end in time has ``findings`` that say so."""
    end, longest = clock() + plan.minutes * 60, 0.0
    reports = []
    for seed in plan.seeds:
        began = clock()
        if (left := end - began) < longest * SPARE:
            say(f"{left / 60:.1f} minutes are left, too few for seed {seed}")
            break
        reports.append(_play(plan, seed, left, say))
        longest = max(longest, clock() - began)
    return reports


def _play(plan: Plan, seed: int, left: float, say: Callable[[str], None]) -> dict[str, Any]:
    brokers, folder = 3 if seed % 2 else 1, plan.out / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "tests.chaos.run", "--json", "--seed", str(seed)]
    command += ["--posts", str(plan.posts), "--faults", str(plan.faults), "--rate", str(plan.rate)]
    command += ["--brokers", str(brokers), "--dir", str(folder)]
    say(" ".join(command[1:]))
    report: dict[str, Any] = {"seed": seed, "brokers": brokers, "kills": 0, "faults": [], "counts": {}}
    log = plan.out / f"{seed}.log"
    with log.open("w") as told:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True)
        try:
            printed, _ = process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            process.terminate()  # its children leave with it
            process.wait(60)
            report |= {"seconds": left, "findings": [f"not at its end after {left:.0f} s: see {log}"]}
            return report
    if printed:
        (plan.out / f"{seed}.json").write_text(printed)
        report = json.loads(printed)
    else:
        report |= {"seconds": 0.0, "findings": [f"broke: see {log}"]}
    for finding in report["findings"]:
        say(f"  FOUND {finding}")
    if not report["findings"]:
        shutil.rmtree(folder)
    return report


def table(reports: Sequence[dict[str, Any]]) -> str:
    """A line of Markdown for each schedule, and one for all."""
    lines = [_line(report, str(report["seed"]), str(report["brokers"])) for report in reports]
    return "\n".join([HEAD, *lines, _line(_sum(reports), "all", "")])


def _line(report: dict[str, Any], seed: str, brokers: str) -> str:
    recovered = [each["recovery_s"] for each in report["faults"] if each["recovery_s"] is not None]
    middle = f"{statistics.median(recovered):.0f} s, {max(recovered):.0f} s" if recovered else ""
    counts = report["counts"]
    names = ("published", "", "", "lost", "duplicated", "dead_letters")
    told = [str(counts.get(name, "")) for name in names]
    told[1:3] = [str(len(report["faults"])), str(report["kills"])]
    cells = [seed, brokers, *told, str(len(report["findings"])), middle, f"{report['seconds']:.0f}"]
    return "| " + " | ".join(cells) + " |"


def _sum(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = {name for report in reports for name in report["counts"]}
    return {
        "faults": [fault for report in reports for fault in report["faults"]],
        "kills": sum(report["kills"] for report in reports),
        "findings": [finding for report in reports for finding in report["findings"]],
        "counts": {name: sum(report["counts"].get(name, 0) for report in reports) for name in names},
        "seconds": sum(report["seconds"] for report in reports),
    }


def main() -> int:
    """Play the schedules and print the table."""
    parser = argparse.ArgumentParser(description="Schedules of the chaos suite, one after the other.")
    parser.add_argument("--minutes", type=float, default=30.0, help="for all of them together")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--schedules", type=int, default=20, help="at most")
    parser.add_argument("--posts", type=int, default=20_000, help="of each under fire")
    parser.add_argument("--faults", type=int, default=12, help="of each")
    parser.add_argument("--rate", type=float, default=400.0, help="posts a second at most")
    parser.add_argument("--out", type=Path, default=Path("build/chaos"), help="where the reports lie")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    seeds = range(given.first_seed, given.first_seed + given.schedules)
    plan = Plan(given.minutes, seeds, given.posts, given.faults, given.rate, given.out)
    reports = play_all(plan, lambda line: print(line, file=sys.stderr, flush=True), time.monotonic)
    told = table(reports)
    (given.out / "table.md").write_text(told + "\n")
    print(told)
    return 1 if not reports or any(report["findings"] for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
