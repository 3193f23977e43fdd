"""Reviews of own apps by Google's API: fields, replies, edits, access, failures, limits, a day."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import BadConfiguration, Found, Rejected
from tests.agents.day import lives_a_day
from tests.agents.googleplay.reading import reader_of
from tests.agents.googleplay.server import APP, NOON, Server, error
from tests.agents.listing.checks import assert_paced, loses_nothing
from tests.agents.telegram.items import ids, last_cursor, posts

MOMENT = NOON + timedelta(milliseconds=5)


async def test_a_review_and_the_reply_to_it(google: Server) -> None:
    made = google.publish("Заголовок\tВсё упало 😡 <&>", rating=1, reply="Чиним", replied=NOON)
    items = await reader_of(google).read()
    assert ids(items) == [made.number, f"{made.number}/reply"]
    review, reply = posts(items).values()
    assert (review.source, review.kind, review.rating) == ("googleplay", "review", 1.0)
    assert review.text == "Заголовок\nВсё упало 😡 <&>"
    assert (review.created_at, review.language, review.engagement.likes) == (MOMENT, "ru", 2)
    assert review.extras == {
        "app_version": "7.1.0",
        "app_version_code": 7010,
        "android": 33,
        "device": "a52q",
        "device_name": "a52q (Galaxy A52)",
        "device_maker": "Samsung",
        "dislikes": 1,
    }
    assert (review.channel.id, review.channel.name, review.channel.own) == (APP, "Тепло Банк", True)
    assert (review.author.name, review.author.own) == ("Анна", False)
    assert (reply.kind, reply.text, reply.author.own) == ("comment", "Чиним", True)
    assert reply.reply_to == reply.thread_root == f"googleplay:{made.number}"


async def test_edits_of_reviews_and_replies(google: Server) -> None:
    made = google.publish("было", rating=1, at=NOON - timedelta(days=1))
    google.publish("другой")
    reader = reader_of(google)
    cursor = last_cursor(await reader.read())
    reader.time.move(hours=1)
    google.edit(made.number, text="стало", rating=5)
    google.reply(made.number, "Спасибо")
    second = await reader.read(cursor)
    assert ids(second) == [f"{made.number}@", f"{made.number}/reply"]
    edited = posts(second)[made.number]
    assert (edited.rating, edited.created_at) == (5.0, MOMENT - timedelta(days=1))
    assert edited.edited_at == MOMENT + timedelta(hours=1)
    reader.time.move(hours=1)
    google.reply(made.number, "Большое спасибо")
    assert ids(await reader.read(last_cursor(second))) == [f"{made.number}/reply@"]


async def test_odd_reviews(google: Server) -> None:
    google.publish("", author="", rating=3, more=(("unknown", {}), ("deviceMetadata", None)))
    google.publish("без даты", more=(("lastModified", None),))
    google.publish("перевод", more=(("originalText", "оригинал"), ("starRating", 9), ("thumbsUpCount", -1)))
    reader = reader_of(google)
    items = await reader.read()
    (rejected,) = (item for item in items if isinstance(item, Rejected))
    assert rejected.reason == "invalid"
    empty, translated = (post for _, post in sorted(posts(items).items()))
    assert (empty.text, empty.author, empty.rating) == ("", None, 3.0)
    assert (translated.text, translated.rating, translated.engagement.likes) == ("оригинал", None, None)
    assert not [item for item in await reader.read(last_cursor(items)) if isinstance(item, Rejected)]


async def test_a_kill_loses_nothing(google: Server) -> None:
    made = [google.publish(f"отзыв {number}", at=NOON - timedelta(minutes=number)) for number in range(250)]
    await loses_nothing(reader_of(google), [each.number for each in made])


async def test_reviews_that_vanish_or_appear_between_pages(google: Server) -> None:
    made = [google.publish(f"отзыв {number}", at=NOON - timedelta(minutes=number)) for number in range(250)]

    def shift(start: int) -> None:
        if google.requests["reviews"] == 2:
            for each in made[:5]:
                google.delete(each.number)
        if google.requests["reviews"] == 4:
            google.publish("между")

    google.after = shift
    found = ids(await reader_of(google).read())
    assert {each.number for each in made} <= set(found)
    assert len(found) == len(set(found)) == 251


async def test_a_token_is_renewed_and_one_that_is_refused_replaced(google: Server) -> None:
    google.publish("отзыв")
    reader = reader_of(google)
    end = NOON + timedelta(hours=5)
    await reader.read(until=lambda items: reader.time.clock() >= end)
    assert google.requests["sign in"] in (5, 6)
    before = google.requests["sign in"]

    def revoke(start: int) -> None:
        google.tokens.clear()
        google.after = lambda start: None

    google.after = revoke
    end = reader.time.clock() + timedelta(hours=0.5)
    await reader.read(until=lambda items: reader.time.clock() >= end)
    assert google.requests["sign in"] == before + 2
    assert reader.errors() == {}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(403, "The caller does not have permission", "forbidden"), "does not have permission.*enable"),
        (error(404, "Package not found: ru.teplo.bank.", "notFound"), "no such app"),
    ],
)
async def test_what_the_credentials_lack_is_told(google: Server, answer: web.Response, told: str) -> None:
    google.answers = [answer]
    with pytest.raises(BadConfiguration, match=told):
        await reader_of(google).read()


async def test_a_key_that_is_not_taken_or_is_none(google: Server) -> None:
    google.revoked = True
    with pytest.raises(BadConfiguration, match="invalid_grant: Invalid JWT Signature"):
        await reader_of(google).read()
    broken = json.dumps({"client_email": "a@b", "private_key": "-----BEGIN SECRET-----"})
    for key in ("secret", "[]", broken):
        with pytest.raises(BadConfiguration, match="credentials") as caught:
            await reader_of(google, key=key).read()
        assert "SECRET" not in str(caught.value)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "60"}},
        {"status": 403, "text": json.dumps({"error": {"errors": [{"reason": "quotaExceeded"}]}})},
        {"status": 400, "text": "{}"},
        {"text": "{broken"},
        {"text": "[]"},
        {"text": '{"reviews": {}}'},
    ],
)
async def test_a_failure_is_counted_and_mended_later(google: Server, answer: dict[str, object]) -> None:
    google.publish("отзыв")
    times = 3 if answer.get("status") == 503 else 1
    google.answers = [web.Response(**answer) for _ in range(times)]  # type: ignore[arg-type]
    reader = reader_of(google)
    items = await reader.read(until=lambda items: bool(ids(items)))
    assert len(ids(items)) == 1
    assert sum(reader.errors().values()) == 1


async def test_less_than_two_hundred_requests_in_an_hour(google: Server) -> None:
    for number in range(1500):
        google.publish(f"отзыв {number}", at=NOON - timedelta(minutes=number))
    reader = reader_of(google)
    end = NOON + timedelta(hours=6)
    await reader.read(until=lambda items: reader.time.clock() >= end, limited=True)
    assert len(google.times) > 60
    assert_paced(google.times, 0.05, 10)
    for moment in google.times:
        assert sum(moment <= each < moment + timedelta(hours=1) for each in google.times) <= 200


async def test_a_period_of_the_past(google: Server) -> None:
    made = [google.publish(f"отзыв {number}", at=NOON - timedelta(hours=number)) for number in range(150)]
    reader = reader_of(google)
    async with reader.web() as network:
        stream = reader.source(network).history(NOON - timedelta(days=3), NOON - timedelta(days=2), None)
        found = [item.post.native_id async for item in stream if isinstance(item, Found)]
    assert sorted(found) == sorted(each.number for each in made[49:73])


async def test_a_day(google: Server) -> None:
    reader = reader_of(google)

    def news(number: int) -> None:
        made = [google.publish(f"новый {number}.{each}") for each in range(9)]
        google.reply(made[0].number, "Спасибо")
        google.edit(made[1].number, text=f"иначе {number}")

    async with reader.web() as network:
        found = await lives_a_day(
            reader.source(network),
            reader.time,
            news,
            connections=lambda: google.connections,
            most_connections=1,
            largest_cursor=138_500,
        )
    plain = [each for each in found if not each.endswith("@")]
    assert len(plain) == len(set(plain)), "each once"
