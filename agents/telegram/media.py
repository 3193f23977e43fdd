"""What hangs on a message of Telegram: kinds of media, the words of polls and places, links behind words."""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import types

from agents.html import INVISIBLE
from schemas.post import Media

MAX_LINKS: Final = 32
_BY_TYPE: Final = {
    types.MessageMediaPhoto: "photo",
    types.MessageMediaPoll: "poll",
    types.MessageMediaDice: "sticker",
    types.MessageMediaStory: "video",
    types.MessageMediaVideoStream: "video",
    types.MessageMediaToDo: "poll",
}
_NOTHING: Final = (type(None), types.MessageMediaEmpty)


def media_of(message: Any) -> tuple[Media, ...]:
    """The media of a message, at most one but for what is paid for; a type that is new is a document."""
    media = message.media
    if isinstance(media, _NOTHING):
        return ()
    if isinstance(media, types.MessageMediaWebPage):
        return _link(media.webpage)
    if isinstance(media, types.MessageMediaPaidMedia):
        return tuple(Media(kind="photo" if _is_photo(each) else "video") for each in media.extended_media)
    if isinstance(media, types.MessageMediaDocument):
        return (_document(media),)
    return (Media(kind=_BY_TYPE.get(type(media), "document"), alt=_place(media)),)


def _link(page: Any) -> tuple[Media, ...]:
    if not isinstance(page, types.WebPage | types.WebPagePending) or not page.url:
        return ()
    title = getattr(page, "title", None) or getattr(page, "site_name", None) or ""
    return (Media(kind="link", url=page.url, alt=title),)


def _is_photo(extended: Any) -> bool:
    if isinstance(extended, types.MessageExtendedMedia):
        return isinstance(extended.media, types.MessageMediaPhoto)
    return extended.video_duration is None


def _document(media: Any) -> Media:
    attributes = getattr(media.document, "attributes", None) or ()
    name = next((each.file_name for each in attributes if hasattr(each, "file_name")), "")
    for each in attributes:
        match each:
            case types.DocumentAttributeSticker():
                return Media(kind="sticker", alt=each.alt)
            case types.DocumentAttributeVideo() | types.DocumentAttributeAnimated():
                return Media(kind="video", alt=name)
            case types.DocumentAttributeAudio():
                return Media(kind="audio", alt=" — ".join(filter(None, (each.performer, each.title))) or name)
    return Media(kind="video" if media.video else "audio" if media.voice else "document", alt=name)


def _place(media: Any) -> str:
    match media:
        case types.MessageMediaVenue():
            return ", ".join(filter(None, (media.title, media.address)))
        case types.MessageMediaGame():
            return str(media.game.title)
        case types.MessageMediaInvoice():
            return str(media.title)
    return ""


def words_of(message: Any) -> str:
    """The text of a message; of a poll also its question and answers, a line each."""
    media, lines = message.media, [message.message or ""]
    if isinstance(media, types.MessageMediaPoll):
        lines += [_plain(media.poll.question), *(_plain(each.text) for each in media.poll.answers)]
    if isinstance(media, types.MessageMediaToDo):
        lines += [_plain(media.todo.title), *(_plain(each.title) for each in media.todo.list)]
    return INVISIBLE.sub("", "\n".join(filter(None, lines)))


def _plain(text: Any) -> str:
    """Texts of polls are objects since layer 178."""
    return str(getattr(text, "text", text) or "")


def hidden_links(message: Any) -> list[str]:
    """Addresses behind words of the text, which it does not show."""
    entities = message.entities or ()
    found = (each.url for each in entities if isinstance(each, types.MessageEntityTextUrl))
    return list(dict.fromkeys(found))[:MAX_LINKS]


def reactions_of(message: Any) -> dict[str, int]:
    """Reactions by emoji; custom ones by ``custom``, paid stars by ``paid``."""
    found: dict[str, int] = {}
    for each in message.reactions.results if message.reactions else ():
        match each.reaction:
            case types.ReactionEmoji(emoticon=emoji):
                name = emoji
            case types.ReactionPaid():
                name = "paid"
            case _:
                name = "custom"
        found[name] = found.get(name, 0) + each.count
    return found
