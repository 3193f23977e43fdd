"""``molva up`` and ``molva worker``: processes that run until they are told to stop."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.agent import STOPPING
from pipeline.cli.context import err, load_settings, print_json, read_watchlist
from pipeline.embedded.stack_info import KAFKA_FOLDER, BrokerKind
from pipeline.errors import UsageError

CHECK_S = 0.5


def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="where everything is kept", show_default=".molva")
    ] = None,
    watchlist: Annotated[Path | None, typer.Option(help="the watchlist (or MOLVA_WATCHLIST)")] = None,
    enrichment: Annotated[int, typer.Option(min=1, max=64, help="enrichment workers; one per core")] = 1,
    detection: Annotated[int, typer.Option(min=1, max=64, help="detection workers")] = 1,
    broker: Annotated[
        BrokerKind | None,
        typer.Option(
            help="tansu: in memory; kafka: Apache Kafka, keeps its data, needs Java 17 and Maven",
            show_default="what the data dir was made with, or tansu",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print the addresses as JSON once all is ready")
    ] = False,
) -> None:
    """Run the whole pipeline on this machine until Ctrl-C: broker, ClickHouse, every stage, the agents.

    ClickHouse and the detector's state keep their data in the data dir. The default broker is memory-only:
    records in flight when the machine dies are lost, topics are made anew. With --broker kafka everything is
    kept (docs/operations.md). For long service on a server use docker-compose.yml.

    Who is told of spikes stands in the file that MOLVA_ALERTS names (docs/alerts.md).

    Agents: `http` runs where MOLVA_HTTP_TOKEN or MOLVA_HTTP_CALLERS is set, `rss` where MOLVA_RSS_FEEDS is,
    those of agents.yaml where MOLVA_AGENTS is (docs/agents.md).

    Example: molva up --watchlist examples/banks-and-operators.yaml
    """
    from pipeline.local import Local  # heavy: the clients of both servers
    from pipeline.plan import Plan

    settings = load_settings(data_dir, running=False)
    if watchlist is not None:
        settings = settings.model_copy(update={"watchlist": watchlist.resolve()})
    if settings.watchlist is None:
        err.print("[yellow]no watchlist:[/] nothing is watched; choose one with --watchlist FILE")
    read_watchlist(settings.watchlist)
    if settings.rss_feeds is not None:
        from agents.rss.feeds import read_feeds  # heavy, too

        read_feeds(settings.rss_feeds)
    if settings.agents is not None:
        from agents.agents_file import read_agents

        read_agents(settings.agents, os.environ)
        settings = settings.model_copy(update={"agents": settings.agents.resolve()})
    if settings.alerts is not None:
        from pipeline.alerts.configuration_file import read_configuration

        read_configuration(settings.alerts, os.environ)
    if settings.http_callers is not None:
        from agents.http.service import read_callers

        read_callers(settings)
        settings = settings.model_copy(update={"http_callers": settings.http_callers.resolve()})
    http = settings.http_token or settings.http_callers
    agents = [name for name, on in (("http", http), ("rss", settings.rss_feeds)) if on]
    stop = threading.Event()
    for name in STOPPING:
        signal.signal(name, lambda *_: stop.set())
    plan = Plan(enrichment=enrichment, detection=detection, agents=tuple(agents), fleet=bool(settings.agents))
    kind = _broker_of(settings.data_dir, broker)
    with Local(settings, plan, say=lambda line: err.print(line), broker=kind) as local:
        local.await_ready(stop=stop)
        if as_json and not stop.is_set():
            print_json(local.addresses())
        if not stop.is_set():
            err.print(
                f"[green]ready[/]: feed it with `molva replay FILE{_data_dir_hint(data_dir)}`; Ctrl-C stops"
            )
        while not stop.wait(CHECK_S):
            local.check()
        err.print("stopping: finishing what is in flight, then each stage in order")
    err.print("stopped")


def _broker_of(folder: Path, wanted: BrokerKind | None) -> BrokerKind:
    """A data dir that holds Apache Kafka's records stays with it."""
    has_kafka = (folder / KAFKA_FOLDER).exists()
    if wanted == "tansu" and has_kafka:
        raise UsageError(
            f"{folder} holds the records of Apache Kafka: use --broker kafka, or another --data-dir"
        )
    return wanted or ("kafka" if has_kafka else "tansu")


def _data_dir_hint(data_dir: Path | None) -> str:
    return "" if data_dir is None else f" --data-dir {data_dir}"


def worker(
    stage: Annotated[str, typer.Argument(help="enrichment, detection, storage or notification")],
) -> None:
    """Run one stage in this process until SIGTERM; a process manager restarts it when it ends.

    Settings come from MOLVA_ variables (docs/settings.md).

    Example: MOLVA_KAFKA_BOOTSTRAP=kafka:9092 molva worker enrichment
    """
    from pipeline import worker as stages  # heavy: Faust

    if stage not in stages.STAGES:
        raise UsageError(f"there is no stage {stage!r}; there are {', '.join(stages.STAGES)}")
    settings = load_settings()
    if stage in ("enrichment", "detection"):
        read_watchlist(settings.watchlist)
    stages.run(stage, settings)
