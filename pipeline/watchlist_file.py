"""Reads the watchlist from its file; the parsing itself is pure (``pipeline/core/watchlist_yaml.py``)."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.watchlist import Problem, Watchlist, WatchlistError
from pipeline.core.watchlist_yaml import parse_watchlist

MAX_BYTES = 64 * 1024 * 1024


def load_watchlist(path: Path) -> Watchlist:
    """Read and check a watchlist.

    Raises:
        WatchlistError: the file cannot be read, or has problems; each is named with its line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WatchlistError(
                str(path), [Problem(1, "", "the file is larger than 64 MiB: is it the right one?")]
            )
        content = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read ({error.strerror}): check the path given by --watchlist or MOLVA_WATCHLIST"
        raise WatchlistError(str(path), [Problem(1, "", reason)]) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = "not UTF-8 text: save the file in UTF-8 (not in Windows-1251)"
        raise WatchlistError(str(path), [Problem(line, "", reason)]) from error
    return parse_watchlist(text, str(path))
