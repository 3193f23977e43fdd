"""What a mail server's refusals mean: try again, wait longer, or a person must mend something."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from imapclient.exceptions import CapabilityError, LoginError, ProtocolError

from agents.base import BadConfiguration, Refused, SourceUnavailable

CROWDED: Final = re.compile(
    r"\[(?:LIMIT|THROTTLED|OVERQUOTA|INUSE)\]|too many (?:simultaneous )?connections|rate.?limit"
    r"|try again later|exceeded.*(?:bandwidth|command)",
    re.IGNORECASE,
)
"""RFC 5530 and what Gmail, Yandex and Exchange say."""
FOR_NOW: Final = re.compile(
    r"\[(?:UNAVAILABLE|SERVERBUG|CONTACTADMIN|INUSE)\]|temporar|unavailable|internal error|timed? ?out",
    re.IGNORECASE,
)
REST: Final = timedelta(minutes=5)
EXCERPT: Final = 200


class NotGiven(SourceUnavailable):
    """The server refuses a command (NO, BAD), or its answer cannot be read; the connection still works."""


@contextmanager
def told(place: str, *, user: str = "") -> Iterator[None]:
    """Say errors of the protocol and the network as those of agents.

    Raises:
        BadConfiguration: the login or what it may do is wrong.
        NotGiven: the server refuses this command.
        Refused: the server wants to be left alone for a while.
        SourceUnavailable: anything else that may pass.
    """
    try:
        yield
    except LoginError as error:
        if isinstance(error.__context__, imaplib.IMAP4.abort):
            raise passing(place, _short(error)) from error
        raise _login(place, user, _short(error)) from error
    except CapabilityError as error:
        raise BadConfiguration(f"{place}: the server lacks what is needed: {_short(error)}") from error
    except ssl.SSLCertVerificationError as error:
        raise SourceUnavailable(f"{place}: its certificate is not trusted: {error.verify_message}") from error
    except imaplib.IMAP4.abort as error:
        raise passing(place, _short(error)) from error
    except (imaplib.IMAP4.error, ProtocolError, ValueError) as error:  # ValueError: an answer that is no IMAP
        said = _short(error)
        if CROWDED.search(said) or FOR_NOW.search(said):
            raise passing(place, said) from error
        raise NotGiven(f"{place}: {said}") from error
    except (OSError, EOFError) as error:
        raise SourceUnavailable(f"{place}: {type(error).__name__}: {_short(error)}") from error


def passing(place: str, said: str) -> SourceUnavailable:
    """A refusal that may pass."""
    if CROWDED.search(said):
        return Refused(f"{place}: {said}", REST)
    return SourceUnavailable(f"{place}: {said}")


def _login(place: str, user: str, said: str) -> Exception:
    if CROWDED.search(said) or FOR_NOW.search(said):
        return passing(place, said)
    return BadConfiguration(
        f"{place}: the login of {user} is refused: {said}. Is IMAP switched on in the settings of the"
        " mailbox, and is this a password for applications (docs/sources/email.md)?"
    )


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:EXCERPT]
