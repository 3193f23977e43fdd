"""What happens to a source over time: kills, lists that move, failures, limits, a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import BadConfiguration, Collected, Found, Progress
from agents.web.exchange import Times
from pipeline.core.watchlist import ANY_SOURCE, Alias, Watchlist, WatchObject
from tests.agents.appstore.reading import reader_of
from tests.agents.appstore.server import NOON, Server
from tests.agents.day import lives_a_day
from tests.agents.listing.checks import assert_paced, loses_nothing
from tests.agents.telegram.items import ids, last_cursor, posts, rounds


async def test_a_kill_loses_nothing(store: Server) -> None:
    made = [
        store.publish(f"отзыв {number}", at=NOON - timedelta(hours=number), country=country)
        for number in range(120)
        for country in ("ru", "kz")
    ]
    reader = reader_of(store, countries=["ru", "kz"])
    await loses_nothing(reader, [str(each.number) for each in made])


async def test_a_kill_in_the_middle_of_much_news_loses_nothing(store: Server) -> None:
    old = [store.publish(f"отзыв {number}") for number in range(10)]
    reader = reader_of(store)
    cursor = last_cursor(await reader.read())
    reader.time.move(hours=1)
    made = {str(store.publish(f"новый {number}").number) for number in range(130)}
    first_page: list[Collected] = await reader.read(
        cursor, until=lambda items: isinstance(items[-1], Progress) and items[-1].cursor is not None
    )
    assert len(ids(first_page)) == 50
    rest = await reader.read(last_cursor(first_page))
    assert set(ids(first_page)) | set(ids(rest)) == made
    assert not set(ids(rest)) & {str(each.number) for each in old}


@pytest.mark.parametrize("vanishing", [1, 3, 60])
async def test_reviews_that_vanish_between_two_pages_hide_no_other(store: Server, vanishing: int) -> None:
    made = [store.publish(f"отзыв {number}", at=NOON - timedelta(hours=number)) for number in range(300)]
    gone = made[:vanishing]

    def vanish(page: int) -> None:
        if page == 2 and store.requests.total() == 2:
            for each in gone:
                store.delete(each.number)

    store.after = vanish
    items = await reader_of(store).read()
    assert set(ids(items)) == {str(each.number) for each in made}


async def test_reviews_that_appear_between_two_pages_come_once(store: Server) -> None:
    for number in range(200):
        store.publish(f"отзыв {number}", at=NOON - timedelta(hours=number + 1))

    def appear(page: int) -> None:
        if store.requests.total() <= 3:
            store.publish(f"между {page}")

    store.after = appear
    items = await reader_of(store).read()
    assert sorted(ids(items)) == sorted(str(number) for number in store.reviews["ru", "123456789"])


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "120"}},
        {"status": 403, "text": "Forbidden"},
        {"text": "{broken", "content_type": "text/javascript"},
        {"text": "[]", "content_type": "text/javascript"},
        {"text": "", "content_type": "text/javascript"},
    ],
)
async def test_a_failure_is_counted_and_mended_later(store: Server, answer: dict[str, object]) -> None:
    made = store.publish("отзыв")
    times = 3 if answer.get("status") == 503 else 1
    store.answers = [web.Response(**answer) for _ in range(times)]  # type: ignore[arg-type]
    reader = reader_of(store)
    items = await reader.read(until=rounds(2))
    assert ids(items) == [str(made.number)]
    assert sum(reader.errors().values()) == 1


async def test_a_server_that_does_not_answer_is_tried_again(store: Server) -> None:
    made = store.publish("отзыв")
    store.hanging = 3
    reader = reader_of(store)
    reader.times = Times(total=0.1)
    items = await reader.read(until=lambda items: bool(ids(items)))
    assert ids(items) == [str(made.number)]
    assert reader.errors() == {"Unanswered": 1.0}


async def test_an_app_that_does_not_exist_is_told(store: Server) -> None:
    store.answers = [web.Response(status=404)]
    with pytest.raises(BadConfiguration, match=r"no app 123456789 in the store of ru.*HTTP 404"):
        await reader_of(store).read()


async def test_own_apps_of_the_watchlist_are_read(store: Server) -> None:
    store.publish("своё", app="987654321")
    watched = WatchObject(
        id="teplo",
        kind="brand",
        name="Тепло Банк",
        aliases=(Alias(text="Тепло Банк"),),
        accounts={"appstore": ("id987654321", "other name"), ANY_SOURCE: ("1234567",)},
    )
    reader = reader_of(store, watchlist=Watchlist((watched,)))
    reader.options = reader.options.model_copy(update={"apps": ()})
    (post,) = posts(await reader.read()).values()
    assert post.channel.own


async def test_a_period_of_the_past(store: Server) -> None:
    made = [store.publish(f"отзыв {number}", at=NOON - timedelta(days=number)) for number in range(200)]
    reader = reader_of(store)
    async with reader.web() as network:
        stream = reader.source(network).history(NOON - timedelta(days=60), NOON - timedelta(days=20), None)
        items = [item async for item in stream]
    found = [item.post.native_id for item in items if isinstance(item, Found)]
    assert sorted(found) == sorted(str(each.number) for each in made[21:61])
    assert store.requests.total() == 3, "it ends behind the period"


async def test_the_limit_is_kept(store: Server) -> None:
    for number in range(520):
        store.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    reader = reader_of(store)
    await reader.read(limited=True)
    assert len(store.times) == 20
    assert_paced(store.times, 0.3, 3)


async def test_a_day(store: Server) -> None:
    for number in range(700):
        store.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    reader = reader_of(store)

    def news(number: int) -> None:
        before = reader.time.clock() - timedelta(minutes=1)
        made = [store.publish(f"новый {number}.{each}", at=before) for each in range(7)]
        store.edit(made[0].number, text=f"иначе {number}")

    async with reader.web() as network:
        found = await lives_a_day(
            reader.source(network),
            reader.time,
            news,
            connections=lambda: store.connections,
            most_connections=1,
            largest_cursor=30_000,
        )
    plain = [each for each in found if not each.endswith("@")]
    assert len(plain) == len(set(plain)), "each once"
