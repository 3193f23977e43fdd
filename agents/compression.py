"""Decompression that notices an early end, and that stops at a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import zstandard

from agents.base import AgentError, BrokenInput

Codec = Literal["plain", "gzip", "zstd"]

MAGIC: tuple[tuple[bytes, Codec], ...] = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
MAX_MEMBERS = 64
"""Of one gzip body: each begins a decoder and copies what follows it, however short it is."""


class TooLarge(AgentError):
    """More bytes than the limit allows."""


def codec_of(first: bytes) -> Codec:
    """Which compression the first bytes of a file show."""
    return next((codec for magic, codec in MAGIC if first.startswith(magic)), "plain")


def decompressed(chunks: Iterable[bytes], codec: Codec) -> Iterator[bytes]:
    """Decompress a stream of one or more gzip members or zstd frames.

    Raises:
        BrokenInput: it is damaged or ends early; everything before was yielded.
    """
    if codec == "plain":
        yield from chunks
        return
    decoder: Any = None
    for chunk in chunks:
        rest = chunk
        while rest:
            if decoder is None or decoder.eof:
                rest = rest.lstrip(b"\x00")  # padding after the last member
                if not rest:
                    break
                decoder = _decoder(codec)
            try:
                decoded = decoder.decompress(rest)
            except (zlib.error, zstandard.ZstdError) as error:
                raise BrokenInput(f"the {codec} stream is damaged: {error}") from error
            rest = decoder.unused_data if decoder.eof else b""
            if decoded:
                yield decoded
    if decoder is not None and not decoder.eof:
        raise BrokenInput(f"the {codec} stream ends early: the file is cut off")


class BoundedInflater:
    """Decodes a gzip or zlib body piece by piece and refuses more than ``limit`` decoded bytes."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._limit = limit
        self._decoder = zlib.decompressobj(GZIP_OR_ZLIB)
        self._members = 1

    def feed(self, chunk: bytes) -> bytes:
        """Decode one more chunk.

        Raises:
            TooLarge: the decoded body passes the limit; at most the limit was ever held.
            BrokenInput: the chunk is not gzip or zlib, or is of too many members.
        """
        decoded = bytearray()
        while chunk:
            if self._decoder.eof:  # a body of several gzip members
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise BrokenInput(f"the compressed body has more than {MAX_MEMBERS} parts")
                self._decoder = zlib.decompressobj(GZIP_OR_ZLIB)
            try:
                piece = self._decoder.decompress(chunk, self._left + 1)
            except zlib.error as error:
                raise BrokenInput(f"the compressed body is damaged: {error}") from error
            self._left -= len(piece)
            if self._left < 0:
                raise TooLarge(f"the decoded body is larger than {self._limit} bytes")
            decoded += piece
            chunk = self._decoder.unused_data
        return bytes(decoded)

    def finish(self) -> None:
        """Check that the body is complete.

        Raises:
            BrokenInput: it ends early.
        """
        if not self._decoder.eof:
            raise BrokenInput("the compressed body ends early")


def _decoder(codec: Codec) -> Any:
    if codec == "gzip":
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    return zstandard.ZstdDecompressor().decompressobj()
