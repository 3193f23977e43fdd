"""Pages in each form: what becomes of a review, its reply, news, edits, odd items."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agents.base import BadConfiguration, Rejected
from tests.agents.page.reading import options_of, reader_of
from tests.agents.page.server import NOON, Server
from tests.agents.telegram.items import ids, last_cursor, posts, rounds


async def test_a_review_of_html(site: Server) -> None:
    site.publish(
        "Карту ждал\nнеделю 😡 <&>",
        title="Долго",
        rating=2,
        photo="/p/1.jpg",
        reply="Простите!",
        date="2 часа назад",
    )
    items = await reader_of(site).read()
    assert ids(items) == ["1", "1/reply"]
    review, reply = posts(items).values()
    assert (review.id, review.kind, review.text) == ("otzyvy:1", "review", "Долго\nКарту ждал\nнеделю 😡 <&>")
    assert (review.rating, review.created_at) == (2.0, NOON - timedelta(hours=2))
    assert review.url == f"{site.url}/reviews/1"
    assert (review.author.name, review.author.id) == ("Анна", "/people/Анна")
    assert [(each.kind, each.url) for each in review.media] == [("photo", f"{site.url}/p/1.jpg")]
    assert (review.channel.id, review.channel.name) == (f"{site.url}/html/teplo", "Тепло Банк")
    assert review.channel.own
    assert (reply.kind, reply.text, reply.author.name, reply.author.own) == (
        "comment",
        "Простите!",
        "Тепло Банк",
        True,
    )
    assert reply.reply_to == reply.thread_root == "otzyvy:1"
    assert reply.created_at.date() == datetime(2026, 11, 20, tzinfo=UTC).date()


@pytest.mark.parametrize("form", ["ld", "json"])
async def test_a_review_of_data(site: Server, form: str) -> None:
    site.publish("Карту ждал неделю 😡 <&>", rating=2, reply="Простите!")
    items = await reader_of(site, form).read()
    review, reply = posts(items).values()
    assert review.text == "Карту ждал неделю 😡 <&>"
    assert (review.rating, review.created_at, review.author.name) == (2.0, NOON, "Анна")
    assert (reply.text, reply.reply_to, reply.author.own) == ("Простите!", review.id, True)


@pytest.mark.parametrize("form", ["html", "ld", "json"])
async def test_pages_then_news_an_edit_and_a_late_reply(site: Server, form: str) -> None:
    made = [site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number)) for number in range(75)]
    reader = reader_of(site, form)
    first = await reader.read()
    assert len(ids(first)) == 75
    assert sorted(post.created_at for post in posts(first).values()) == sorted(each.moment for each in made)
    site.publish("новый", at=NOON + timedelta(minutes=1))
    site.change(made[3].number, text="исправлено", rating=1)
    site.change(made[5].number, reply="Спасибо")
    reader.time.move(minutes=30)
    before = site.requests.total()
    second = await reader.read(last_cursor(first))
    assert site.requests.total() - before == 3, "robots.txt, the page with news, the next one"
    assert len(ids(second)) == 3
    (edited,) = (post for post in posts(second).values() if post.revision)
    assert (edited.text, edited.rating, edited.created_at) == ("исправлено", 1.0, made[3].moment)
    assert edited.revision == int(edited.collected_at.timestamp() * 1000)
    assert ids(await reader.read(last_cursor(second))) == []


async def test_an_edit_far_behind_is_found_by_a_sweep(site: Server) -> None:
    made = [site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number)) for number in range(75)]
    reader = reader_of(site)
    cursor = last_cursor(await reader.read())
    site.change(made[70].number, text="иначе")
    assert ids(await reader.read(cursor)) == []
    reader.time.move(days=1)
    assert ids(await reader.read(cursor)) == [f"{made[70].number}@"]


async def test_a_page_that_has_not_changed_is_not_sent_again(site: Server) -> None:
    site.etags = True
    site.publish("отзыв")
    reader = reader_of(site)
    await reader.read(until=rounds(4))
    assert site.requests["not modified"] == 3


async def test_a_relative_date_stays_what_it_was(site: Server) -> None:
    made = site.publish("отзыв", date="2 часа назад")
    reader = reader_of(site)
    cursor = last_cursor(await reader.read())
    reader.time.move(hours=1)
    site.change(made.number, date="3 часа назад")
    assert ids(await reader.read(cursor)) == []
    site.change(made.number, text="иначе")
    (edited,) = posts(await reader.read(cursor)).values()
    assert edited.created_at == NOON - timedelta(hours=2)


async def test_without_ids_a_hash_tells_items_apart(site: Server) -> None:
    site.publish("Отлично!")
    site.publish("Отлично!", author="Иван")
    site.publish("Ужасно!")
    fields = {"text": ".review__text", "author": ".review__author", "date": ".review__date"}
    reader = reader_of(site, fields=fields)
    items = await reader.read()
    assert len(set(ids(items))) == 3
    assert all(each.startswith("sha256-") for each in ids(items))
    assert ids(await reader.read(last_cursor(items))) == []


async def test_odd_items(site: Server) -> None:
    site.publish("", author="", rating=3, photo="//cdn.example.org/1.jpg")
    site.publish("без даты", date="когда-то")
    reader = reader_of(site)
    items = await reader.read()
    (rejected,) = (item for item in items if isinstance(item, Rejected))
    assert "когда-то" in rejected.detail
    (post,) = posts(items).values()
    assert (post.text, post.author, post.rating) == ("", None, 3.0)
    assert post.media[0].url == "http://cdn.example.org/1.jpg"
    again = await reader.read(last_cursor(items))
    assert not [item for item in again if isinstance(item, Rejected)]


async def test_an_old_charset_that_only_the_page_names(site: Server) -> None:
    site.charset = "windows-1251"
    site.publish("Всё хорошо")
    (post,) = posts(await reader_of(site).read()).values()
    assert post.text == "Всё хорошо"


async def test_numbered_pages(site: Server) -> None:
    for number in range(45):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    address = {"url": f"{site.url}/html/teplo?page={{page}}", "name": "Тепло Банк"}
    reader = reader_of(site, "html", address, next=None)
    items = await reader.read()
    assert len(ids(items)) == 45
    assert posts(items)["1"].channel.id == f"{site.url}/html/teplo?page={{page}}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"item": "article["}, "is no CSS selector"),
        ({"item": "article >"}, "is no CSS selector"),
        ({"fields": {"text": "::"}}, "is no CSS selector"),
        ({"format": "json", "item": "data..reviews"}, "is no JMESPath"),
        ({"zone": "Moscow"}, "no time zone"),
        ({"fields": {}}, "write where the items stand"),
        ({"format": "json-ld"}, "needs no selectors"),
        ({"source": "a b"}, "pattern"),
    ],
)
async def test_mistakes_in_options(site: Server, given: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        options_of(site, **given)  # type: ignore[arg-type]


async def test_an_empty_list_is_told_apart_from_a_changed_page(site: Server) -> None:
    site.lists["teplo"] = {}
    with pytest.raises(BadConfiguration, match="finds nothing: has the page changed"):
        await reader_of(site).read()
    assert ids(await reader_of(site, empty="p.nothing").read()) == []


async def test_a_layout_that_changes_is_told(site: Server) -> None:
    for number in range(8):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    reader = reader_of(site)
    cursor = last_cursor(await reader.read())
    site.item_class = "opinion"
    with pytest.raises(BadConfiguration, match="finds nothing: has the page changed"):
        await reader.read(cursor)
    assert reader.errors() == {"LayoutChanged": 1.0}


@pytest.mark.parametrize("name", ["id", "date", "text", "rating", "author"])
async def test_a_field_that_no_item_has_is_told(site: Server, name: str) -> None:
    for number in range(8):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    reader = reader_of(site)
    fields = reader.options.fields.model_dump() | {name: ".gone @x"}  # type: ignore[attr-defined]
    with pytest.raises(BadConfiguration, match=f"none of the 8 items has its `{name}`"):
        await reader_of(site, fields={key: value for key, value in fields.items() if value}).read()
