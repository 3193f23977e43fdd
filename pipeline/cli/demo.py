"""``molva demo``: a bank's bad week, from raw posts to explained spikes, in under two minutes."""

from __future__ import annotations

import asyncio
import shutil
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.context import err, load_settings, out, read_watchlist
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.demo.report import DemoReport
    from pipeline.demo.run import Demo
    from pipeline.demo.view import DemoView
    from pipeline.local import Local

MARKER = "made-by-molva-demo"


def demo(
    seconds: Annotated[float, typer.Option(min=5, help="how long the eight days of the story take")] = 45.0,
    lang: Annotated[Literal["en", "ru"], typer.Option(help="language of the explanations")] = "en",
    data_dir: Annotated[Path | None, typer.Option(help="emptied first", show_default=".molva/demo")] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="keep everything running for your queries until Ctrl-C")
    ] = False,
) -> None:
    """Show everything at work: start all stages, replay a bank's bad week, explain what is found.

    Exit code 0 only if no post was lost or duplicated and every spike that the story holds was found.

    Example: molva demo --stay
    """
    from pipeline.demo.run import WATCHLIST, Demo  # heavy: clients of both servers
    from pipeline.demo.view import DemoView
    from pipeline.local import Local
    from pipeline.plan import Plan

    settings = load_settings(running=False)
    folder = data_dir or settings.data_dir / "demo"
    _empty(folder)
    watchlist = read_watchlist(WATCHLIST)
    settings = settings.model_copy(update={"data_dir": folder.resolve(), "watchlist": WATCHLIST})
    view = DemoView(out, lang, {watched.id: watched.name for watched in watchlist.objects})
    with Local(settings, Plan(), say=lambda line: err.print(line)) as local:
        local.await_ready()
        report = asyncio.run(_run(Demo(local, watchlist, view, seconds), view))
        if report is None:
            raise typer.Exit(130)
        hint = f"MOLVA_DATA_DIR={folder} molva sql"
        view.conclude(report, hint)
        if stay:
            err.print(f'everything keeps running until Ctrl-C; ask with: {hint} "SELECT ..."')
            _until_interrupted(local)
        else:
            err.print(f"all is stopped; to ask, bring it back first: molva up --data-dir {folder}")
    if not report.good:
        raise typer.Exit(1)


async def _run(demo_run: Demo, view: DemoView) -> DemoReport | None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with view:
        return await demo_run.run(stop)


def _until_interrupted(local: Local) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(0.5):
        local.check()


def _empty(folder: Path) -> None:
    """Remove what an earlier demo left; refuse to remove anything else.

    Raises:
        UsageError: the folder holds something that no demo made.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise UsageError(f"{folder} was not made by a demo and is not empty: choose another --data-dir")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
