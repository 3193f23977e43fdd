"""Attacks with what a request says: lengths, chunks, codings, JSON, heads, paths: docs/security-ingest.md."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from agents.http.admission import IngestLimits
from pipeline.metrics import Metrics
from pipeline.topics import RAW
from tests.agents.http.serving import TOKEN, Client, encoded, head, row, served, wired
from tests.agents.memory_publisher import MemoryPublisher

LIMITS = IngestLimits(
    body_bytes=1_000_000, records=50, confirm=timedelta(seconds=5), body=timedelta(seconds=0.5)
)
GOOD = encoded(row(1))


@pytest.fixture
async def client(publisher: MemoryPublisher, metrics: Metrics) -> AsyncIterator[Client]:
    async with served(publisher, metrics, limits=LIMITS) as found:
        yield found
        assert (await found.post(encoded(row(99))))[0] == 202, "it still works for others"


async def raw(client: Client, request: bytes) -> tuple[int, dict[str, Any]]:
    async with wired(client) as wire:
        await wire.send(request)
        return await wire.answer()


LENGTHS: list[tuple[str, bytes, set[int]]] = [
    ("longer than the body", head(length=len(GOOD) + 10) + GOOD, {408}),
    ("shorter than the body", head(length=5) + GOOD, {400}),
    ("negative", head("Content-Length: -1") + GOOD, {400}),
    ("signed", head(f"Content-Length: +{len(GOOD)}") + GOOD, {400}),
    ("no number", head("Content-Length: many") + GOOD, {400}),
    ("hexadecimal", head("Content-Length: 0x10") + GOOD, {400}),
    ("of other digits", head("Content-Length: \u00b2") + GOOD, {400}),
    ("endless", head("Content-Length: " + "9" * 40) + GOOD, {400, 413}),
    ("beyond the limit", head(length=9_000_000_000), {413}),
    ("twice", head("Content-Length: 3", length=len(GOOD)) + GOOD, {400}),
    ("a list", head(f"Content-Length: {len(GOOD)}, {len(GOOD)}") + GOOD, {400}),
    ("beside chunks", head("Transfer-Encoding: chunked", length=3) + b"0\r\n\r\n", {400}),
    ("none", head(), {400}),
]


@pytest.mark.parametrize(("request_", "answers"), [c[1:] for c in LENGTHS], ids=[c[0] for c in LENGTHS])
async def test_lengths(
    client: Client, publisher: MemoryPublisher, request_: bytes, answers: set[int]
) -> None:
    assert (await raw(client, request_))[0] in answers
    assert publisher.sent == []


CHUNKED = head("Transfer-Encoding: chunked")
SIZE = f"{len(GOOD):x}".encode()
CHUNKS: list[tuple[str, bytes, set[int]]] = [
    ("right", SIZE + b"\r\n" + GOOD + b"\r\n0\r\n\r\n", {202}),
    ("one byte each", b"".join(b"1\r\n%c\r\n" % byte for byte in GOOD) + b"0\r\n\r\n", {202}),
    ("no number", b"zz\r\n" + GOOD + b"\r\n0\r\n\r\n", {400}),
    ("negative", b"-5\r\n" + GOOD + b"\r\n0\r\n\r\n", {400}),
    ("too large to count", b"f" * 17 + b"\r\n" + GOOD, {400}),
    ("never ended", SIZE + b"\r\n" + GOOD + b"\r\n", {408}),
    ("without its end of line", SIZE + b"\r\n" + GOOD + b"0\r\n\r\n", {400}),
    ("a flood of extensions", SIZE + b";a=" + b"x" * 100_000 + b"\r\n" + GOOD + b"\r\n0\r\n\r\n", {202, 400}),
    ("trailers", SIZE + b"\r\n" + GOOD + b"\r\n0\r\nAuthorization: x\r\n\r\n", {202, 400}),
    ("beyond the limit", b"fffffff\r\n" + b" " * 1_200_000, {413}),
]


@pytest.mark.parametrize(("body", "answers"), [c[1:] for c in CHUNKS], ids=[c[0] for c in CHUNKS])
async def test_chunks(client: Client, body: bytes, answers: set[int]) -> None:
    assert (await raw(client, CHUNKED + body))[0] in answers


CODINGS = ["chunked, identity", "gzip, chunked", "identity", "xchunked", "chunked\x0b"]


@pytest.mark.parametrize("coding", CODINGS)
async def test_transfer_codings_that_proxies_read_otherwise(client: Client, coding: str) -> None:
    smuggled = SIZE + b"\r\n" + GOOD + b"\r\n0\r\n\r\n"
    status, answer = await raw(client, head(f"Transfer-Encoding: {coding}") + smuggled)
    assert status in {400, 408, 415, 501} or answer.get("accepted") == 1


def deep(levels: int, begin: str = "[", end: str = "]") -> bytes:
    return (begin * levels + end * levels).encode()


def nested(levels: int) -> bytes:
    text = json.dumps(row(1))[:-1] + ', "x": '
    return text.encode() + deep(levels, '{"a":', "}").replace(b":}", b":1}", 1) + b"}"


@pytest.mark.parametrize("levels", [50, 150, 190, 250, 300, 450, 900, 2000, 100_000])
@pytest.mark.parametrize("nul", [b"", b"\\u0000"])
async def test_deep_json(client: Client, levels: int, nul: bytes) -> None:
    inside = nested(levels).replace(b'"text": "', b'"text": "' + nul, 1)
    for body in (deep(levels), inside, deep(levels // 2, '[{"a":', "}]")):
        for kind in ("application/json", "application/x-ndjson"):
            status, answer = await client.post(body, Content_Type=kind)
            assert status in {202, 400, 422}, (status, answer)


DOCUMENTS: list[tuple[str, bytes, int]] = [
    ("an integer of 5,000 digits", b'{"created_at": 1795000000, "x": ' + b"9" * 5000 + b"}", 400),
    ("a date of 5,000 digits", b'{"created_at": ' + b"9" * 5000 + b"}", 400),
    ("an infinite date", b'{"created_at": 1e999}', 422),
    ("no date at all", b'{"created_at": NaN}', 422),
    ("the year 1 east of Greenwich", b'{"created_at": "0001-01-01T00:00:00+14:00"}', 422),
    ("the year 9999 west of it", b'{"created_at": "9999-12-31T23:59:59-14:00"}', 422),
    ("an infinite rating", b'{"created_at": 1795000000, "rating": Infinity}', 422),
    ("infinity in an extra", b'{"created_at": 1795000000, "x": -Infinity}', 202),
    ("NUL everywhere", b'{"created_at": 1795000000, "text": "a\\u0000b", "\\u0000x": "\\u0000"}', 202),
    ("a NUL byte", b'{"created_at": 1795000000, "text": "a\x00b"}', 400),
    ("lone surrogates", b'{"created_at": 1795000000, "text": "\\ud83d", "\\udc00": 1}', 202),
    ("a lone surrogate as an id", b'{"created_at": 1795000000, "id": "\\ud83d"}', 202),
    ("surrogates as UTF-8", b'{"created_at": 1795000000, "text": "\xed\xa0\xbd"}', 202),
    ("overlong UTF-8", b'{"created_at": 1795000000, "text": "\xc0\xaf"}', 400),
    ("Latin-1", '{"created_at": 1795000000, "text": "é"}'.encode("latin-1"), 400),
    ("UTF-16", '{"created_at": 1795000000}'.encode("utf-16"), 202),
    ("UTF-32", '{"created_at": 1795000000}'.encode("utf-32"), 202),
    ("a byte order mark", b'\xef\xbb\xbf{"created_at": 1795000000}', 202),
    ("a doubled name", b'{"created_at": 1, "created_at": 1795000000}', 202),
    ("four bytes a character", '{"created_at": 1795000000, "text": "🙂"}'.encode(), 202),
    ("a source with a colon", b'{"created_at": 1795000000, "source": "a:b"}', 422),
    ("a source that is a list", b'{"created_at": 1795000000, "source": ["a"]}', 422),
    ("a long source", b'{"created_at": 1795000000, "source": "' + b"s" * 129 + b'"}', 422),
    ("another's timeline", b'{"created_at": 1795000000, "timeline": "x", "collected_at": 5}', 202),
    ("a foreign schema", b'{"created_at": 1795000000, "schema_version": 99}', 202),
    ("fields of Python", b'{"created_at": 1795000000, "__class__": "x", "model_config": {}}', 202),
]


@pytest.mark.parametrize(("body", "expected"), [c[1:] for c in DOCUMENTS], ids=[c[0] for c in DOCUMENTS])
async def test_documents(client: Client, publisher: MemoryPublisher, body: bytes, expected: int) -> None:
    status, _ = await client.post(body, Content_Type="application/json")
    assert status == expected
    assert all(sent.record.model_dump_json() for sent in publisher.sent)
    assert all(getattr(sent.record, "timeline", "live") == "live" for sent in publisher.sent)


def members(count: int) -> bytes:
    return gzip.compress(b"") * count + gzip.compress(GOOD)


BOMBS: list[tuple[str, str, bytes, set[int]]] = [
    ("a gzip bomb", "gzip", gzip.compress(b" " * 50_000_000), {413}),
    ("a bomb of deflate", "deflate", zlib.compress(b" " * 50_000_000), {413}),
    ("a bomb in a bomb", "gzip", gzip.compress(gzip.compress(b" " * 50_000_000)), {202, 400, 422}),
    ("some members", "gzip", members(10), {202}),
    ("a flood of empty members", "gzip", members(40_000), {400}),
    ("damaged at its end", "gzip", gzip.compress(GOOD)[:-4] + b"oops", {400}),
    ("cut off", "gzip", gzip.compress(GOOD)[:-9], {400}),
    ("noise behind it", "gzip", gzip.compress(GOOD) + b"noise", {400}),
    ("raw deflate", "deflate", zlib.compress(GOOD)[2:-4], {400}),
    ("two codings", "gzip, gzip", gzip.compress(gzip.compress(GOOD)), {415}),
    ("another coding", "br", b"x", {415}),
    ("a flood of lines", "gzip", gzip.compress(b"x\n" * 499_999), {413}),
    ("a flood of elements", "gzip", gzip.compress(b"[" + b"1," * 490_000 + b"1]"), {413}),
    ("upper case", "GZIP", gzip.compress(GOOD), {202}),
]


@pytest.mark.parametrize(("coding", "body", "answers"), [c[1:] for c in BOMBS], ids=[c[0] for c in BOMBS])
async def test_content_encodings(client: Client, coding: str, body: bytes, answers: set[int]) -> None:
    assert (await client.post(body, Content_Encoding=coding))[0] in answers


HEADS: list[tuple[str, bytes, set[int]]] = [
    ("a header of 100 KB", head(f"X-A: {'a' * 100_000}", length=2) + b"{}", {400, 431}),
    ("ten thousand headers", head(*(f"X-{n}: 1" for n in range(10_000)), length=2) + b"{}", {400, 431}),
    ("a path of 100 KB", head(path="/" + "a" * 100_000, length=2) + b"{}", {400, 414}),
    ("NUL in a header", head("X-A: a\x00b", length=2) + b"{}", {400}),
    ("a folded header", head("X-A: a\r\n b", length=2) + b"{}", {400, 422}),
    ("a space before the colon", head("X-A : a", length=2) + b"{}", {400}),
    ("no colon", head("X-A", length=2) + b"{}", {400}),
    ("bytes that are no text", head("X-A: \xff\xfe", length=2) + b"{}", {422}),
    ("a type that is no text", head("Content-Type: \xff/\xfe", length=2) + b"{}", {202, 415, 422}),
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", {400}),
    ("another protocol", b"POST /v1/posts HTTP/9.9\r\n\r\n", {400, 505}),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 505}),
    ("an upgrade", head("Connection: Upgrade", "Upgrade: websocket", length=2) + b"{}", {101, 400, 422}),
    ("bare line feeds", head(length=2).replace(b"\r\n", b"\n") + b"{}", {400, 422}),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "answers"), [c[1:] for c in HEADS], ids=[c[0] for c in HEADS])
async def test_heads(client: Client, publisher: MemoryPublisher, request_: bytes, answers: set[int]) -> None:
    status, _ = await raw(client, request_)
    assert status in answers and status != 101
    assert publisher.of(RAW) == []


METHODS = ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "post", "POSTS", "P\x00"]


@pytest.mark.parametrize("method", METHODS)
async def test_methods(client: Client, publisher: MemoryPublisher, method: str) -> None:
    request = head("X-HTTP-Method-Override: POST", length=len(GOOD), method=method) + GOOD
    async with wired(client) as wire:
        await wire.send(request)
        status, _ = await wire.answer(body=method != "HEAD")
    assert status in {0, 400, 404, 405}
    assert publisher.sent == []


PATHS = [
    "/v1/posts/../../etc/passwd", "/../v1/posts", "/v1//posts", "//v1/posts", "/v1/posts/", "/v1/posts;a=b",
    "/v1/%2e%2e/posts", "/v1/posts%00", "/v1/posts%0d%0aX: y", "\\v1\\posts", "/V1/POSTS", "*",
    "http://elsewhere/v1/nothing", "/static/../../etc/passwd", "/%c0%ae%c0%ae/etc",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_paths(client: Client, publisher: MemoryPublisher, path: str) -> None:
    status, _ = await raw(client, head(path=path, length=len(GOOD)) + GOOD)
    assert status in {400, 404, 405}
    assert publisher.sent == []


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/%70osts", "http://elsewhere/v1/posts", "/v1/posts?a=b#c"])
async def test_no_path_goes_around_the_token(client: Client, publisher: MemoryPublisher, path: str) -> None:
    request = head(path=path, length=len(GOOD)).replace(TOKEN.encode(), b"wrong") + GOOD
    assert (await raw(client, request))[0] == 401
    assert publisher.sent == []


@pytest.mark.parametrize("second", [f"Authorization: Bearer {TOKEN}", "Authorization: Bearer wrong"])
async def test_two_tokens_are_none(client: Client, second: str) -> None:
    assert (await raw(client, head(second, length=len(GOOD)) + GOOD))[0] == 401


async def test_errors_are_counted_and_show_no_traces(client: Client, metrics: Metrics) -> None:
    for body in (b"{", b"[1]", b"\xff"):
        _, answer = await client.post(body, Content_Type="application/json")
        assert "Traceback" not in json.dumps(answer) and "/work" not in json.dumps(answer)
    assert metrics.registry.get_sample_value("molva_http_answers_total", {"answer": "not_json"}) == 2
