"""``molva alerts ack``, ``snooze``, ...: what people decide, as records of ``molva.alerts.actions``."""

from __future__ import annotations

import asyncio
import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer

from pipeline.cli.context import DataDir, load_settings, out
from pipeline.errors import UsageError
from pipeline.settings import Settings

YEARS = 10
"""A maintenance window does not begin or end further from now."""
Target = Annotated[str, typer.Argument(help="an incident's id, or an object with a single open incident")]
Author = Annotated[str | None, typer.Option(help="who decides", show_default="the user of this shell")]
Comment = Annotated[str, typer.Option(help="why; it is shown with the incident")]


def ack(target: Target, author: Author = None, comment: Comment = "", data_dir: DataDir = None) -> None:
    """Say that you are on it: no more is told of it until it gets worse or ends.

    Example: molva alerts ack sberbank --comment "we know, the app is down"
    """
    _decide(load_settings(data_dir), "acknowledge", target, author, comment)


def unack(target: Target, author: Author = None, comment: Comment = "", data_dir: DataDir = None) -> None:
    """Take an acknowledgement back.

    Example: molva alerts unack sberbank
    """
    _decide(load_settings(data_dir), "unacknowledge", target, author, comment)


def snooze(
    target: Annotated[str, typer.Argument(help="an incident's id, an object's id, or * for everything")],
    how_long: Annotated[str, typer.Option("--for", help="e.g. 30m, 2h, 1d")] = "1h",
    author: Author = None,
    comment: Comment = "",
    data_dir: DataDir = None,
) -> None:
    """Be told of it again later, if it is still on. Escalations keep quiet, too.

    Example: molva alerts snooze sberbank --for 2h
    """
    now = moment_now()
    _send(load_settings(data_dir), "snooze", target, author, comment, until=now + span(how_long))


def unsnooze(
    target: Annotated[str, typer.Argument(help="what was snoozed")],
    author: Author = None,
    comment: Comment = "",
    data_dir: DataDir = None,
) -> None:
    """End a snooze at once.

    Example: molva alerts unsnooze sberbank
    """
    _send(load_settings(data_dir), "unsnooze", target, author, comment)


def maintenance(
    target: Annotated[str, typer.Argument(help="an object's id, or * for everything")],
    begin: Annotated[str, typer.Option("--from", help="2026-03-02T22:00, or `now`")] = "now",
    end: Annotated[str, typer.Option("--to", help="2026-03-03T02:00, or how long: 4h")] = "1h",
    daily: Annotated[bool, typer.Option("--daily", help="every day at these hours")] = False,
    weekly: Annotated[bool, typer.Option("--weekly", help="every week at these hours")] = False,
    timezone: Annotated[str, typer.Option(help="whose clocks")] = "Europe/Moscow",
    author: Author = None,
    comment: Comment = "",
    data_dir: DataDir = None,
) -> None:
    """Plan a time in which nobody is told of an object's spikes; they are recorded all the same.

    Example: molva alerts maintenance sberbank --from 2026-03-02T22:00 --to 4h --weekly
    """
    if daily and weekly:
        raise UsageError("choose --daily or --weekly")
    zone = _zone(timezone)
    since = moment_now() if begin == "now" else _moment(begin, zone)
    until = since + span(end) if end[-1:].isalpha() and "T" not in end else _moment(end, zone)
    _send(
        load_settings(data_dir),
        "maintenance",
        target,
        author,
        comment,
        since=since,
        until=until,
        recurrence="daily" if daily else "weekly" if weekly else "",
        timezone=timezone,
    )


def cancel(
    window: Annotated[str, typer.Argument(help="the id of a window or a snooze (`molva alerts list`)")],
    author: Author = None,
    data_dir: DataDir = None,
) -> None:
    """End a maintenance window for good.

    Example: molva alerts cancel 5f0c1d2e
    """
    _send(load_settings(data_dir), "cancel", window, author, "")


def _decide(settings: Settings, what: str, target: str, author: str | None, comment: str) -> None:
    from pipeline.cli.alert_log import read_board

    incident = asyncio.run(read_board(settings, moment_now())).chosen(target)
    _send(settings, what, incident.id, author, comment)


def _send(settings: Settings, what: str, target: str, author: str | None, comment: str, **more: Any) -> None:
    from pydantic import ValidationError

    from pipeline.cli.alert_log import publish
    from schemas import AlertAction

    fields = {"action": what, "target": target, "author": author or getpass.getuser(), "comment": comment}
    try:
        action = AlertAction.model_validate({"id": uuid4().hex[:8], "at": moment_now(), **fields, **more})
    except ValidationError as error:
        raise UsageError("; ".join(item["msg"] for item in error.errors())) from error
    asyncio.run(publish(settings, action))
    until = f" until {action.until:%Y-%m-%d %H:%M}Z" if action.until else ""
    out.print(f"{action.action} {action.target}{until} (id {action.id})", markup=False)


def span(text: str) -> timedelta:
    """A duration as people write it: ``2h``.

    Raises:
        UsageError: it is none.
    """
    from pipeline.alerts.configuration import duration

    try:
        found = duration(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no duration: {error}") from error
    assert isinstance(found, timedelta)
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"unknown timezone {name!r}: write it like Europe/Moscow") from error


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no moment: write it like 2026-03-02T22:00") from error
    if abs(found.year - moment_now().year) > YEARS:  # the calendar's ends overflow in other zones
        raise UsageError(f"{text!r} is more than {YEARS} years away: check the year")
    return found if found.tzinfo else found.replace(tzinfo=zone)


def moment_now() -> datetime:
    """The clock of the commands."""
    return datetime.now(UTC)
