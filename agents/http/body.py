"""Reads the body of an ingest request: bounded, decoded, and shown to the signature as it was sent."""

from __future__ import annotations

import asyncio

from aiohttp import web

from agents.base import BrokenInput
from agents.compression import BoundedInflater, TooLarge
from agents.http.access import Claim
from agents.http.admission import IngestLimits, Ticket
from agents.http.entries import FORMS, Entry, TooMany, entries_of
from agents.http.refusals import Refusal
from schemas.codec import InvalidRecord

ENCODINGS = ("", "identity", "gzip", "deflate")


def require_form(request: web.Request) -> None:
    """Look at what the headers say about the body.

    Raises:
        Refusal: 413 or 415, it cannot be taken.
    """
    if request.content_type not in FORMS:
        raise Refusal(415, "media_type", f"send JSON or NDJSON, not {request.content_type[:100]}")
    if request.headers.get("Content-Encoding", "").lower() not in ENCODINGS:
        raise Refusal(415, "encoding", "send the body plain, or with Content-Encoding: gzip")


async def read_body(request: web.Request, ticket: Ticket, claim: Claim, limits: IngestLimits) -> bytes:
    """The decoded body. Decoded here, because aiohttp takes a gzip stream that ends early for whole.

    Raises:
        Refusal: the body is too large, too slow, or damaged.
    """
    limit, body, sent = limits.body_bytes, bytearray(), 0
    if (request.content_length or 0) > limit:
        raise Refusal(413, "too_large", f"the body is larger than {limit} bytes; send it in parts")
    encoded = request.headers.get("Content-Encoding", "").lower() in ("gzip", "deflate")
    inflater = BoundedInflater(limit) if encoded else None
    try:
        async with asyncio.timeout(limits.body.total_seconds()):
            async for piece in request.content.iter_any():
                claim.feed(piece)
                sent += len(piece)
                decoded = piece if inflater is None else inflater.feed(piece)
                ticket.hold(len(decoded))
                body += decoded
                if max(sent, len(body)) > limit:
                    raise TooLarge(f"the body is larger than {limit} bytes")
        if inflater is not None:
            inflater.finish()
    except TooLarge as error:
        raise Refusal(413, "too_large", f"{error}; send it in parts") from error
    except TimeoutError as error:
        raise Refusal(408, "too_slow", "the body did not arrive in time") from error
    except (BrokenInput, web.RequestPayloadError, ConnectionError) as error:  # the last: the sender hung up
        raise Refusal(400, "encoding", f"the body cannot be read: {error}") from error
    return bytes(body)


def records_in(body: bytes, request: web.Request, limits: IngestLimits) -> list[Entry]:
    """The records of a body.

    Raises:
        Refusal: it is no JSON, holds no record, or too many.
    """
    try:
        entries = entries_of(body, FORMS[request.content_type], limits.records)
    except TooMany as error:
        raise Refusal(413, "too_many", f"{error}; send it in parts") from error
    except InvalidRecord as error:
        raise Refusal(400, error.reason, f"{error.detail}; one record per line is NDJSON") from error
    if not entries:
        raise Refusal(400, "empty", "the body holds no record")
    return entries
