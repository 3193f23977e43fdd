"""Reads the body of an answer within limits: its size, its decoded size, its type, its line lengths."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import httpcore
import httpx

from agents.base import BrokenInput
from agents.compression import BoundedInflater, TooLarge
from agents.web.refusals import Unusable

ACCEPTED_ENCODINGS = "gzip, deflate"
COMPRESSED = ("gzip", "x-gzip", "deflate")


async def whole(response: httpcore.Response, headers: httpx.Headers, limit: int) -> bytes:
    """The decoded body; never more than ``limit`` bytes of it are held, compressed or decoded.

    Raises:
        Unusable: it is larger, damaged, cut off, or in an encoding that was not asked for.
    """
    inflater = _inflater(headers, limit)
    body, received = bytearray(), 0
    try:
        async for chunk in response.aiter_stream():
            received += len(chunk)
            body += inflater.feed(chunk) if inflater is not None else chunk
            if max(len(body), received) > limit:
                raise TooLarge(f"the answer is larger than {limit} bytes")
        if inflater is not None and received:
            inflater.finish()
    except (TooLarge, BrokenInput) as error:
        raise Unusable(str(error)) from error
    return bytes(body)


async def lines(
    response: httpcore.Response, headers: httpx.Headers, longest: int
) -> AsyncGenerator[str, None]:
    """The lines of a body that does not end, without their ends (``\\n``, ``\\r\\n``), as they come in.

    Raises:
        Unusable: a line is longer than ``longest`` bytes, or the stream is compressed.
    """
    if _encoding(headers) != "identity":
        raise Unusable(f"the stream is encoded as {_encoding(headers)}, which was not asked for")
    rest = b""
    async for chunk in response.aiter_stream():
        *complete, rest = (rest + chunk).split(b"\n")
        if max(len(rest), *map(len, complete), 0) > longest:
            raise Unusable(f"a line of the stream is longer than {longest} bytes")
        for line in complete:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.removesuffix(b"\r").decode("utf-8", "replace")


def check_type(headers: httpx.Headers, accept: Sequence[str]) -> None:
    """Let an answer of one of the types in ``accept`` through; ``text/*`` and none at all match any.

    Raises:
        Unusable: it is of another type.
    """
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not accept or any(_matches(kind, each.partition(";")[0].strip().lower()) for each in accept):
        return
    raise Unusable(f"the answer is {kind[:80] or 'of no type'}, not {' or '.join(accept)}")


def _matches(kind: str, wanted: str) -> bool:
    return wanted in ("*/*", kind) or (wanted.endswith("/*") and kind.startswith(wanted[:-1]))


def _encoding(headers: httpx.Headers) -> str:
    return headers.get("Content-Encoding", "identity").strip().lower() or "identity"


def _inflater(headers: httpx.Headers, limit: int) -> BoundedInflater | None:
    encoding = _encoding(headers)
    if encoding == "identity":
        return None
    if encoding not in COMPRESSED:
        raise Unusable(f"the answer is encoded as {encoding[:40]}, which was not asked for")
    return BoundedInflater(limit)
