"""Feeds as sites make them for Yandex' services, after their documentation: Dzen, Turbo pages, News."""

from __future__ import annotations

from datetime import UTC, datetime

from agents.base import Found
from agents.manual_time import NOON
from agents.rss.feed_entries import entries_of
from agents.rss.feeds import Feed
from schemas import RawPost

FEED = Feed(url="https://teplo.example/rss/dzen", source="dzen", own=True)  # type: ignore[arg-type]
DATE = "<pubDate>Sat, 21 Nov 2026 14:30:00 +0300</pubDate>"
DZEN = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"
     xmlns:atom="http://www.w3.org/2005/Atom" xmlns:georss="http://www.georss.org/georss">
<channel><title>Тепло Банк</title><link>https://teplo.example/</link><language>ru</language>
<item>
  <title>Почему не работало приложение</title>
  <link>https://teplo.example/blog/1</link>
  <pdalink>https://m.teplo.example/blog/1</pdalink>
  <guid isPermaLink="false">2fd4e1c67a2d28fced849ee1bb76e739</guid>
  {DATE}
  <media:rating scheme="urn:simple">nonadult</media:rating>
  <author>Анна Иванова</author>
  <category>format-article</category><category>index</category><category>comment-all</category>
  <enclosure url="https://teplo.example/1.jpg" type="image/jpeg"/>
  <enclosure url="https://teplo.example/1.mp4" type="video/mp4" length="1"/>
  <description><![CDATA[Коротко о сбое]]></description>
  <content:encoded><![CDATA[<p>Утром приложение <b>не открывалось</b> 😀.</p>
    <figure><img src="https://teplo.example/1.jpg"><figcaption>Отделение<span
    class="copyright">Фото: Анна</span></figcaption></figure><iframe src="https://video.example/1"></iframe>
    <p>Всё починили.</p>]]></content:encoded>
</item></channel></rss>"""
TURBO = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:yandex="http://news.yandex.ru" xmlns:media="http://search.yahoo.com/mrss/"
     xmlns:turbo="http://turbo.yandex.ru" version="2.0">
<channel><title>Тепло</title><link>https://teplo.example</link><language>ru</language>
<turbo:analytics type="Yandex" id="123456"></turbo:analytics>
<item turbo="true">
  <turbo:extendedHtml>true</turbo:extendedHtml>
  <link>https://teplo.example/news/1</link>
  <turbo:source>https://teplo.example/news/1</turbo:source><turbo:topic>Сбой</turbo:topic>
  <title>Сбой</title>{DATE}<author>Анна</author>
  <metrics><yandex schema_identifier="1"><breadcrumblist>
    <breadcrumb url="https://teplo.example" text="Домашняя"/></breadcrumblist></yandex></metrics>
  <yandex:related type="infinity"><link url="https://teplo.example/news/9">Другая</link></yandex:related>
  <turbo:content><![CDATA[<header><h1>Сбой</h1><figure><img src="https://teplo.example/1.jpg"></figure></header>
    <p>Первый абзац</p><button formaction="tel:+7(123)456-78-90">Позвонить</button>]]></turbo:content>
</item>
<item turbo="false"><link>https://teplo.example/news/2</link><title>Удалена</title>{DATE}</item>
</channel></rss>"""
NEWS = f"""<rss xmlns:yandex="http://news.yandex.ru" version="2.0"><channel><title>Вести</title>
<item><title>Банк объяснил сбой</title><link>https://vesti.example/1</link><description>Коротко</description>
<category>Экономика</category>{DATE}<yandex:genre>message</yandex:genre>
<yandex:full-text>Банк объяснил, почему переводы не проходили.</yandex:full-text></item></channel></rss>"""


def posts(document: str, feed: Feed = FEED) -> list[RawPost]:
    entries = entries_of(document.encode(), feed, collected_at=NOON, content_type="application/xml")
    return [entry.item.post for entry in entries if isinstance(entry.item, Found)]


def test_a_feed_for_dzen() -> None:
    (post,) = posts(DZEN)
    assert post.native_id == "teplo.example/rss/dzen#2fd4e1c67a2d28fced849ee1bb76e739"
    assert post.url == "https://teplo.example/blog/1"
    assert post.created_at == datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
    assert post.text.startswith("Почему не работало приложение\nУтром приложение не открывалось 😀.\n")
    assert post.text.endswith("\nВсё починили.") and "<" not in post.text
    assert post.author is not None and post.author.name == "Анна Иванова"
    assert post.channel is not None and post.channel.own and post.channel.name == "Тепло Банк"
    assert [media.kind for media in post.media] == ["image", "video"]
    assert post.extras == {"tags": ["format-article", "index", "comment-all"]}
    assert post.language == "ru"


def test_a_turbo_page_is_not_taken_for_an_article_that_it_names() -> None:
    first, second = posts(TURBO)
    assert first.native_id == first.url == "https://teplo.example/news/1"
    assert first.text.startswith("Сбой\n") and "Первый абзац" in first.text
    assert second.native_id == "https://teplo.example/news/2"


def test_a_feed_for_news_has_the_whole_text() -> None:
    (post,) = posts(NEWS)
    assert post.text == "Банк объяснил сбой\nБанк объяснил, почему переводы не проходили."
