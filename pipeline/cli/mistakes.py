"""Which exceptions are a person's business (one message, an exit code) and which are bugs (a stack trace)."""

from __future__ import annotations

from errno import EDQUOT, ENOSPC
from typing import NamedTuple

NO_SPACE = (ENOSPC, EDQUOT)


class Ending(NamedTuple):
    """How the command ends."""

    message: str
    exit_code: int


def ending_of(error: Exception) -> Ending | None:
    """How ``error`` is told; None: it is a bug, and its stack trace is wanted.

    Called once, when a command has failed, so the imports of all adapters cost nothing before.
    """
    from aiokafka.errors import KafkaError
    from clickhouse_driver.errors import Error as ClickHouseError

    from agents.base import Unavailable as AgentUnavailable
    from pipeline.core.watchlist import WatchlistError
    from pipeline.embedded.errors import EmbeddedError
    from pipeline.embedded.state import BrokenSnapshot
    from pipeline.errors import MolvaError
    from pipeline.faust_corrections import UnknownFaustVersion
    from pipeline.kafka import TopicMismatch
    from pipeline.nlp.sentiment import IncompatibleModel
    from pipeline.sink.clickhouse import SinkError
    from pipeline.sink.migrations import MigrationError

    match error:
        case WatchlistError() | IncompatibleModel() | TopicMismatch():
            return Ending(str(error), 2)
        case EmbeddedError() | MigrationError() | BrokenSnapshot() | UnknownFaustVersion():
            return Ending(str(error), 1)
        case OSError() if error.filename is not None or error.errno in NO_SPACE:
            about = "" if error.filename is None else f"{error.filename}: "
            return Ending(f"{about}{error.strerror}", 2)
        case AgentUnavailable() | KafkaError():
            cure = "start the embedded stack with `molva up`, or set MOLVA_KAFKA_BOOTSTRAP to your brokers"
            return Ending(f"{error}: {cure}", 3)
        case SinkError() | ClickHouseError() | EOFError():
            first = (str(error).splitlines() or [repr(error)])[0]
            cure = "start the embedded stack with `molva up`, or set MOLVA_CLICKHOUSE_HOST and _PORT"
            return Ending(f"ClickHouse: {first}: {cure}", 3)
        case MolvaError():
            return Ending(str(error), error.exit_code)
    return None
