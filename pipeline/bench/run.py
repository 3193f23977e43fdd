"""The whole benchmark: a stack of its own, full speed, 50 % and 90 % of it, the baseline and the limits."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pipeline.bench.limit import bare_insert
from pipeline.bench.mix import Mix, read_mix
from pipeline.bench.naive import Naive, require_script, run_naive
from pipeline.bench.phase import Phase, processes, run_phase
from pipeline.embedded.stack import BrokerKind
from pipeline.errors import MolvaError
from pipeline.garbage import settle
from pipeline.local import Local
from pipeline.plan import Plan
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect

WARM_UP = 3000
PACED_S = 60
"""How long the phases at 50 % and 90 % last at most."""
SHARES = (0.5, 0.9)
MOST_ALONE = 200_000
"""Posts of the function alone: more tell nothing new, and take long after a soak of an hour."""
NAIVE_SHARE = 20
"""The baseline gets a twentieth of the posts, or it would take an hour; but so many at least."""
NAIVE_LEAST = 2000


@dataclass(frozen=True)
class Options:
    """What to measure. ``rate``: one phase at so many posts a second instead of full speed, 50 % and 90 %."""

    data: Path
    watchlist: Path
    posts: int
    workers: int
    partitions: int
    broker: BrokerKind
    naive: bool
    rate: float | None


def run(settings: Settings, options: Options, say: Callable[[str], None]) -> dict[str, Any]:
    """Start a stack on ``settings.data_dir``, measure, and stop it; the report as JSON.

    Raises:
        UsageError: the data or the watchlist cannot be read, or the baseline is not there.
        MolvaError: the stack did not start or broke, or posts are missing or doubled.
    """
    if options.naive:
        require_script()
    mix = read_mix(options.data, options.watchlist)
    settle()
    settings = settings.model_copy(
        update={"watchlist": options.watchlist.resolve(), "partitions": options.partitions}
    )
    with Local(settings, Plan(enrichment=options.workers), say, options.broker) as local:
        local.await_ready()
        asyncio.run(run_phase(local, mix, min(WARM_UP, options.posts), "warm-up", None, say))
        phases = _phases(local, mix, options, say)
        naive = _naive(local.settings, mix, options, say) if options.naive else None
        insert = _bare_insert(local)
    say("limit: the enrichment function alone, as many loops as workers")
    return _report(options, mix, phases, naive, insert, _alone(options))


def _phases(local: Local, mix: Mix, options: Options, say: Callable[[str], None]) -> dict[str, Phase]:
    def phase(name: str, posts: int, rate: float | None = None) -> Phase:
        return asyncio.run(run_phase(local, mix, posts, name, rate, say))

    if options.rate is not None:
        return {"rate": phase("rate", options.posts, options.rate)}
    found = {"max": phase("max", options.posts)}
    for share in SHARES:
        rate = found["max"].posts_per_s * share
        found[f"{share:.0%}"] = phase(f"{share:.0%}", min(options.posts, int(rate * PACED_S)), rate)
    return found


def _naive(settings: Settings, mix: Mix, options: Options, say: Callable[[str], None]) -> Naive:
    posts = max(NAIVE_LEAST, options.posts // NAIVE_SHARE)
    return asyncio.run(run_naive(settings, mix, posts, options.workers, say))


def _bare_insert(local: Local) -> dict[str, float]:
    measured = [psutil.Process(processes(local)["clickhouse"]), psutil.Process()]
    with connect(local.settings) as client:
        return bare_insert(client, lambda: sum(sum(each.cpu_times()[:2]) for each in measured))


def _alone(options: Options) -> list[dict[str, Any]]:
    """The enrichment function in as many processes as there were workers, each with its part of the posts.

    Raises:
        MolvaError: it failed.
    """
    posts = min(options.posts, MOST_ALONE) // options.workers or 1
    command = [sys.executable, "-m", "pipeline.bench.limit", "--data", str(options.data)]
    command += ["--watchlist", str(options.watchlist), "--posts", str(posts)]
    loops = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(options.workers)]
    printed = [loop.communicate()[0] for loop in loops]
    if any(loop.returncode for loop in loops):
        raise MolvaError(f"the enrichment function alone failed: {' '.join(command)}")
    return [json.loads(line) for line in printed]


def _report(
    options: Options,
    mix: Mix,
    phases: dict[str, Phase],
    naive: Naive | None,
    insert: dict[str, float],
    alone: list[dict[str, Any]],
) -> dict[str, Any]:
    main = next(iter(phases.values()))
    per_cpu_s = sum(loop["posts_per_cpu_s"] for loop in alone) / len(alone)
    per_s = sum(loop["posts_per_s"] for loop in alone)
    return {
        "posts_per_s": main.posts_per_s,
        "p99_ms": list(phases.values())[-1].p99_ms,
        "ratio_to_naive": round(main.posts_per_s / naive.posts_per_s, 2) if naive else None,
        "ratio_to_limit": round(1000 / main.cpu_s_per_1000["enrichment"] / per_cpu_s, 3),
        "ratio_to_limit_wall": round(main.posts_per_s / per_s, 3),
        "cpu_s_per_1000": round(sum(main.cpu_s_per_1000.values()), 4),
        "phases": {name: phase.as_json() for name, phase in phases.items()},
        "naive": naive._asdict() if naive else None,
        "limit": {
            "enrichment_posts_per_cpu_s": round(per_cpu_s, 1),
            "enrichment_posts_per_s": round(per_s, 1),
        }
        | {f"insert_{name}": value for name, value in insert.items()},
        "workers": options.workers,
        "partitions": options.partitions,
        "broker": options.broker,
        "distinct_texts": mix.distinct,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
    }
