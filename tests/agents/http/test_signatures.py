"""Signed bodies: right ones once; stale, wrong, replayed and rotated ones; what is remembered is bounded."""

from __future__ import annotations

import gzip
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from agents.http.admission import IngestLimits
from agents.http.callers import Caller
from agents.http.signature import (
    TOLERANCE_SECONDS,
    BadSignature,
    Replays,
    Verification,
    parse_signature,
    sign,
)
from agents.manual_time import NOON, ManualTime
from pipeline.topics import RAW
from tests.agents.http.serving import Client, encoded, row, served
from tests.agents.memory_publisher import MemoryPublisher

OLD, NEW, OTHER = (f"{name}-secret-of-many-characters" for name in ("old", "new", "other"))
FORUM = Caller(name="forum", secrets=(SecretStr(OLD), SecretStr(NEW)), sources=("forum",))
WIKI = Caller(name="wiki", secrets=(SecretStr(OTHER),), sources=("wiki",))
T = int(NOON.timestamp())
BODY = encoded(row(1, source="forum"))


async def sent(client: Client, header: str, body: bytes = BODY, **headers: str) -> tuple[int, str]:
    named = {"X_Molva_Caller": "forum", "X_Molva_Signature": header} | headers
    status, answer = await client.post(body, token=None, **named)
    return status, answer.get("error", "")


async def test_a_signed_body_is_taken_once(publisher: MemoryPublisher) -> None:
    async with served(publisher, callers=(FORUM, WIKI)) as client:
        header = sign(OLD.encode(), BODY, T)
        assert await sent(client, header) == (202, "")
        assert await sent(client, header) == (409, "replayed")
        assert await sent(client, f"t={T}, v1={header.partition('v1=')[2].upper()}") == (409, "replayed")
        assert await sent(client, sign(OLD.encode(), BODY, T + 1)) == (202, "")
    assert len(publisher.of(RAW)) == 2


async def test_the_signature_is_the_documented_one(publisher: MemoryPublisher) -> None:
    made = hmac.new(OLD.encode(), str(T).encode() + b"." + BODY, hashlib.sha256).hexdigest()
    async with served(publisher, callers=(FORUM,)) as client:
        assert await sent(client, f"t={T},v1={made}") == (202, "")


async def test_secrets_are_rotated_without_a_gap(publisher: MemoryPublisher) -> None:
    async with served(publisher, callers=(FORUM,)) as client:
        new, old = (sign(each.encode(), BODY, T) for each in (NEW, OLD))
        assert await sent(client, new) == (202, "")
        assert await sent(client, old) == (409, "replayed"), "the same body, whichever secret signed it"
        wrong = "0" * 64
        both = f"t={T + 1},v1={wrong},v1={sign(NEW.encode(), BODY, T + 1).partition('v1=')[2]},v2=later"
        assert await sent(client, both) == (202, "")


REFUSED: list[tuple[str, Callable[[], str]]] = [
    ("of another secret", lambda: sign(OTHER.encode(), BODY, T)),
    ("of another body", lambda: sign(OLD.encode(), BODY + b" ", T)),
    ("of another time", lambda: sign(OLD.encode(), BODY, T - 1).replace(f"t={T - 1}", f"t={T}")),
    ("too old", lambda: sign(OLD.encode(), BODY, T - TOLERANCE_SECONDS - 1)),
    ("of the future", lambda: sign(OLD.encode(), BODY, T + TOLERANCE_SECONDS + 1)),
    ("without a time", lambda: sign(OLD.encode(), BODY, T).partition(",")[2]),
    ("two times", lambda: f"t={T}," + sign(OLD.encode(), BODY, T)),
    ("a negative time", lambda: "t=-1,v1=" + "0" * 64),
    ("a time of other digits", lambda: "t=١٢٣,v1=" + "0" * 64),
    ("an endless time", lambda: f"t={'9' * 400},v1=" + "0" * 64),
    ("no signature", lambda: f"t={T}"),
    ("a short signature", lambda: f"t={T},v1=00"),
    ("no hexadecimal", lambda: f"t={T},v1={'z' * 64}"),
    ("many signatures", lambda: f"t={T}" + f",v1={'0' * 64}" * 5),
    ("empty", lambda: ""),
    ("long", lambda: f"t={T}," + "x" * 2000),
]


@pytest.mark.parametrize("header", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_all_others_are_refused(publisher: MemoryPublisher, header: Callable[[], str]) -> None:
    async with served(publisher, callers=(FORUM, WIKI)) as client:
        assert await sent(client, header()) == (401, "unauthorized")
    assert publisher.sent == []


async def test_who_signs_is_named_or_the_only_one(publisher: MemoryPublisher) -> None:
    header = sign(OLD.encode(), BODY, T)
    async with served(publisher, callers=(FORUM, WIKI)) as client:
        for name in ("wiki", "nobody", "", "default"):
            assert await sent(client, header, X_Molva_Caller=name) == (401, "unauthorized")
        client.url = client.url.with_query(caller="forum")
        assert await sent(client, header, X_Molva_Caller="") == (202, "")
    async with served(publisher, callers=(FORUM,)) as client:
        assert await sent(client, header, X_Molva_Caller="") == (202, "")


async def test_a_signature_gives_the_rights_of_its_caller(publisher: MemoryPublisher) -> None:
    body = encoded(row(1, source="wiki"))
    async with served(publisher, callers=(FORUM, WIKI)) as client:
        assert (await sent(client, sign(OLD.encode(), body, T), body))[0] == 403


async def test_a_compressed_body_is_signed_as_it_is_sent(publisher: MemoryPublisher) -> None:
    packed = gzip.compress(BODY)
    async with served(publisher, callers=(FORUM,)) as client:
        header = sign(OLD.encode(), BODY, T)
        assert await sent(client, header, packed, Content_Encoding="gzip") == (401, "unauthorized")
        header = sign(OLD.encode(), packed, T)
        assert await sent(client, header, packed, Content_Encoding="gzip") == (202, "")


async def test_what_kafka_did_not_take_may_come_again(publisher: MemoryPublisher) -> None:
    header = sign(OLD.encode(), BODY, T)
    limits = IngestLimits(confirm=timedelta(seconds=0.2))
    async with served(publisher, callers=(FORUM,), limits=limits) as client:
        publisher.failure = KafkaConnectionError("down")
        assert await sent(client, header) == (503, "not_confirmed")
        publisher.failure = None
        assert await sent(client, header) == (202, "")
        assert await sent(client, header) == (409, "replayed")


async def test_an_expired_caller_signs_in_vain(publisher: MemoryPublisher) -> None:
    time = ManualTime()
    short = FORUM.model_copy(update={"expires": NOON + timedelta(minutes=1)})
    async with served(publisher, callers=(short,), time=time) as client:
        time.move(minutes=2)
        header = sign(OLD.encode(), BODY, int(time.clock().timestamp()))
        assert await sent(client, header) == (401, "unauthorized")


def test_a_day_of_signed_bodies_is_forgotten_again() -> None:
    replays, longest = Replays(limit=1000), 0
    for second in range(0, 24 * 3600, 5):
        assert not replays.full(second)
        assert replays.take("a", str(second).encode(), second)
        assert not replays.take("a", str(second).encode(), second)
        assert replays.take("b", str(second).encode(), second), "another caller's are its own"
        longest = max(longest, len(replays._taken))
    assert longest <= 2 * (2 * TOLERANCE_SECONDS // 5 + 2)


def test_who_signs_too_much_must_wait() -> None:
    replays = Replays(limit=3)
    for number in range(3):
        assert not replays.full(0) and replays.take("a", bytes([number]), 0)
    assert replays.full(2 * TOLERANCE_SECONDS)
    assert not replays.full(2 * TOLERANCE_SECONDS + 1)


@given(st.binary(max_size=200), st.lists(st.integers(1, 50), max_size=5), st.integers(0, 10**11))
def test_pieces_do_not_matter(body: bytes, cuts: list[int], time: int) -> None:
    signature = parse_signature(sign(b"k" * 32, body, time), time)
    verification, rest = Verification(signature, (b"j" * 32, b"k" * 32)), body
    for cut in cuts:
        verification.feed(rest[:cut])
        rest = rest[cut:]
    verification.feed(rest)
    assert verification.right()
    verification.feed(b"x")
    assert not verification.right()


@given(st.text(max_size=300))
def test_no_header_breaks_the_reading(header: str) -> None:
    try:
        parsed = parse_signature(header, T)
    except BadSignature:
        return
    assert abs(parsed.time - T) <= TOLERANCE_SECONDS
