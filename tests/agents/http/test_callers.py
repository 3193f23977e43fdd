"""Who may post what: tokens and their scopes, the file of callers and its mistakes, revocation."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.base import BadConfiguration
from agents.http.access import Access
from agents.http.callers import Caller, Callers, CallersFile, Rights, parse_callers
from agents.http.service import keep_callers
from agents.manual_time import NOON, ManualTime
from agents.options import Lookup
from pipeline.metrics import Metrics
from pipeline.topics import DEAD_LETTERS, DELETED, RAW
from tests.agents.http.serving import encoded, row, served
from tests.agents.memory_publisher import MemoryPublisher

CRM, SHOP = "token-of-the-crm", "token-of-the-shop"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


CALLERS = (
    Caller(name="crm", token_sha256=(digest(CRM),), sources=("crm",), kinds=("post", "comment")),
    Caller(name="shop", token_sha256=(digest(SHOP),), sources=("shop-*", "forum"), may_delete=True),
)


async def test_a_token_posts_for_its_sources_and_kinds_only(publisher: MemoryPublisher) -> None:
    body = encoded(row(1), row(2, source="shop-a"), row(3, kind="review"), row(4, kind="comment"))
    async with served(publisher, callers=CALLERS) as client:
        status, answer = await client.post(body, token=CRM)
    assert (status, answer["accepted"], answer["rejected"]) == (202, 2, 2)
    assert [(v["status"], v.get("reason")) for v in answer["verdicts"]] == [
        ("accepted", None),
        ("rejected", "forbidden"),
        ("rejected", "forbidden"),
        ("accepted", None),
    ]
    assert answer["verdicts"][1]["detail"] == "crm may not post for the source shop-a"
    assert answer["verdicts"][2]["detail"] == "crm may not post a review"
    assert [record.event_id for record in publisher.of(RAW)] == ["crm:1", "crm:4"]
    assert publisher.of(DEAD_LETTERS) == [], "what is forbidden is kept nowhere"


async def test_where_only_rights_lack_the_answer_is_403(publisher: MemoryPublisher) -> None:
    async with served(publisher, callers=CALLERS) as client:
        assert (await client.post(encoded(row(1)), token=SHOP))[0] == 403
        assert (await client.post(encoded(row(1), {"id": "2"}), token=SHOP))[0] == 422
        assert (await client.post(encoded(row(1, source="shop-17")), token=SHOP))[0] == 202
        assert (await client.post(encoded(row(1, source="forum")), token=SHOP))[0] == 202
        assert (await client.post(encoded(row(1, source="forum2")), token=SHOP))[0] == 403


async def test_the_right_to_delete_is_one_of_its_own(publisher: MemoryPublisher) -> None:
    async with served(publisher, callers=CALLERS) as client:
        gone = encoded({"deleted": True, "id": "1", "source": "crm"})
        assert (await client.post(gone, token=CRM))[0] == 403
        assert (await client.post(gone, token=SHOP))[0] == 403, "nor posts of others"
        status, _ = await client.post(encoded({"deleted": True, "id": "1", "source": "forum"}), token=SHOP)
        assert status == 202
        assert (await client.post(gone))[0] == 202, "the token of MOLVA_HTTP_TOKEN may everything"
    assert [record.key for record in publisher.of(DELETED)] == ["forum:1", "crm:1"]


async def test_rows_without_a_source_are_of_the_only_one_of_their_caller(publisher: MemoryPublisher) -> None:
    bare = {name: value for name, value in row(1).items() if name != "source"}
    async with served(publisher, callers=CALLERS) as client:
        assert (await client.post(encoded(bare), token=CRM))[0] == 202
        assert (await client.post(encoded(bare), token=SHOP))[0] == 403
        assert (await client.post(encoded(bare)))[0] == 202
    assert [record.event_id for record in publisher.of(RAW)] == ["crm:1", "http:1"]


async def test_a_token_expires_and_its_last_use_is_told(publisher: MemoryPublisher, metrics: Metrics) -> None:
    time = ManualTime()
    short = Caller(
        name="guest", token_sha256=(digest("g"),), sources=("*",), expires=NOON + timedelta(hours=1)
    )
    async with served(publisher, metrics, callers=(short,), time=time) as client:
        assert (await client.post(encoded(row(1)), token="g"))[0] == 202
        time.move(hours=1)
        status, answer = await client.post(encoded(row(1)), token="g")
        assert (status, answer["error"]) == (401, "unauthorized")
        assert client.headers["WWW-Authenticate"] == 'Bearer realm="molva"'
    name = "molva_http_caller_last_use_timestamp_seconds"
    assert metrics.registry.get_sample_value(name, {"caller": "guest"}) == NOON.timestamp()


def test_every_token_is_compared_and_the_right_one_found(monkeypatch: pytest.MonkeyPatch) -> None:
    compared, real = Counter[bool](), hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        compared[found := real(one, other)] += 1
        return found

    monkeypatch.setattr(hmac, "compare_digest", counting)
    many = Callers(Caller(name=f"c{n}", token_sha256=(digest(f"t{n}"),), sources=("*",)) for n in range(50))
    for number in (0, 25, 49):
        found = many.by_token(f"t{number}".encode(), NOON)
        assert found is not None and found.name == f"c{number}"
    assert compared == {True: 3, False: 147}, "all fifty each time, wherever the right one stands"
    for wrong in (b"", b"t", b"t50", digest("t0").encode(), b"\xff\xfe"):
        assert many.by_token(wrong, NOON) is None


def test_patterns_of_sources() -> None:
    rights = Rights(Caller(name="a", token_sha256=(digest("x"),), sources=("crm", "shop-*")))
    assert all(map(rights.owns, ("crm", "shop-1", "shop-")))
    assert not any(map(rights.owns, ("shop", "crm2", "")))


FILE = f"""
callers:
  - name: crm
    token_sha256: {digest(CRM)}
    sources: [crm]
    kinds: [post]
  - name: forum
    secrets: [env:FORUM_SECRET]
    sources: forum
    may_delete: true
    expires: 2027-01-01
"""
SECRET = "a-secret-of-at-least-24-characters"


def test_the_file() -> None:
    crm, forum = parse_callers(FILE, "callers.yaml", Lookup({"FORUM_SECRET": SECRET}))
    assert (crm.name, crm.sources, crm.kinds, crm.may_delete) == ("crm", ("crm",), ("post",), False)
    assert forum.secrets[0].get_secret_value() == SECRET and forum.may_delete
    assert forum.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert SECRET not in repr(forum)


ONE = f"  - {{name: a, token_sha256: {digest('a')}, sources: [x]}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("callers: []", "f:1: write `callers:` and under it a list"),
        ("posts: 1", "f:1: write `callers:`"),
        (f"callers:\n{ONE}more: 1", "f:3: unknown key `more`"),
        ("callers:\n  - just text", "f:2:"),
        ("callers:\n  - {name: a, sources: [x]}", "f:2: callers.0: give `token_sha256` or `secrets`"),
        ("callers:\n  - {name: a, token_sha256: open-sesame, sources: [x]}", "f:2: callers.0.token_sha256"),
        (f"callers:\n{ONE}  - {{name: b, token_sha256: {digest('a')}, sources: [x]}}", "f:3: another caller"),
        (f"callers:\n{ONE}{ONE}", "f:3: another caller is called a"),
        (f"callers:\n  - {{name: a, token_sha256: {digest('')}, sources: [x]}}", "hash of an empty token"),
        (f"callers:\n  - {{name: a, token_sha256: {digest('a')}, sources: []}}", "f:2: callers.0.sources"),
        (f"callers:\n  - {{name: a, token_sha256: {digest('a')}, sources: ['a:b']}}", "callers.0.sources.0"),
        (f"callers:\n  - {{name: a, token_sha256: {digest('a')}, sources: [x], kinds: [all]}}", "kinds.0"),
        ("callers:\n  - {name: a, secrets: written-out, sources: [x]}", "holds a secret: write `env:NAME`"),
        ("callers:\n  - {name: a, secrets: 'env:NONE', sources: [x]}", "NONE is not set"),
        ("callers:\n  - {name: a, secrets: 'env:WEAK', sources: [x]}", "at least 24 characters"),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, told: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse_callers(text, "f", Lookup({"WEAK": "short"}))
    assert told in str(caught.value)
    assert "written-out" not in str(caught.value) and "short" not in str(caught.value)


class Ticks:
    """Lets `keep_callers` look once at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(0)
        self._looked = asyncio.Event()

    async def sleep(self, _: float) -> None:
        self._looked.set()
        await self._turn.acquire()

    async def look(self) -> None:
        self._looked.clear()
        self._turn.release()
        await asyncio.wait_for(self._looked.wait(), 10)


def written(path: Path, *tokens: str, secret: str = "") -> None:
    rows: list[dict[str, Any]] = [
        {"name": f"c-{token}", "token_sha256": digest(token), "sources": ["*"]} for token in tokens
    ]
    if secret:
        rows.append({"name": "signer", "secrets": [f"file:{secret}"], "sources": ["*"]})
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"callers": rows}))
    os.replace(fresh, path)  # noqa: PTH105 - as an editor does


async def test_a_token_is_revoked_while_it_runs_and_a_broken_file_changes_nothing(
    tmp_path: Path, publisher: MemoryPublisher, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "callers.yaml"
    written(path, "first", "second")
    file, ticks, time = CallersFile(path, {}), Ticks(), ManualTime()
    access = Access("", metrics, clock=time.clock, callers=file.read())
    keeping = asyncio.ensure_future(keep_callers(access, file, metrics, ticks.sleep))
    unread = "molva_http_callers_unread"
    async with served(publisher, metrics, access=access) as client:

        async def works(token: str) -> bool:
            return (await client.post(encoded(row(1)), token=token))[0] == 202

        await ticks.look()
        assert await works("first") and await works("second")
        written(path, "second", "third")
        await ticks.look()
        assert [await works(each) for each in ("first", "second", "third")] == [False, True, True]
        path.write_text("callers: [")
        with caplog.at_level(logging.ERROR, "molva.agent"):
            await ticks.look()
        assert "who might post before still may" in caplog.text and await works("third")
        assert metrics.registry.get_sample_value(unread) == 1
        path.unlink()
        await ticks.look()
        assert await works("third"), "a file that is being replaced revokes nothing"
        (tmp_path / "s").write_text(SECRET)
        written(path, "third", secret="s")
        await ticks.look()
        assert metrics.registry.get_sample_value(unread) == 0
        (tmp_path / "s").write_text("another-secret-of-many-characters")
        assert file.changed(), "a file of secrets that changes is read again, too"
    keeping.cancel()


def test_the_example_can_be_read() -> None:
    example = Path(__file__).resolve().parents[3] / "examples/callers.example.yaml"
    text = example.read_text(encoding="utf-8")
    known = {"FORUM_SECRET": SECRET, "FORUM_SECRET_BEFORE": SECRET}
    assert [caller.name for caller in parse_callers(text, "example", Lookup(known))] == ["crm", "forum"]
    assert len(parse_callers(text, "example", Lookup(complete=False))) == 2, "also where no secret is at hand"
