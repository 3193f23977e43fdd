"""Reviews of own apps by App Store Connect: fields, replies, edits, access, failures, limits, a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import BadConfiguration, Rejected
from tests.agents.appstore_connect.reading import reader_of
from tests.agents.appstore_connect.server import NOON, Server, error
from tests.agents.day import lives_a_day
from tests.agents.listing.checks import assert_paced, loses_nothing
from tests.agents.telegram.items import ids, last_cursor, posts


async def test_a_review_and_the_reply_to_it(apple: Server) -> None:
    made = apple.publish("Всё упало 😡 <&>", title="Плохо", rating=1, reply="Чиним")
    apple.publish("ждёт", reply="ещё не вышло", state="PENDING_PUBLISH", at=NOON - timedelta(hours=1))
    items = await reader_of(apple).read()
    assert ids(items)[1:] == [made.number, f"{made.number}/reply"]
    _, review, reply = posts(items).values()
    assert (review.source, review.text, review.rating) == ("appstore", "Плохо\nВсё упало 😡 <&>", 1.0)
    assert (review.created_at, review.extras) == (NOON, {"country": "RUS"})
    assert (review.channel.name, review.channel.own, review.author.name) == ("Тепло Банк", True, "Анна")
    assert (reply.kind, reply.text, reply.author.own) == ("comment", "Чиним", True)
    assert reply.reply_to == reply.thread_root == f"appstore:{made.number}"


async def test_edits_and_late_replies_are_found_by_a_sweep(apple: Server) -> None:
    made = [apple.publish(f"отзыв {number}", at=NOON - timedelta(hours=number)) for number in range(450)]
    reader = reader_of(apple)
    cursor = last_cursor(await reader.read())
    reader.time.move(hours=1)
    apple.change(made[300].number, text="иначе", reply="Спасибо", replied=reader.time.clock())
    assert ids(await reader.read(cursor)) == []
    reader.time.move(hours=6)
    items = await reader.read(cursor)
    assert sorted(ids(items)) == sorted([f"{made[300].number}@", f"{made[300].number}/reply"])
    assert posts(items)[made[300].number].created_at == made[300].created


async def test_odd_reviews(apple: Server) -> None:
    apple.publish("", author="", rating=3, more=(("unknown", 1), ("territory", None)))
    apple.publish("без даты", more=(("createdDate", "вчера"),))
    apple.publish("странный", more=(("rating", "5"), ("title", None)))
    reader = reader_of(apple)
    items = await reader.read()
    assert len([item for item in items if isinstance(item, Rejected)]) == 1
    empty, strange = (post for _, post in sorted(posts(items).items()))
    assert (empty.text, empty.author, empty.rating) == ("", None, 3.0)
    assert (strange.text, strange.rating) == ("странный", None)


async def test_a_kill_loses_nothing(apple: Server) -> None:
    made = [apple.publish(f"отзыв {number}", at=NOON - timedelta(minutes=number)) for number in range(450)]
    await loses_nothing(reader_of(apple), [each.number for each in made])


async def test_reviews_that_vanish_between_pages_hide_no_other(apple: Server) -> None:
    made = [apple.publish(f"отзыв {number}", at=NOON - timedelta(minutes=number)) for number in range(450)]

    def vanish(start: int) -> None:
        if apple.requests["reviews"] == 1:
            for each in made[:5]:
                apple.delete(each.number)

    apple.after = vanish
    assert {each.number for each in made} == set(ids(await reader_of(apple).read()))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(401, "NOT_AUTHORIZED", "Provide a signed token."), "signed token.*check `key`"),
        (error(403, "FORBIDDEN_ERROR", "The API key in use does not allow this request"), "Customer Support"),
        (error(404, "NOT_FOUND", "There is no resource"), "no such app in the account"),
    ],
)
async def test_what_the_credentials_lack_is_told(apple: Server, answer: web.Response, told: str) -> None:
    apple.answers = [answer]
    with pytest.raises(BadConfiguration, match=told):
        await reader_of(apple).read()


async def test_a_key_that_is_none_is_told_and_not_shown(apple: Server) -> None:
    with pytest.raises(BadConfiguration, match=r"AuthKey_\.\.\.\.p8") as caught:
        await reader_of(apple, key="-----BEGIN SECRET-----").read()
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "60"}},
        {"status": 400, "text": "{}"},
        {"text": "{broken"},
        {"text": '{"data": {}}'},
    ],
)
async def test_a_failure_is_counted_and_mended_later(apple: Server, answer: dict[str, object]) -> None:
    apple.publish("отзыв")
    times = 3 if answer.get("status") == 503 else 1
    apple.answers = [web.Response(**answer) for _ in range(times)]  # type: ignore[arg-type]
    reader = reader_of(apple)
    items = await reader.read(until=lambda items: bool(ids(items)))
    assert len(ids(items)) == 1
    assert sum(reader.errors().values()) == 1


async def test_the_limit_is_kept(apple: Server) -> None:
    for number in range(1500):
        apple.publish(f"отзыв {number}", at=NOON - timedelta(minutes=number))
    await reader_of(apple).read(limited=True)
    assert len(apple.times) == 16
    assert_paced(apple.times, 0.5, 5)


async def test_a_day(apple: Server) -> None:
    reader = reader_of(apple)

    def news(number: int) -> None:
        made = [apple.publish(f"новый {number}.{each}", rating=4) for each in range(5)]
        apple.change(made[0].number, reply="Спасибо", replied=reader.time.clock())
        apple.change(made[1].number, text=f"иначе {number}")

    async with reader.web() as network:
        found = await lives_a_day(
            reader.source(network),
            reader.time,
            news,
            connections=lambda: apple.connections,
            most_connections=1,
            largest_cursor=138_500,
        )
    plain = [each for each in found if not each.endswith("@")]
    assert len(plain) == len(set(plain)), "each once"
