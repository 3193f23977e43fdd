"""How Molva explains the known incidents of 2014 to people, for docs/explanation.md.

Starts ``molva up`` as `benchmarks.spikes_2014` does, replays both files, and reads the spikes' opening events
from ``molva.spikes``. The posts themselves are left out: they belong to the data set. A minute on two cores.

    .venv/bin/python -m benchmarks.explained_2014 [--data DIR] [--model full|open]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks.detector_incidents import FILES, INCIDENTS, Incident
from benchmarks.spikes_2014 import WATCHLIST, Stack, arguments
from pipeline.core.telling import body, headline
from pipeline.core.wording import Language
from pipeline.kafka_records import records_of
from pipeline.settings import Settings
from pipeline.topics import SPIKES
from pipeline.watchlist_file import load_watchlist
from schemas import Spike
from schemas.codec import decode

ZONE: Final = ZoneInfo("Europe/Moscow")
TEXT: Final[dict[Language, str]] = {"ru": "[текст поста]", "en": "[text of the post]"}


async def openings(settings: Settings) -> list[Spike]:
    """The opening events of 1-hour spikes of negativity in ``molva.spikes``, up to its present end."""
    events = [decode(Spike, record.value) async for record in records_of(settings, SPIKES)]
    wanted = ("1h", "negativity", "opened")
    return [event for event in events if (event.resolution, event.signal, event.status) == wanted]


def without_posts(spike: Spike, language: Language) -> Spike:
    """The same without a word of the posts: examples are gone, of the first post only its moment is left."""
    why = spike.explanation
    first = why.first_post and why.first_post.model_copy(update={"excerpt": TEXT[language], "url": ""})
    bare = why.model_copy(update={"first_post": first, "representative": ()})
    return spike.model_copy(update={"explanation": bare, "top_posts": ()})


def told(incident: Incident, spike: Spike, name: str) -> Iterator[str]:
    """Lines of Markdown."""
    yield f"#### {incident.name}, {spike.opened_at:%d.%m.%Y %H:%M} UTC\n"
    for language in TEXT:
        shown = without_posts(spike, language)
        yield "```"
        yield headline(shown, name, language, ZONE)
        yield body(shown, name, language, ZONE)
        yield "```\n"


def report(found: Sequence[Spike]) -> int:
    """Print every incident's text; how many incidents have none."""
    names = {each.id: each.name for each in load_watchlist(WATCHLIST).objects}
    missing = 0
    for incident in INCIDENTS:
        spike = next((s for s in found if incident.found_by(s.object_id, s.opened_at)), None)
        if spike is None:
            print(f"FAILED no 1-hour spike opened on {incident}", file=sys.stderr)
            missing += 1
        else:
            print(*told(incident, spike, names[spike.object_id]), sep="\n")
    return missing


def main() -> None:
    """Replay, read, print; end with 1 if an incident was not found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    options = arguments(parser)
    with tempfile.TemporaryDirectory(prefix="molva-2014-") as folder:
        stack = Stack(Path(folder) / "data", options.model)
        with stack.running() as addresses:
            for name in FILES:
                stack.run("replay", options.data / name, "--wait", "--json")
            settings = Settings(kafka_bootstrap=addresses["kafka"])
            found = asyncio.run(openings(settings))
    sys.exit(1 if report(found) else 0)


if __name__ == "__main__":
    main()
