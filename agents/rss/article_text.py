"""The child process that finds the article in a page: `agents.rss.full_text` starts, feeds and kills it.

Pages come in as frames (4 bytes of length, then UTF-8), texts go out in the same way. The process may take
little memory and, for each page, little CPU time; what exceeds them ends it.
"""

from __future__ import annotations

import resource
import struct
import sys
from typing import BinaryIO, Final

LENGTH: Final = struct.Struct(">I")
MEMORY: Final = 1536 * 1024 * 1024
"""Of addresses; the libraries alone take some 300 MiB."""
CPU_SECONDS: Final = 20
"""For one page."""


def main(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer frames until there are no more."""
    import trafilatura  # an extra; takes a second

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while len(head := incoming.read(LENGTH.size)) == LENGTH.size:
        page = incoming.read(LENGTH.unpack(head)[0])
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        found = trafilatura.extract(
            page.decode("utf-8", "replace"),
            include_comments=False,
            include_tables=False,
            favor_precision=True,
        )
        text = (found or "").encode("utf-8", "replace")
        outgoing.write(LENGTH.pack(len(text)) + text)
        outgoing.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
