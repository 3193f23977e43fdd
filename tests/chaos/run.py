"""One schedule of the chaos suite: ``python -m tests.chaos.run --seed 7 --posts 100000 --faults 25``.

It starts a pipeline of its own, publishes one copy of the story undisturbed and the others under fire, waits
for rest, and lets the ledger judge. Exit code 1: the ledger finds something.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.play import run
from tests.chaos.schedule import make


def main() -> int:
    """Play one schedule and print the report."""
    parser = argparse.ArgumentParser(description="One seeded schedule of faults, and the ledger's verdict.")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same faults")
    parser.add_argument(
        "--posts", type=int, default=20_000, help="under fire; one copy more goes undisturbed"
    )
    parser.add_argument("--faults", type=int, default=12)
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("--rate", type=float, default=500.0, help="posts a second at most")
    parser.add_argument("--minutes", type=float, help="how long to publish, instead of --rate")
    parser.add_argument("--kinds", help="only these, comma-separated: kill, kill:storage-1, join, ...")
    parser.add_argument("--dir", type=Path, help="a new folder that is kept; else a temporary one")
    parser.add_argument("--json", action="store_true", help="print the report as JSON at the end")
    given = parser.parse_args()
    rate = given.rate if given.minutes is None else given.posts / given.minutes / 60
    kinds = given.kinds.split(",") if given.kinds else None
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a line for each try while a broker is away
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was mounted and started goes
    schedule = make(given.seed, given.posts, given.faults, brokers=given.brokers, kinds=kinds)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="molva-chaos-") as temporary:
        folder = given.dir or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        options = {"seed": given.seed, "posts": given.posts, "rate": rate, "brokers": given.brokers}
        report = asyncio.run(run(folder, schedule, say, **options))
    if given.json:
        print(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
    for finding in report.verdict.findings:
        say(f"FOUND  {finding}")
    say(
        f"seed {given.seed}: {len(report.verdict.findings)} findings, {report.kills} kills, "
        f"{report.verdict.counts}"
    )
    return 1 if report.verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main())
