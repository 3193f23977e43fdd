"""One connection of the local IMAP server: its commands and what they answer."""

from __future__ import annotations

import asyncio
import base64
from datetime import date, datetime
from typing import TYPE_CHECKING

from tests.agents.email.server import LITERAL, USER, WORDS, Box, Stored

if TYPE_CHECKING:
    from tests.agents.email.server import Server


class Session:
    """Untagged lines in ``pending`` go out in IDLE, and before the end of any other command."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.folder = ""
        self.readonly = True
        self.pending: list[str] = []
        self.idles = False
        self.secure = server.upgrade is None
        self.open = True

    def send(self, line: str | bytes) -> None:
        self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def flush(self) -> None:
        if self.idles:
            self._out()

    def _out(self) -> None:
        for line in self.pending:
            self.send(line)
        self.pending.clear()

    async def run(self) -> None:
        self.send("* OK ready")
        while self.open and (line := await self._line()):
            tag, _, rest = line.partition(" ")
            name, _, given = rest.partition(" ")
            name = name.upper()
            if name == "UID":
                name, _, given = given.partition(" ")
                name = name.upper()
            self.server.commands.append((self.server.clock(), f"{name} {given}".strip()))
            faults = self.server.faults.get(name)
            if faults:
                fault = faults.pop(0)
                if fault is None:
                    return
                self.send(fault if fault.startswith("*") else f"{tag} {fault}")
                continue
            answer = await getattr(self, f"_{name.lower()}", self._unknown)(given, tag)
            self.server.during.pop(name, lambda: None)()
            self._out()
            self.send(f"{tag} {answer}")
            if name == "STARTTLS":
                await self.writer.start_tls(self.server.upgrade)  # type: ignore[arg-type]
                self.secure = True
            await self.writer.drain()

    async def _line(self) -> str:
        """A command with its literals."""
        whole = b""
        while line := await self.reader.readline():
            whole += line
            found = LITERAL.search(line)
            if found is None:
                break
            if not found[2]:
                self.send("+ go on")
            whole = whole[: -len(found[0])] + b'"' + await self.reader.readexactly(int(found[1])) + b'"'
        return whole.decode("utf-8", "replace").rstrip("\r\n")

    async def _unknown(self, given: str, tag: str) -> str:
        return "BAD unknown command"

    async def _capability(self, given: str, tag: str) -> str:
        more = [] if self.secure else ["STARTTLS", "LOGINDISABLED"]
        self.send(f"* CAPABILITY {' '.join([*self.server.capabilities, *more])}")
        return "OK done"

    async def _starttls(self, given: str, tag: str) -> str:
        return "OK begin"

    async def _noop(self, given: str, tag: str) -> str:
        return "OK done"

    async def _login(self, given: str, tag: str) -> str:
        user, password = _words(given)
        if (user, password) == (USER, self.server.password):
            return "OK logged in"
        return "NO [AUTHENTICATIONFAILED] invalid credentials or IMAP is disabled"

    async def _authenticate(self, given: str, tag: str) -> str:
        mechanism, _, initial = given.partition(" ")
        if not initial:
            self.send("+ ")
            initial = (await self.reader.readline()).decode().strip()
        said = base64.b64decode(initial).decode()
        if mechanism == "PLAIN":
            good = said == f"\0{USER}\0{self.server.password}"
        else:
            good = said == f"user={USER}\1auth=Bearer {self.server.token}\1\1"
        if good:
            return "OK logged in"
        self.send("+ " + base64.b64encode(b'{"status":"400"}').decode())
        await self.reader.readline()
        return "NO [AUTHENTICATIONFAILED] SASL authentication failed"

    async def _list(self, given: str, tag: str) -> str:
        for name in self.server.boxes:
            self.send(f'* LIST (\\HasNoChildren) "/" "{name}"')
        return "OK done"

    async def _examine(self, given: str, tag: str) -> str:
        return self._opened(given, readonly=True)

    async def _select(self, given: str, tag: str) -> str:
        return self._opened(given, readonly=False)

    def _opened(self, given: str, *, readonly: bool) -> str:
        (name,) = _words(given)
        box = self.server.boxes.get(name)
        if box is None:
            return "NO [NONEXISTENT] no such folder"
        self.folder, self.readonly = name, readonly
        self.pending.clear()
        self.send(f"* {len(box.messages)} EXISTS")
        self.send(f"* OK [UIDVALIDITY {box.validity}] valid")
        self.send(f"* OK [UIDNEXT {box.next}] next")
        return f"OK [{'READ-ONLY' if readonly else 'READ-WRITE'}] done"

    @property
    def box(self) -> Box:
        return self.server.boxes[self.folder]

    async def _search(self, given: str, tag: str) -> str:
        found = set(range(len(self.box.messages)))
        words = _words(given)
        while words:
            word = words.pop(0)
            match word.upper():
                case "UID":
                    found &= self._by_uid(words.pop(0))
                case "SINCE":
                    day = _day(words.pop(0))
                    found &= {at for at in found if self.box.messages[at].arrived.date() >= day}
                case "BEFORE":
                    day = _day(words.pop(0))
                    found &= {at for at in found if self.box.messages[at].arrived.date() < day}
                case _:
                    first, _, last = word.partition(":")
                    found &= set(range(int(first) - 1, int(last or first)))
        uids = [str(self.box.messages[at].uid) for at in sorted(found)]
        self.send(" ".join(["* SEARCH", *uids]))
        return "OK done"

    def _by_uid(self, given: str) -> set[int]:
        """``*`` is the last one, so ``n:*`` always has it, as RFC 3501 says."""
        known = [each.uid for each in self.box.messages]
        found: set[int] = set()
        for part in given.split(","):
            ends = [max(known, default=0) if end == "*" else int(end) for end in part.split(":")]
            found |= {at for at, uid in enumerate(known) if min(ends) <= uid <= max(ends)}
        return found

    async def _fetch(self, given: str, tag: str) -> str:
        which, _, _asked = given.partition(" ")
        limit = int(given.partition("<0.")[2].partition(">")[0])
        for at in sorted(self._by_uid(which)):
            message = self.box.messages[at]
            if message.uid in self.server.unreadable:
                return "NO The requested message could not be converted to an RFC-822 compatible format."
            self._message(at + 1, message, limit)
        return "OK done"

    def _message(self, number: int, message: Stored, limit: int) -> None:
        part = message.content[:limit]
        self.writer.write(
            f"* {number} FETCH (UID {message.uid} FLAGS ({' '.join(sorted(message.flags))})"
            f' INTERNALDATE "{message.arrived:%d-%b-%Y %H:%M:%S %z}" RFC822.SIZE {len(message.content)}'
            f" BODY[]<0> {{{len(part)}}}\r\n".encode()
            + part
        )
        self.send(")")

    async def _store(self, given: str, tag: str) -> str:
        if self.readonly:
            return "NO the folder is read-only"
        which, _, rest = given.partition(" ")
        for at in self._by_uid(which):
            self.box.messages[at].flags |= set(rest.partition("(")[2].rstrip(")").split())
        return "OK done"

    async def _idle(self, given: str, tag: str) -> str:
        self.idles = True
        if self.server.early:
            self.send(self.server.early)
        self.writer.write(b"".join([b"+ idling\r\n", *(f"{line}\r\n".encode() for line in self.pending)]))
        self.pending.clear()
        self.server.idling += 1
        try:
            done = await self.reader.readline()
        finally:
            self.server.idling -= 1
            self.idles = False
        if not done:
            raise ConnectionError("gone")
        return "OK idle ended" if done.strip().upper() == b"DONE" else "BAD expected DONE"


def _day(text: str) -> date:
    return datetime.strptime(f"{text} +0000", "%d-%b-%Y %z").date()


def _words(text: str) -> list[str]:
    return [quoted or listed or plain for quoted, listed, plain in WORDS.findall(text)]
