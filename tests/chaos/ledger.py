"""Judges a pipeline from outside: what was published, against what ClickHouse and Kafka hold in the end.

It knows the topics, the tables and the log of what was published, and imports nothing of the pipeline. Rows
are counted by views of its own, because the tables' engine may merge two rows of one post into one.

    python -m tests.chaos.ledger --log published.jsonl --kafka HOST:PORT --clickhouse http://HOST:PORT \\
        --database molva --calm replay:chaos-calm
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.clickhouse_http import ClickHouse
from tests.chaos.offsets import lag, records
from tests.chaos.recounts import CELLS, PER_COPY, SPIKES

COUNTED = {
    "posts": ("id", "timeline"),
    "mentions": ("concat(post_id, '#', object_id)", "timeline"),
    "entities": ("concat(post_id, '#', toString(start), '#', type)", "timeline"),
    "spikes": ("concat(id, '#', toString(revision))", "timeline"),
    "alerts": ("concat(id, '#', toString(revision))", "''"),
    "dead_letters": ("id", "''"),
}
"""Of each table what tells its rows apart, and their timeline."""
DEAD_LETTERS = "molva.dead-letters"
SHOWN, DETAILS = 5, 200


@dataclass
class Verdict:
    """``findings`` is empty where all is well; ``details`` are more of them; ``counts`` is what was seen."""

    findings: list[str] = field(default_factory=list)
    details: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def expect(self, what: str, missing: Iterable[object], count: str | None = None) -> None:
        """Nothing of it may be there."""
        found = sorted(map(str, missing))
        if count is not None:
            self.counts[count] = len(found)
        if found:
            self.findings.append(f"{len(found)} {what}: {', '.join(found[:SHOWN])}")
            self.details[what] = found[:DETAILS]


def open_books(clickhouse: ClickHouse) -> None:
    """Make the ledger's own table and views; before anything is published."""
    clickhouse.do(
        "CREATE TABLE ledger (base LowCardinality(String), id String, timeline LowCardinality(String)) "
        "ENGINE = MergeTree ORDER BY (base, id) SETTINGS non_replicated_deduplication_window = 100000",
        *(
            f"CREATE MATERIALIZED VIEW ledger_of_{table} TO ledger AS "
            f"SELECT '{table}' AS base, {key} AS id, {timeline} AS timeline FROM {table}"
            for table, (key, timeline) in COUNTED.items()
        ),
    )


def read_log(log: Path) -> list[dict[str, Any]]:
    """The lines of what was published and confirmed."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


async def judge(log: Path, kafka: str, clickhouse: ClickHouse, calm: str) -> Verdict:
    """Compare everything; ``calm`` is the timeline of the copy that nothing disturbed."""
    lines, verdict = read_log(log), Verdict()
    posts = [line for line in lines if line["kind"] == "post"]
    _posts(verdict, posts, clickhouse)
    _twice(verdict, clickhouse)
    _dead_letters(verdict, [line for line in lines if line["kind"] == "poison"], clickhouse)
    for name, query in CELLS.items():
        verdict.expect(f"cells of {name} that differ from a recount", _told(clickhouse.rows(query)))
    copies = sorted({line["timeline"] for line in posts if not line["timeline"].endswith("-odd")})
    _copies(verdict, copies, calm, clickhouse)
    await _kafka(verdict, lines, kafka, clickhouse)
    return verdict


def _posts(verdict: Verdict, posts: Sequence[Mapping[str, Any]], clickhouse: ClickHouse) -> None:
    wanted = {post["id"] for post in posts}
    found = Counter(row[0] for row in clickhouse.rows("SELECT id FROM ledger WHERE base = 'posts'"))
    base = {row[0] for row in clickhouse.rows("SELECT id FROM posts")}
    verdict.counts |= {"published": len(wanted), "stored": len(found)}
    verdict.expect("posts lost", wanted - found.keys(), "lost")
    verdict.expect("posts that nobody published", found.keys() - wanted)
    verdict.expect("posts stored twice", (name for name, count in found.items() if count > 1), "duplicated")
    verdict.expect("posts in the table or in its view alone", base ^ found.keys())


def _twice(verdict: Verdict, clickhouse: ClickHouse) -> None:
    for table, (key, _) in COUNTED.items():
        rows = clickhouse.rows(
            f"SELECT id, count() FROM ledger WHERE base = '{table}' GROUP BY id HAVING count() > 1"
        )
        if table != "posts":
            verdict.expect(f"rows of {table} stored twice", _told(rows))
        verdict.counts[table] = clickhouse.value(f"SELECT count() FROM ledger WHERE base = '{table}'")
        kept = clickhouse.value(f"SELECT uniqExact({key}) FROM {table}")
        counted = clickhouse.value(f"SELECT uniqExact(id) FROM ledger WHERE base = '{table}'")
        if kept != counted:
            verdict.findings.append(f"{table} holds {kept} different rows, its view has seen {counted}")


def _dead_letters(verdict: Verdict, poison: Sequence[Mapping[str, Any]], clickhouse: ClickHouse) -> None:
    wanted = {
        (stage, f"{line['topic']}:{line['partition']}:{line['offset']}", line["reason"])
        for line in poison
        for stage in line["stages"]
    }
    rows = clickhouse.rows("SELECT stage, origin, reason, detail FROM dead_letters")
    found = {(stage, origin, reason): detail for stage, origin, reason, detail in rows}
    verdict.counts["poison"] = len(poison)
    verdict.expect("bad records without a dead letter and its reason", wanted - found.keys())
    verdict.expect("dead letters of good records", (f"{key}: {found[key]}" for key in found.keys() - wanted))


def _copies(verdict: Verdict, copies: Sequence[str], calm: str, clickhouse: ClickHouse) -> None:
    for what, query in {**PER_COPY, "spikes": SPIKES}.items():
        by_copy: dict[str, set[str]] = {copy: set() for copy in [*copies, calm]}
        for timeline, *rest in clickhouse.rows(query):
            if timeline in by_copy:
                by_copy[timeline].add(json.dumps(rest, ensure_ascii=False))
        if what == "spikes":
            verdict.counts["spike_events_of_a_copy"] = len(by_copy[calm])
        for copy in copies:
            other = [f"{copy} lacks {row}" for row in by_copy[calm] - by_copy[copy]]
            other += [f"{copy} has {row}" for row in by_copy[copy] - by_copy[calm]]
            verdict.expect(f"{what} unlike those of the undisturbed copy", other)


async def _kafka(
    verdict: Verdict, lines: Sequence[Mapping[str, Any]], kafka: str, clickhouse: ClickHouse
) -> None:
    for topic in sorted({line["topic"] for line in lines}):
        noted = {(line["partition"], line["offset"]) for line in lines if line["topic"] == topic}
        held = {(record.partition, record.offset) for record in await records(kafka, topic)}
        verdict.expect(f"confirmed records that {topic} has lost", noted - held)
        if topic == "molva.posts.raw":
            verdict.expect(f"records of {topic} that nobody confirmed", held - noted)
    broken = {(line["partition"], line["offset"]) for line in lines if line["topic"] == DEAD_LETTERS}
    letters = {
        json.loads(record.value)["id"]
        for record in await records(kafka, DEAD_LETTERS)
        if (record.partition, record.offset) not in broken  # these become rows at once
    }
    stored = clickhouse.rows(f"SELECT id FROM dead_letters WHERE NOT startsWith(origin, '{DEAD_LETTERS}:')")
    verdict.expect("dead letters in Kafka or in ClickHouse alone", {row[0] for row in stored} ^ letters)
    left = {place: count for place, count in (await lag(kafka)).items() if count}
    verdict.expect("partitions not read to their end", (f"{place}: {left[place]} left" for place in left))


def _told(rows: Iterable[Sequence[Any]]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def main() -> int:
    """Judge what runs; the exit code is 1 where something is wrong."""
    parser = argparse.ArgumentParser(description="Judge a pipeline by what was published to it.")
    parser.add_argument("--log", type=Path, required=True, help="what was published: a line per record")
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    parser.add_argument("--clickhouse", required=True, help="http://host:port")
    parser.add_argument("--user", default="molva")
    parser.add_argument("--password-variable", default="LEDGER_PASSWORD", help="holds the password")
    parser.add_argument("--database", default="molva")
    parser.add_argument("--calm", required=True, help="timeline of the undisturbed copy")
    given = parser.parse_args()
    password = os.environ.get(given.password_variable, "")
    clickhouse = ClickHouse(given.clickhouse, given.user, password, given.database)
    verdict = asyncio.run(judge(given.log, given.kafka, clickhouse, given.calm))
    print(json.dumps(vars(verdict), indent=1, ensure_ascii=False))
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main())
