"""A preview page of a channel -> what it says of the channel and its posts. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.telegram_web.parts import (
    MOST_DIGITS,
    Attached,
    attribute,
    counted,
    links_of,
    media_of,
    reactions_of,
    text_of,
)

WORDS: Final = (
    ".tgme_widget_message_text, .tgme_widget_message_poll_question, .tgme_widget_message_poll_option_text"
)
NESTED: Final = ".tgme_widget_message_text .tgme_widget_message_text"
MESSAGE: Final = ".tgme_widget_message[data-post]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A post as the page shows it; ``service``: a notice of Telegram, such as a new photo of the channel."""

    number: int
    moment: datetime | None
    text: str = ""
    service: bool = False
    edited: bool = False
    signature: str = ""
    forwarded_from: str = ""
    forwarded_url: str = ""
    reply_url: str = ""
    views: int | None = None
    reactions: dict[str, int]
    media: tuple[Attached, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a channel: its posts by number, oldest first; ``peer`` is the channel's id, 0 where not told.

    ``first``: nothing older exists.
    """

    title: str
    handle: str
    verified: bool
    followers: int | None
    peer: int
    posts: tuple[Shown, ...]
    first: bool


def page_of(html: str) -> Page | None:
    """Read a page; None where it is no preview of a channel."""
    tree = LexborHTMLParser(html)
    if tree.css_first(".tgme_channel_history, .tgme_channel_info") is None:
        return None
    nodes = tree.css(MESSAGE)
    posts = {post.number: post for node in nodes if (post := _post(node)) is not None}
    return Page(
        title=text_of(tree.css_first(".tgme_channel_info_header_title, .tgme_header_title")),
        handle=text_of(tree.css_first(".tgme_channel_info_header_username")).removeprefix("@"),
        verified=tree.css_first(".tgme_channel_info_header .verified-icon") is not None,
        followers=_followers(tree),
        peer=next((peer for node in nodes if (peer := _peer(node))), 0),
        posts=tuple(posts[number] for number in sorted(posts)),
        first=tree.css_first(".js-messages_more[data-before]") is None,
    )


def refusal(html: str) -> str:
    """What a page that is no preview says: why there is none."""
    extra = text_of(LexborHTMLParser(html).css_first(".tgme_page_extra"))
    if "member" in extra:
        return "is a group: only channels have a preview, use the agent `telegram` for it"
    if "subscriber" in extra:
        return "shows no preview: it is restricted, or its owner has turned the preview off"
    if extra.startswith("@"):
        return "is a person or a bot, not a channel"
    return "does not exist, or is private"


def _post(node: LexborNode) -> Shown | None:
    _, _, number = (node.attributes.get("data-post") or "").rpartition("/")
    if not number.isdecimal() or len(number) > MOST_DIGITS:
        return None
    forwarded = node.css_first(".tgme_widget_message_forwarded_from_name")
    info = node.css_first(".tgme_widget_message_meta")
    return Shown(
        number=int(number),
        moment=_moment(node),
        text=_words(node),
        service="service_message" in (node.attributes.get("class") or "").split(),
        edited=info is not None and "edited" in info.text().lower().split(),
        signature=text_of(node.css_first(".tgme_widget_message_from_author")),
        forwarded_from=text_of(forwarded),
        forwarded_url=attribute(forwarded, "href"),
        reply_url=attribute(node.css_first("a.tgme_widget_message_reply"), "href"),
        views=counted(text_of(node.css_first(".tgme_widget_message_views"))),
        reactions=reactions_of(node),
        media=tuple(media_of(node)),
        links=links_of(node),
    )


def _moment(node: LexborNode) -> datetime | None:
    """When it was published; durations of videos are `time` elements too, without a date."""
    for time in node.css(
        ".tgme_widget_message_date time[datetime], .tgme_widget_message_info time[datetime]"
    ):
        try:
            moment = datetime.fromisoformat(attribute(time, "datetime"))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _words(node: LexborNode) -> str:
    """The text, then the question and the answers of a poll; emoji are letters again."""
    inner = {each.mem_id for each in node.css(NESTED)}
    return "\n".join(text for each in node.css(WORDS) if each.mem_id not in inner and (text := text_of(each)))


def _followers(tree: LexborHTMLParser) -> int | None:
    for each in tree.css(".tgme_channel_info_counter"):
        if "subscriber" in each.text():
            return counted(text_of(each.css_first(".counter_value")))
    counter = text_of(tree.css_first(".tgme_header_counter"))
    return counted(counter) if "subscriber" in counter else None


def _peer(node: LexborNode) -> int:
    """The channel's id, from what the page's script tells the counter of views."""
    view = attribute(node, "data-view")
    try:
        told = json.loads(base64.urlsafe_b64decode(view + "=" * (-len(view) % 4)))
        return abs(int(told["c"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return 0
