"""What preview pages say: counts, media, forwards, replies, odd markup."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.base import Rejected
from agents.telegram_names import channel_handle
from agents.telegram_web.page import page_of, refusal
from agents.telegram_web.parts import counted
from tests.agents.telegram.items import ids, posts
from tests.agents.telegram_web import markup
from tests.agents.telegram_web.reading import Reader
from tests.agents.telegram_web.server import Server


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("1.2K", 1_200),
        ("11.1M", 11_100_000),
        ("2B", 2_000_000_000),
        ("11 123", 11_123),
        ("11\u00a0123 subscribers", 11_123),
        ("1,234", 1_234),
        ("999", 999),
        ("1.05k", 1_050),
        ("", None),
        ("много", None),
        ("1.2.3K", None),
        ("9" * 5000, 999_999_999_999_999),
    ],
)
def test_counts(text: str, number: int | None) -> None:
    assert counted(text) == number


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_numbers(text: str) -> None:
    assert counted(text) is None or counted(text) >= 0  # type: ignore[operator]


@given(st.text(max_size=200), st.text(alphabet="0123456789KMB.,/ abc", max_size=40))
def test_no_markup_breaks_the_reading_of_pages(text: str, number: str) -> None:
    page = page_of(
        f'<section class="tgme_channel_history">{text}<div class="tgme_widget_message" data-post="a/{number}"'
        f' data-view="{number}">{text}<span class="tgme_widget_message_views">{number}</span><a'
        f' class="tgme_widget_message_date"><time datetime="{number}"></time></a>{text}</div></section>'
    )
    assert page is None or all(post.number >= 0 for post in page.posts)


async def only(site: Server, **fields: Any) -> Any:
    site.publish(site.channel("TeploBank", "Тепло Банк"), **fields)
    return posts(await Reader(site, "teplobank").read())["teplobank/1"]


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (markup.photo(1), ["photo"]),
        (markup.album(1, 2, 3), ["photo"] * 3),
        (markup.VIDEO, ["video"]),
        (markup.ROUND, ["video"]),
        (markup.VOICE, ["audio"]),
        (markup.AUDIO, ["audio"]),
        (markup.STICKER, ["sticker"]),
        (markup.DOCUMENT, ["document"]),
        (markup.UNSUPPORTED, ["document"]),
        (markup.POLL, ["poll"]),
        (markup.LINK, ["link"]),
        ('<div class="tgme_widget_message_something_new">?</div>', []),
    ],
)
async def test_media_without_words(site: Server, body: str, kinds: list[str]) -> None:
    post = await only(site, body=body)
    assert [each.kind for each in post.media] == kinds
    assert post.text == ("Да или нет?\nДа\nНет" if "poll" in kinds else "")


async def test_an_album_has_the_number_of_its_first_message(site: Server) -> None:
    channel = site.channel("teplobank")
    site.publish(channel, "подпись", body=markup.album(1, 2, 3), size=3)
    site.publish(channel, "после")
    assert ids(await Reader(site, "teplobank").read()) == ["teplobank/1", "teplobank/4"]


async def test_words_are_those_of_the_author(site: Server) -> None:
    channel = site.channel("teplobank")
    site.publish(channel, "вопрос")
    quoted = markup.reply("https://t.me/teplobank/1", "чужие слова")
    site.publish(channel, "ответ", reply=quoted, body=markup.LINK)
    post = posts(await Reader(site, "teplobank").read())["teplobank/2"]
    assert (post.text, post.reply_to) == ("ответ", "telegram:teplobank/1")


async def test_emoji_links_and_reactions(site: Server) -> None:
    channel = site.channel("teplobank")
    site.publish(channel, "x", reactions=markup.REACTIONS)
    words = f'Привет {markup.EMOJI} <a href="https://example.org/1" rel="noopener">здесь</a><br/>и тут'
    site.edit(channel, 1, text=words)
    post = posts(await Reader(site, "teplobank").read())["teplobank/1"]
    assert post.text == "Привет 😀 здесь\nи тут"
    assert post.extras["links"] == ["https://example.org/1"]
    assert post.extras["reactions"] == {"paid": 12, "👍": 1500, "custom": 7}
    assert post.engagement.likes == 1519
    assert (post.revision, post.extras["edited"]) == (0, True)


@pytest.mark.parametrize(
    ("address", "repost"),
    [
        ("https://t.me/Source_News/17", "telegram:source_news/17"),
        ("https://t.me/c/1234/17", "telegram:c/1234/17"),
        ("https://t.me/petya", None),
        (None, None),
    ],
)
async def test_forwards(site: Server, address: str | None, repost: str | None) -> None:
    post = await only(site, text="переслано", forwarded=markup.forwarded("Кто-то", address))
    assert (post.kind, post.repost_of, post.extras["forwarded_from"]) == ("repost", repost, "Кто-то")


async def test_signatures(site: Server) -> None:
    post = await only(site, text="новость", signature="Анна")
    assert post.author.name == "Тепло Банк (Анна)"


async def test_notices_are_no_posts_and_no_losses(site: Server) -> None:
    channel = site.channel("teplobank")
    site.publish(channel, "Channel created", service=True)
    site.publish(channel, "первая")
    assert ids(await Reader(site, "teplobank").read()) == ["teplobank/2"]


async def test_a_post_without_a_date_is_a_dead_letter(site: Server) -> None:
    channel = site.channel("teplobank")
    site.publish(channel, "до изобретения", at=site.now - timedelta(days=12_000))
    site.publish(channel, "дальше")
    items = await Reader(site, "teplobank").read()
    assert ids(items) == ["teplobank/2"]
    assert [item.reason for item in items if isinstance(item, Rejected)] == ["implausible_time"]


@pytest.mark.parametrize(
    "html", ["", "<html>", "not html at all", "<main class='tgme_main'></main>", "\x00" * 100]
)
def test_what_is_no_preview(html: str) -> None:
    assert page_of(html) is None
    assert refusal(html) == "does not exist, or is private"


def test_a_page_without_posts() -> None:
    page = page_of('<section class="tgme_channel_history"><div data-post="x"></div></section>')
    assert page is not None
    assert (page.posts, page.first, page.followers) == ((), True, None)


@pytest.mark.parametrize("data", ['data-view="@@@"', 'data-view="bnVsbA"', 'data-view="eyJjIjoibyJ9"', ""])
def test_an_unreadable_note_of_the_channels_id(data: str) -> None:
    message = f'<div class="tgme_widget_message" data-post="a/1" {data}></div>'
    page = page_of(f'<section class="tgme_channel_history">{message}</section>')
    assert page is not None
    assert (page.peer, [post.number for post in page.posts]) == (0, [1])


@pytest.mark.parametrize(
    "name",
    [
        "Teplo_Bank",
        "@teplo_bank",
        "t.me/teplo_bank",
        "https://t.me/s/Teplo_Bank?before=3",
        "telegram.me/teplo_bank/12",
    ],
)
def test_names_of_channels(name: str) -> None:
    assert channel_handle(name) == "teplo_bank"
