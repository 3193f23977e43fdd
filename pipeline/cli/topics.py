"""``molva topics``: what flows through Kafka, and how full it is."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from pipeline.cli.context import DataDir, load_settings, out, print_json
from pipeline.permissions import script
from pipeline.settings import Settings
from pipeline.topics import TOPICS


def topics(
    create: Annotated[bool, typer.Option("--create", help="create the topics that are missing")] = False,
    acls: Annotated[
        bool,
        typer.Option("--acls", help="print the shell script that gives Molva's users their rights in Kafka"),
    ] = False,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> None:
    """List the topics: what they carry, their key, partitions, records; with --create, make the missing ones.

    Example: molva topics --create
    """
    if acls:
        sys.stdout.write(script())
        return
    rows = asyncio.run(_describe(load_settings(data_dir), create))
    if as_json:
        print_json({"topics": rows})
        return
    table = Table("topic", "carries", "key", "partitions", "records", box=None, header_style="bold")
    for row in rows:
        ends = "missing" if row["partitions"] == 0 else f"{row['records']:,}"
        table.add_row(row["topic"], row["about"], row["key"], str(row["partitions"]), ends)
    out.print(table)


async def _describe(settings: Settings, create: bool) -> list[dict[str, Any]]:
    from pipeline.kafka import KafkaAdmin, state_specs

    async with KafkaAdmin(settings) as admin:
        created = await admin.ensure_topics([*TOPICS, *state_specs(settings)]) if create else []
        ends = await admin.end_offsets([topic.name for topic in TOPICS])
    return [
        {
            "topic": topic.name,
            "about": topic.about,
            "key": topic.key,
            "partitions": sum(1 for name, _ in ends if name == topic.name),
            "records": sum(end for (name, _), end in ends.items() if name == topic.name),
            "created": topic.name in created,
        }
        for topic in TOPICS
    ]
