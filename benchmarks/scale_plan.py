"""The table of docs/scale.md: workers, partitions, shards, bytes for multiples of the aim, from its inputs.

python benchmarks/scale_plan.py                       # the inputs of docs/scale.md
python benchmarks/scale_plan.py --enrichment 2000     # posts per CPU second of the whole enrichment worker
"""

from __future__ import annotations

import argparse
import math

AIM = 680
"""Posts per second: 1.8 billion messages a month."""
CRISIS = 4
TIMES = (1, 10, 100, 1000)
INPUTS = {
    "enrichment": (2031.0, "posts per second of one enrichment core"),
    "detection": (1609.0, "mentions per second of one detection worker"),
    "storage": (9970.0, "posts with their mentions per second of one storage core"),
    "clickhouse": (244.0, "CPU microseconds of ClickHouse per post with its mentions, merges included"),
    "mentions": (0.117, "mentions per post"),
    "kafka-bytes": (2105.0, "bytes per post in all topics, before compression"),
    "disk-bytes": (193.0, "bytes per post on ClickHouse's disk"),
    "use": (0.6, "how busy a worker may be at the peak"),
    "shard-terabytes": (16.0, "what one ClickHouse shard may hold"),
}


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, (value, about) in INPUTS.items():
        parser.add_argument(f"--{name}", type=float, default=value, help=f"{about} (default: {value:g})")
    given = {name.replace("_", "-"): value for name, value in vars(parser.parse_args()).items()}
    columns = [plan(given, times) for times in TIMES]
    print("| |" + "|".join(f" {times:,} times " for times in TIMES) + "|")
    print("|---|" + "---|" * len(TIMES))
    for row in columns[0]:
        print(f"| {row} |" + "|".join(f" {column[row]} " for column in columns) + "|")


def plan(given: dict[str, float], times: int) -> dict[str, str]:
    """What a multiple of the aim needs; workers for the peak, disks for the average."""
    average, peak = AIM * times, AIM * times * CRISIS
    mentions = peak * given["mentions"]
    enrichment = workers(peak, given["enrichment"] * given["use"])
    cores = workers(peak, 1e6 / given["clickhouse"] * given["use"])
    year = average * given["disk-bytes"] * 365 * 86_400
    return {
        "posts/s, average and peak": f"{average:,} / {peak:,}",
        "mentions/s at the peak": f"{mentions:,.0f}",
        "enrichment workers (a core, 0.7 GB each)": f"{enrichment:,}",
        "detection workers": f"{workers(mentions, given['detection'] * given['use']):,}",
        "storage workers": f"{workers(peak, given['storage'] * given['use']):,}",
        "partitions of posts and mentions": f"{2 ** math.ceil(math.log2(1.5 * enrichment)):,}",
        "ClickHouse cores, inserts and merges": f"{cores:,}",
        "ClickHouse disk for 2 years, one copy": f"{2 * year / 1e12:,.0f} TB",
        "ClickHouse shards": f"{workers(2 * year / 1e12, given['shard-terabytes']):,}",
        "into Kafka at the peak": f"{peak * given['kafka-bytes'] / 1e6:,.0f} MB/s",
        "Kafka disk, 7 days, 3 replicas": f"{average * given['kafka-bytes'] * 7 * 86_400 * 3 / 1e12:,.1f} TB",
    }


def workers(load: float, capacity: float) -> int:
    """How many of a capacity carry a load."""
    return math.ceil(load / capacity)


if __name__ == "__main__":
    main()
