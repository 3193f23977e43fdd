"""One folder of a mailbox over one connection: what is new in it, and the wait for more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from agents.base import BadConfiguration
from agents.email.connection import Client, Connection
from agents.email.cursor import Position
from agents.email.failures import NotGiven
from agents.email.login import Login
from agents.email.options import Folder, Options
from agents.surroundings import Surroundings
from agents.waiting import cancel

log = logging.getLogger("molva.agent.email")

IDLE_SECONDS: Final = 29 * 60.0
"""RFC 2177: a server may end a connection after 30 minutes without a command."""
BATCH: Final = 5
"""Messages of one FETCH."""
DAY: Final = timedelta(days=1)
SHOWN: Final = 20


class Letter(NamedTuple):
    """A message as the server has it. ``content`` is None where the server does not give it."""

    uid: int
    content: bytes | None
    arrived: datetime | None
    flags: frozenset[str] = frozenset()
    size: int = 0
    problem: str = ""


class FolderReader:
    """Reads ``folder`` by ``connection``, from ``position`` on, which moves behind what was given."""

    def __init__(
        self,
        folder: Folder,
        options: Options,
        around: Surroundings,
        connection: Connection,
        position: Position,
    ) -> None:
        self.position = position
        self._folder = folder
        self._options = options
        self._around = around
        self._connection = connection
        self._idles = False

    async def open(self, login: Login) -> None:
        """Connect, log in, and open the folder; `position` is made fit for it.

        Raises:
            BadConfiguration: the login is refused, or there is no such folder.
            SourceUnavailable: not now.
        """
        options, connection = self._options, self._connection
        await self._turn()
        port = options.effective_port
        addresses = await self._around.web.addresses(options.host, port)
        await connection.open(options.host, port, addresses, options.security, self._around.web.trust)
        await login.perform(connection)
        self._idles = options.idle and await connection.call(lambda client: client.has_capability("IDLE"))
        self.position = await self._placed(await self._select())

    async def news(self) -> AsyncIterator[Sequence[Letter]]:
        """What stands in the folder from `position` on, in batches."""
        await self._turn()
        first = self.position.next

        def search(client: Client) -> list[int]:
            client.told_of_mail()  # what was told before is found; what is told from now on may not be
            return list(client.search(["UID", f"{first}:*"]))

        found = await self._connection.call(search)
        async for batch in self._letters(uid for uid in sorted(found) if uid >= first):
            yield batch

    async def period(self, since: datetime, until: datetime) -> AsyncIterator[Sequence[Letter]]:
        """What came in from ``since`` to ``until``, give or take a day, from `position` on."""
        first, last = (since - DAY).date(), (until + DAY).date()
        await self._turn()
        found = await self._connection.call(
            lambda client: client.search(["SINCE", first, "BEFORE", last + DAY])
        )
        async for batch in self._letters(uid for uid in sorted(found) if uid >= self.position.next):
            yield batch

    async def wait(self) -> None:
        """Until there may be something new: by IDLE, begun anew every 29 minutes, else by asking.

        A server that refuses IDLE is not asked for it again over this connection.
        """
        if not self._idles:
            await self._around.sleep(self._options.poll_seconds)
            await self._turn()
            await self._connection.call(lambda client: client.noop())
            return
        await self._turn()
        enough = asyncio.ensure_future(self._around.sleep(IDLE_SECONDS))
        try:
            await self._connection.idle(enough)
        except NotGiven as error:
            log.info("%s: it is asked every %g s instead", error, self._options.poll_seconds)
            self._idles = False
        finally:
            await cancel(enough)

    async def mark_seen(self, letters: Sequence[Letter]) -> None:
        """Mark messages as read, if the options ask for it."""
        uids = [letter.uid for letter in letters]
        if self._options.mark_seen and uids:
            await self._connection.call(lambda client: client.add_flags(uids, [b"\\Seen"], silent=True))

    def passed(self, letter: Letter) -> Position:
        """`position` behind a message."""
        self.position = self.position.behind(letter.uid, letter.arrived)
        return self.position

    async def _select(self) -> dict[bytes, Any]:
        name, readonly = self._folder.folder, not self._options.mark_seen
        try:
            info = await self._connection.call(lambda client: client.select_folder(name, readonly=readonly))
        except NotGiven as error:
            known = await self._connection.call(lambda client: client.list_folders())
            there = ", ".join(str(each[2]) for each in known[:SHOWN])
            if name in (each[2] for each in known):
                raise
            raise BadConfiguration(
                f"{self._connection.place}: there is no folder {name!r}; there are {there}"
            ) from error
        return dict(info)

    async def _placed(self, info: dict[bytes, Any]) -> Position:
        """Where to begin in a folder that is new, or that counts its UIDs anew."""
        validity, known = int(info.get(b"UIDVALIDITY", 0)), self.position
        if known.validity == validity and validity:
            return known
        beyond = int(info.get(b"UIDNEXT") or 0) or None
        count, history = int(info.get(b"EXISTS", 0)), self._options.history
        if known.newest is not None:
            day = (known.newest - DAY).date()
            found = await self._search(["SINCE", day])
        elif count and history:
            found = await self._search([f"{max(1, count - history + 1)}:{count}"])
        else:
            found = []
        if not found and beyond is None and count:
            beyond = max(await self._search([str(count)]), default=0) + 1
        first = min(found, default=beyond or 1)
        return Position(validity=validity, next=first, newest=known.newest)

    async def _search(self, criteria: list[Any]) -> list[int]:
        await self._turn()
        return list(await self._connection.call(lambda client: client.search(criteria)))

    async def _letters(self, uids: Any) -> AsyncIterator[Sequence[Letter]]:
        waiting = list(uids)
        for begin in range(0, len(waiting), BATCH):
            yield await self._fetch(waiting[begin : begin + BATCH])

    async def _fetch(self, uids: list[int]) -> list[Letter]:
        """Messages by UID; those that are gone by now are left out."""
        await self._turn()
        limit = self._options.max_bytes
        asked = ["FLAGS", "INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[]<0.{limit}>"]

        def fetch(client: Client) -> Any:
            return client.fetch(uids, asked)

        try:
            found = await self._connection.call(fetch)
        except NotGiven as error:
            if len(uids) == 1:
                return [Letter(uids[0], None, None, problem=str(error))]
            return [letter for uid in uids for letter in await self._fetch([uid])]
        return [_letter(uid, found[uid]) for uid in uids if uid in found]

    async def _turn(self) -> None:
        options = self._options
        await self._around.web.turn(options.url, token_key=f"imap:{options.mailbox}")


def _letter(uid: int, answer: dict[bytes, Any]) -> Letter:
    content = next((value for key, value in answer.items() if key.startswith(b"BODY[]")), None)
    flags = frozenset(flag.decode("ascii", "replace").lower() for flag in answer.get(b"FLAGS", ()))
    arrived = answer.get(b"INTERNALDATE")
    if not isinstance(content, bytes):
        return Letter(uid, None, arrived, flags, problem="the server gives no content")
    return Letter(uid, content, arrived, flags, int(answer.get(b"RFC822.SIZE") or len(content)))
