"""One process of a fleet of `tests.agents.fleet.counting` agents: ``python -m ... NAME [NAME ...]``.

Its settings come from the environment, as those of ``molva agents run``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime

from agents.fleet.process import run_fleet
from pipeline.settings import Settings
from tests.agents.fleet.counting import Options, load


async def main(names: list[str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    agents = [Options(name=name) for name in names]
    await run_fleet(agents, Settings(), None, clock=lambda: datetime.now(UTC), stop=stop, load=load)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
