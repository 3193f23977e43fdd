"""CSV lines -> rows, record by record, so that one broken quote does not swallow the rest of the file."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from agents.base import BrokenInput
from agents.replay.lines import Line
from agents.rows import unflatten
from schemas import Reason
from schemas.codec import InvalidRecord

DELIMITERS = ",;\t|"
REQUIRED = ("created_at", "text")


class Table:
    """The header of a CSV file, and the way to read records under it."""

    def __init__(self, header: bytes) -> None:
        """Read the header.

        Raises:
            BrokenInput: it lacks ``created_at`` or ``text``, or names a column twice.
        """
        text = header.decode("utf-8", "replace")
        self._delimiter = max(DELIMITERS, key=text.count)
        self._columns = [column.strip() for column in next(csv.reader([text], delimiter=self._delimiter), [])]
        missing = [column for column in REQUIRED if column not in self._columns]
        if missing or len(set(self._columns)) < len(self._columns):
            found = ", ".join(self._columns)[:300]
            wanted = f"no column {' and no column '.join(missing)}" if missing else "the same column twice"
            raise BrokenInput(f"the CSV header has {wanted}; it has: {found}")

    def records(self, lines: Iterable[Line]) -> Iterator[tuple[Line, object]]:
        """Each record as its (possibly joined) line and its row, or an `InvalidRecord` in place of the row.

        A record whose quotes do not close is given up after its first line; reading goes on with the next.
        """
        ahead: deque[Line] = deque()
        source = iter(lines)
        while True:
            taken: list[Line] = []
            try:
                cells = next(csv.reader(_text(ahead, source, taken), delimiter=self._delimiter, strict=True))
            except StopIteration:
                return
            except csv.Error as error:
                ahead.extendleft(reversed(taken[1:]))
                yield taken[0], InvalidRecord(*_explain(str(error), len(taken)))
                continue
            if cells:
                yield _joined(taken), self._row(cells)

    def _row(self, cells: list[str]) -> object:
        if len(cells) != len(self._columns):
            return InvalidRecord("invalid", f"{len(cells)} columns where the header has {len(self._columns)}")
        try:
            "".join(cells).encode()
        except UnicodeEncodeError:
            return InvalidRecord("invalid", "the row is not UTF-8")
        return unflatten(dict(zip(self._columns, cells, strict=True)))


def _text(ahead: deque[Line], source: Iterator[Line], taken: list[Line]) -> Iterator[str]:
    while True:
        line = ahead.popleft() if ahead else next(source, None)
        if line is None:
            return
        taken.append(line)
        # bytes that are no UTF-8 become lone surrogates, which the row is then refused for
        yield line.content.decode("utf-8", "surrogateescape").replace("\x00", "") + "\n"


def _joined(taken: list[Line]) -> Line:
    if len(taken) == 1:
        return taken[0]
    content = b"\n".join(line.content for line in taken)
    return Line(taken[0].number, taken[-1].end, content, any(line.cut for line in taken))


def _explain(message: str, lines: int) -> tuple[Reason, str]:
    if lines > 1:
        return "invalid", f"a quote of this line does not close within {lines} lines: {message}"
    if "field limit" in message:
        return "too_large", f"a cell is too long: {message}"
    return "invalid", f"not CSV: {message}"
