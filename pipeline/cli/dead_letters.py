"""``molva dead-letters``: what could not be processed and why; send it again, or be done with it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.alert_decisions import moment_now, span
from pipeline.cli.context import DataDir, err, load_settings, out, print_json
from pipeline.errors import UsageError
from pipeline.settings import Settings

if TYPE_CHECKING:  # heavy: their modules wait until a command needs them
    from pipeline.dead_letters.choice import Choice
    from pipeline.dead_letters.store import Store

app = typer.Typer(
    no_args_is_help=True,
    help="What could not be processed, and why; send it again, or be done with it (docs/dead-letters.md).",
)

Ids = Annotated[list[str] | None, typer.Argument(help="ids or origins of dead letters", show_default=False)]
Stage = Annotated[str | None, typer.Option(help="found by this stage, e.g. enrichment or agent:rss")]
Reason = Annotated[str | None, typer.Option(help="e.g. not_json, invalid, too_large, failed")]
Topic = Annotated[str | None, typer.Option(help="whose records they are, e.g. molva.posts.raw, or a file")]
Since = Annotated[str | None, typer.Option(help="failed since: 2026-03-02T22:00Z, or 2h ago as 2h")]
Until = Annotated[str | None, typer.Option(help="failed before: as --since")]
Text = Annotated[str | None, typer.Option(help="in the payload or the detail, in any case")]
All = Annotated[bool, typer.Option("--all", help="replayed and purged ones too")]
Json = Annotated[bool, typer.Option("--json", help="print as JSON")]
FromTopic = Annotated[bool, typer.Option("--from-topic", help="read Kafka's topic instead of ClickHouse")]


@app.command("list")
def list_(
    ids: Ids = None,
    stage: Stage = None,
    reason: Reason = None,
    topic: Topic = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    everything: All = False,
    each: Annotated[bool, typer.Option("--each", help="one line per dead letter, the newest first")] = False,
    limit: Annotated[int, typer.Option(min=1, help="lines at most")] = 50,
    from_topic: FromTopic = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Count the dead letters by stage, reason and source; with --each, list them.

    Example: molva dead-letters list --stage enrichment --since 2h
    """
    from pipeline.cli import dead_letter_tables as tables
    from pipeline.dead_letters.reading import read_groups, read_letters

    choice = _choice(ids, stage, reason, topic, since, until, text, everything)
    settings = load_settings(data_dir)
    if each:
        tables.show_letters(read_letters(settings, choice, limit, from_topic, _warn), as_json)
    else:
        tables.show_groups(read_groups(settings, choice, from_topic, _warn)[:limit], as_json)


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="the id or the origin of a dead letter")],
    from_topic: FromTopic = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show a dead letter: where its record stands, what is wrong with it, what became of it, its payload.

    Example: molva dead-letters show molva.posts.raw:0:1234
    """
    from pipeline.cli import dead_letter_tables as tables
    from pipeline.dead_letters.choice import EVERY_STATE, Choice
    from pipeline.dead_letters.reading import read_letters

    choice = Choice(ids=(letter,), states=EVERY_STATE)
    found = read_letters(load_settings(data_dir), choice, None, from_topic, _warn)
    if not found:
        raise UsageError(f"there is no dead letter {letter!r}: `molva dead-letters list --each --all`")
    for each in found:
        tables.show_letter(each, as_json)


@app.command()
def replay(
    ids: Ids = None,
    stage: Stage = None,
    reason: Reason = None,
    topic: Topic = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    limit: Annotated[int | None, typer.Option(min=1, help="dead letters at most, the newest")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every open one")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be sent, send nothing")] = False,
    force: Annotated[bool, typer.Option("--force", help="send also what would fail again")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Send the original records back to their topics, once their cause is mended. Each is sent once.

    Exit code 1 if one could not be sent; the output says why.

    Example: molva dead-letters replay --stage enrichment --reason failed --since 1d
    """
    from pipeline.cli import dead_letter_tables as tables
    from pipeline.dead_letters.choice import EVERY_STATE
    from pipeline.dead_letters.replaying import replay as send_again

    choice = _choice(ids, stage, reason, topic, since, until, text, False)
    _require_narrowed(choice, everything)
    settings = load_settings(data_dir)
    with _store(settings) as store:
        # what is named one by one is answered one by one, also where it was sent before
        states = EVERY_STATE if ids else choice.states
        letters = [found.letter for found in store.letters(choice.of(states), limit)]
        if ids and not letters:
            raise UsageError("there is no such dead letter: `molva dead-letters list --each --all`")
        run = uuid.uuid4().hex
        outcomes = asyncio.run(send_again(settings, store, letters, run, force=force, dry_run=dry_run))
    tables.show_outcomes(outcomes, as_json)
    if any(each.status not in tables.DONE for each in outcomes):
        raise typer.Exit(1)


@app.command()
def purge(
    ids: Ids = None,
    stage: Stage = None,
    reason: Reason = None,
    topic: Topic = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    everything: Annotated[bool, typer.Option("--all", help="every open one")] = False,
    delete: Annotated[
        bool,
        typer.Option("--delete", help="remove them from ClickHouse too, replayed and purged ones as well"),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Dismiss dead letters: they are no longer listed nor sent again. Kafka keeps its copy for 90 days.

    With --delete their rows go for good, which needs the right ALTER DELETE (molva_owner).

    Example: molva dead-letters purge --reason not_json --until 7d --yes
    """
    from pipeline.dead_letters.choice import EVERY_STATE, record_key
    from pipeline.dead_letters.store import Note

    choice = _choice(ids, stage, reason, topic, since, until, text, False)
    _require_narrowed(choice, everything)
    with _store(load_settings(data_dir)) as store:
        found = store.letters(choice.of(EVERY_STATE) if delete else choice)
        what = "delete" if delete else "purge"
        if found and not yes and not typer.confirm(f"{what} {len(found)} dead letters?", err=True):
            raise UsageError("nothing was done")
        records = sorted({record_key(each.letter) for each in found if each.state != "purged"})
        store.note("purged", uuid.uuid4().hex, [Note(record) for record in records])
        if delete and found:
            store.delete([each.letter.id for each in found])
    if as_json:
        print_json({"purged": len(found), "deleted": len(found) if delete else 0})
    else:
        out.print(f"{len(found)} dead letters {'deleted' if delete else 'purged'}")


def _choice(
    ids: list[str] | None,
    stage: str | None,
    reason: str | None,
    topic: str | None,
    since: str | None,
    until: str | None,
    text: str | None,
    everything: bool,
) -> Choice:
    from pipeline.dead_letters.choice import EVERY_STATE, Choice

    chosen = Choice(
        ids=tuple(ids or ()),
        stage=stage,
        reason=reason,
        topic=topic,
        since=None if since is None else _moment("--since", since),
        until=None if until is None else _moment("--until", until),
        text=text,
    )
    return chosen.of(EVERY_STATE) if everything else chosen


def _moment(option: str, text: str) -> datetime:
    """A moment, or so long ago.

    Raises:
        UsageError: it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return moment_now() - span(text)
        except (UsageError, OverflowError):
            raise UsageError(
                f"{option} {text!r} is no moment such as 2026-03-02T22:00Z, nor a time ago such as 2h or 7d"
            ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _require_narrowed(choice: Choice, everything: bool) -> None:
    if everything == choice.narrowed:
        raise UsageError("say which: ids, or filters such as --reason failed --since 2h, or --all")


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    """The store; what was done about dead letters is kept in ClickHouse, so it must answer."""
    from pipeline.dead_letters.store import Store
    from pipeline.sink.clickhouse import Clients, connect

    clients = Clients(lambda: connect(settings))
    try:
        yield Store(clients)
    finally:
        clients.close()


def _warn(line: str) -> None:
    err.print(f"[yellow]note:[/] {line}")
