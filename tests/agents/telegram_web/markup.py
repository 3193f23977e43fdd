"""Pieces of the markup of preview pages: what may stand in a post."""

from __future__ import annotations


def _tag(name: str, classes: str, inside: str = "", **attributes: str) -> str:
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<{name} class="{classes}"{given}>{inside}</{name}>'


def _picture(name: str) -> str:
    return f"background-image:url('https://cdn4.example/file/{name}')"


def photo(number: int) -> str:
    inside = _tag("div", "tgme_widget_message_photo", style="padding-top:56%")
    classes = f"tgme_widget_message_photo_wrap {number}00 {number}01"
    style = f"width:800px;{_picture(f'{number}.jpg')}"
    return _tag("a", classes, inside, href=f"https://t.me/teplobank/{number}", style=style)


def album(*numbers: int) -> str:
    classes = "tgme_widget_message_photo_wrap grouped_media_wrap blured js-message_photo"
    parts = "".join(
        _tag("a", classes, href=f"https://t.me/teplobank/{number}?single", style=_picture(f"{number}.jpg"))
        for number in numbers
    )
    layer = _tag("div", "tgme_widget_message_grouped_layer js-message_grouped_layer", parts)
    whole = _tag("div", "tgme_widget_message_grouped js-message_grouped", layer)
    return _tag("div", "tgme_widget_message_grouped_wrap js-message_grouped_wrap", whole)


VIDEO = _tag(
    "a",
    "tgme_widget_message_video_player js-message_video_player",
    _tag("i", "tgme_widget_message_video_thumb", style=_picture("t.jpg"))
    + _tag("time", "message_video_duration js-message_video_duration", "0:15"),
    href="https://t.me/teplobank/1",
)
ROUND = _tag("div", "tgme_widget_message_roundvideo_player", _tag("video", "tgme_widget_message_roundvideo"))
VOICE = _tag("a", "tgme_widget_message_voice_player", _tag("audio", "tgme_widget_message_voice"))
STICKER = _tag(
    "div",
    "tgme_widget_message_sticker_wrap",
    _tag("i", "tgme_widget_message_sticker js-sticker_image", style=_picture("s.webp")),
)


def _file(icon: str, title: str) -> str:
    inside = _tag("div", "tgme_widget_message_document_title accent_color", title, dir="auto")
    inside += _tag("div", "tgme_widget_message_document_extra", "1.2 MB", dir="auto")
    whole = _tag("div", icon) + _tag("div", "tgme_widget_message_document", inside)
    return _tag("a", "tgme_widget_message_document_wrap", whole, href="#")


DOCUMENT = _file("tgme_widget_message_document_icon", "отчёт.pdf")
AUDIO = _file("tgme_widget_message_document_icon audio", "Песня")
UNSUPPORTED = _tag(
    "div",
    "message_media_not_supported_wrap",
    _tag("div", "message_media_not_supported_label", "This media is not supported in your browser"),
)


def _option(text: str, percent: int) -> str:
    inside = _tag("div", "tgme_widget_message_poll_option_percent", f"{percent}%")
    inside += _tag("div", "tgme_widget_message_poll_option_text", text)
    return _tag("div", "tgme_widget_message_poll_option", inside)


POLL = _tag(
    "a",
    "tgme_widget_message_poll js-poll",
    _tag("div", "tgme_widget_message_poll_question", "Да или нет?", dir="auto")
    + _tag("div", "tgme_widget_message_poll_type", "Anonymous Poll")
    + _tag("div", "tgme_widget_message_poll_options", _option("Да", 60) + _option("Нет", 40)),
)
LINK = _tag(
    "a",
    "tgme_widget_message_link_preview",
    _tag("div", "link_preview_site_name accent_color", "Example", dir="auto")
    + _tag("div", "link_preview_title", "Заголовок", dir="auto")
    + _tag("div", "link_preview_description", "Чужие слова", dir="auto"),
    href="https://example.org/a",
)
EMOJI = _tag("i", "emoji", "<b>😀</b>", style="background-image:url('//telegram.example/F09F98.png')")
REACTIONS = _tag(
    "div",
    "tgme_widget_message_reactions js-message_reactions",
    _tag("span", "tgme_reaction tgme_reaction_paid", _tag("i", "icon icon-telegram-stars") + "12")
    + _tag("span", "tgme_reaction", _tag("i", "emoji", "<b>👍</b>") + "1.5K")
    + _tag("span", "tgme_reaction", '<tg-emoji emoji-id="1"></tg-emoji>7'),
)


def forwarded(name: str, address: str | None) -> str:
    classes, inside = "tgme_widget_message_forwarded_from_name", f'<span dir="auto">{name}</span>'
    named = _tag("a", classes, inside, href=address) if address else _tag("span", classes, inside)
    return _tag("div", "tgme_widget_message_forwarded_from accent_color", f"Forwarded from&nbsp;{named}")


def reply(address: str, text: str) -> str:
    name = _tag("span", "tgme_widget_message_author_name", "Тепло Банк", dir="auto")
    inside = _tag("div", "tgme_widget_message_author accent_color", name)
    inside += _tag("div", "tgme_widget_message_metatext js-message_reply_text", text, dir="auto")
    return _tag("a", "tgme_widget_message_reply user-color-7", inside, href=address)
