"""The server's side of MTProto 2.0 over TCP (full and intermediate transport), with a key that both have.

Written from the public description of the protocol. There is no key exchange: a session string holds a key.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from hashlib import sha256
from typing import Any, Final, NamedTuple
from zlib import crc32

from telethon.crypto import AES, AuthKey
from telethon.extensions import BinaryReader
from telethon.tl.core import GzipPacked, MessageContainer

CLIENT, SERVER = 0, 8
"""``x`` of the key derivation: which part of the key a direction uses."""
MAX_PACKET: Final = 1 << 21
GZIP_ABOVE: Final = 512


class BrokenPacket(ConnectionError):
    """The peer does not speak the protocol."""


class Incoming(NamedTuple):
    """A message of the client."""

    session: int
    salt: int
    id: int
    sequence: int
    content: Any


class Envelope:
    """Encrypts and decrypts messages with an authorisation key of 256 bytes."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.key_id = AuthKey(key).key_id
        self._last_id = 0

    def open(self, packet: bytes) -> Incoming:
        """Decrypt a client's message and check its key.

        Raises:
            BrokenPacket: another key, or a message that was changed.
        """
        if len(packet) < 40 or struct.unpack("<Q", packet[:8])[0] != self.key_id:
            raise BrokenPacket("unknown key")
        msg_key = packet[8:24]
        plain = AES.decrypt_ige(packet[24:], *self._derived(msg_key, CLIENT))
        if sha256(self.key[88:120] + plain).digest()[8:24] != msg_key:
            raise BrokenPacket("the message key does not fit")
        salt, session, number, sequence, length = struct.unpack("<qqqii", plain[:32])
        with BinaryReader(plain[32 : 32 + length]) as reader:
            return Incoming(session, salt, number, sequence, reader.tgread_object())

    def seal(self, body: bytes, *, session: int, salt: int, answer: bool, sequence: int) -> bytes:
        """Encrypt a message of the server, an ``answer`` or one that nobody asked for."""
        header = struct.pack("<qqqii", salt, session, self._next_id(answer), sequence, len(body))
        plain = header + body
        plain += os.urandom(-(len(plain) + 12) % 16 + 12)
        msg_key = sha256(self.key[96:128] + plain).digest()[8:24]
        hidden: bytes = AES.encrypt_ige(plain, *self._derived(msg_key, SERVER))
        return struct.pack("<Q", self.key_id) + msg_key + hidden

    def _derived(self, msg_key: bytes, x: int) -> tuple[bytes, bytes]:
        a = sha256(msg_key + self.key[x : x + 36]).digest()
        b = sha256(self.key[x + 40 : x + 76] + msg_key).digest()
        return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]

    def _next_id(self, answer: bool) -> int:
        """Unix seconds in the upper half; modulo 4 it is 1 for answers, 3 for all else."""
        now = int(time.time() * 2**32) & ~3
        self._last_id = max(now, self._last_id + 4) & ~3
        return self._last_id | (1 if answer else 3)


class Wire:
    """Packets of one connection: the transport is told by the first bytes that the client sends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._intermediate: bool | None = None
        self._sent = 0

    async def read(self) -> bytes:
        """The next packet; `asyncio.IncompleteReadError` at the end."""
        first = await self._reader.readexactly(4)
        if self._intermediate is None:
            self._intermediate = first == b"\xee\xee\xee\xee"
            if self._intermediate:
                first = await self._reader.readexactly(4)
        length = int(struct.unpack("<i", first)[0])
        if not 0 < length <= MAX_PACKET:
            raise BrokenPacket(f"a packet of {length} bytes")
        if self._intermediate:
            return await self._reader.readexactly(length)
        rest = await self._reader.readexactly(length - 4)
        if struct.unpack("<I", rest[-4:])[0] != crc32(first + rest[:-4]):
            raise BrokenPacket("the checksum is wrong")
        return rest[4:-4]

    async def write(self, packet: bytes) -> None:
        if self._intermediate:
            self._writer.write(struct.pack("<i", len(packet)) + packet)
        else:
            framed = struct.pack("<ii", len(packet) + 12, self._sent) + packet
            self._writer.write(framed + struct.pack("<I", crc32(framed)))
            self._sent += 1
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


def inner_messages(message: Incoming) -> list[tuple[int, int, Any]]:
    """(id, sequence number, content) of the messages in a container, or of the only one; unpacked."""
    content = _unpacked(message.content)
    if isinstance(content, MessageContainer):
        return [(each.msg_id, each.seq_no, _unpacked(each.obj)) for each in content.messages]
    return [(message.id, message.sequence, content)]


def _unpacked(content: Any) -> Any:
    if isinstance(content, GzipPacked):
        with BinaryReader(content.data) as reader:
            return reader.tgread_object()
    return content


def rpc_result(request_id: int, result: bytes) -> bytes:
    """The answer to a request; large ones are packed, as Telegram does it."""
    if len(result) > GZIP_ABOVE and len(packed := bytes(GzipPacked(result))) < len(result):
        result = packed
    return struct.pack("<Iq", 0xF35C6D01, request_id) + result


def vector(items: list[Any]) -> bytes:
    """A bare list as a result."""
    return struct.pack("<Ii", 0x1CB5C415, len(items)) + b"".join(map(bytes, items))
