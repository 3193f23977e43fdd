"""Errors that a person can act on: shown as one message, without a stack trace, with their exit code.

MolvaError                     1
├── UsageError                 2   the input, the options or a file are wrong
├── Unavailable                3   Kafka, ClickHouse or the stack cannot be reached
└── DeadLetterStorm            4   a stage gives up too many records and has stopped
"""

from __future__ import annotations


class MolvaError(Exception):
    """Something went wrong; the message says what to do."""

    exit_code = 1


class UsageError(MolvaError):
    """The input, the options or a configuration file are wrong."""

    exit_code = 2


class Unavailable(MolvaError):
    """A server that the command needs cannot be reached."""

    exit_code = 3


class DeadLetterStorm(MolvaError):
    """A stage has stopped: it gives up more records than its limit allows (`pipeline.storm`)."""

    exit_code = 4
