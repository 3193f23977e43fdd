"""``molva schemas``: the topics' contract as files."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import load_settings, out, print_json
from pipeline.kafka import topic_spec
from pipeline.topics import TOPICS
from schemas.export import asyncapi, file_name, json_schema

app = typer.Typer(help="The contract of the Kafka topics.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The contract of the Kafka topics."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="where to write; made if it does not exist")],
    as_json: Annotated[bool, typer.Option("--json", help="print the written files as JSON")] = False,
) -> None:
    """Write a JSON Schema per record and one AsyncAPI 3 document with Kafka bindings.

    Example: molva schemas export build/schemas
    """
    settings = load_settings()
    directory.mkdir(parents=True, exist_ok=True)
    partitions = {topic.name: topic_spec(topic, settings).partitions for topic in TOPICS}
    documents = {file_name(record): json_schema(record) for topic in TOPICS for record in topic.records}
    documents["asyncapi.json"] = asyncapi(TOPICS, version("molva"), partitions)
    for name, document in documents.items():
        text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=name != "asyncapi.json")
        (directory / name).write_text(text + "\n", encoding="utf-8")
    if as_json:
        print_json({"directory": str(directory), "files": sorted(documents)})
        return
    for name in sorted(documents):
        out.print(str(directory / name))
