"""The ``email`` agent: mail to the company (complaints, press) from folders of a mailbox, by IMAP."""

from agents.email.options import Options
from agents.email.source import EmailSource
from agents.surroundings import Surroundings

__all__ = ["EmailSource", "Options", "build"]


def build(options: Options, around: Surroundings) -> EmailSource:
    """The source of an entry of agents.yaml."""
    return EmailSource(options, around)
