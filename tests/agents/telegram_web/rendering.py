"""Channels and posts -> preview pages, of the shape that Telegram's have."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Post:
    """A post on a page; ``body`` is markup of media, ``size`` how many numbers an album takes."""

    number: int
    moment: datetime
    text: str = ""
    body: str = ""
    edited: bool = False
    service: bool = False
    signature: str = ""
    forwarded: str = ""
    reply: str = ""
    views: str = "1.2K"
    reactions: str = ""


@dataclass
class Channel:
    handle: str
    title: str
    peer: int
    kind: str = "channel"
    """``channel``, ``group``, ``closed`` (no preview) or ``person``."""
    followers: str = "11.1K"
    posts: dict[int, Post] = field(default_factory=dict)
    newest: int = 0


def _div(classes: str, inside: str, **data: str) -> str:
    attributes = "".join(f' data-{name}="{value}"' for name, value in data.items())
    return f'<div class="{classes}"{attributes}>{inside}</div>'


def rendered(channel: Channel, posts: list[Post], *, more: bool) -> str:
    """A page of the channel with these posts."""
    before = posts[0].number if posts else 0
    address = f"/s/{channel.handle}?before={before}"
    older = f'<a href="{address}" class="tme_messages_more js-messages_more" data-before="{before}"></a>'
    link = _div("tgme_widget_message_centered js-messages_more_wrap", older) if more else ""
    history = link + "".join(_message(channel, post) for post in posts)
    counter = _div("tgme_header_counter", f"{channel.followers} subscribers")
    title = _div("tgme_header_title", f'<span dir="auto">{channel.title}</span>')
    return f"""<!DOCTYPE html><html><head><title>{channel.title} – Telegram</title></head>
<body class="widget_frame_base tgme_webpreview emoji_image">
<header class="tgme_header search_collapsed">{title}{counter}</header>
<main class="tgme_main" data-url="/{channel.handle}">{_info(channel)}
<section class="tgme_channel_history js-message_history">{history}</section></main></body></html>"""


def _info(channel: Channel) -> str:
    name = f'<a href="https://t.me/{channel.handle}">@{channel.handle}</a>'
    header = _div("tgme_channel_info_header_title", f'<span dir="auto">{channel.title}</span>')
    header += _div("tgme_channel_info_header_username", name)
    counters = "".join(
        _div(
            "tgme_channel_info_counter",
            f'<span class="counter_value">{value}</span> <span class="counter_type">{kind}</span>',
        )
        for value, kind in ((channel.followers, "subscribers"), ("5", "photos"))
    )
    inside = _div("tgme_channel_info_header", header) + _div("tgme_channel_info_counters", counters)
    return _div("tgme_channel_info", inside)


def _message(channel: Channel, post: Post) -> str:
    told = json.dumps({"c": -channel.peer, "p": post.number, "t": 1}).encode()
    view = base64.urlsafe_b64encode(told).decode().rstrip("=")
    service = " service_message" if post.service else ""
    text = _div("tgme_widget_message_text js-message_text", post.text) if post.text else ""
    owner = (
        f'<a class="tgme_widget_message_owner_name" href="https://t.me/{channel.handle}">{channel.title}</a>'
    )
    bubble = _div("tgme_widget_message_author accent_color", owner)
    bubble += post.forwarded + post.reply + post.body + text + post.reactions
    bubble += _div("tgme_widget_message_footer compact js-message_footer", _footer(channel, post))
    message = _div(
        f"tgme_widget_message text_not_supported_wrap{service} js-widget_message",
        _div("tgme_widget_message_bubble", bubble),
        post=f"{channel.handle}/{post.number}",
        view=view,
    )
    return _div("tgme_widget_message_wrap js-widget_message_wrap", message)


def _footer(channel: Channel, post: Post) -> str:
    time = f'<time datetime="{post.moment.isoformat()}" class="time">12:00</time>'
    address = f"https://t.me/{channel.handle}/{post.number}"
    signed = f'<span class="tgme_widget_message_from_author" dir="auto">{post.signature}</span>, '
    meta = "edited &nbsp;" if post.edited else ""
    meta += signed if post.signature else ""
    meta += f'<a class="tgme_widget_message_date" href="{address}">{time}</a>'
    views = f'<span class="tgme_widget_message_views">{post.views}</span><span class="copyonly"> views</span>'
    inside = f'{views}<span class="tgme_widget_message_meta">{meta}</span>'
    return _div("tgme_widget_message_info short js-message_info", inside)
