"""Parts of messages: media of the shapes that Telegram sends."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from tests.agents.telegram.world import NOON


def photo(number: int) -> types.MessageMediaPhoto:
    size = types.PhotoSize("x", 800, 600, 12_345)
    return types.MessageMediaPhoto(photo=types.Photo(number, 1, b"ref", NOON, [size], 2))


def document(mime: str, *attributes: Any, **flags: Any) -> types.MessageMediaDocument:
    made = types.Document(1, 1, b"ref", NOON, mime, 1000, 2, list(attributes))
    return types.MessageMediaDocument(document=made, **flags)


def sticker(emoji: str) -> types.MessageMediaDocument:
    return document("image/webp", types.DocumentAttributeSticker(emoji, types.InputStickerSetEmpty()))


def voice() -> types.MessageMediaDocument:
    return document("audio/ogg", types.DocumentAttributeAudio(5, voice=True), voice=True)


def link(url: str, title: str) -> types.MessageMediaWebPage:
    return types.MessageMediaWebPage(types.WebPage(1, url, url, 0, title=title))


def poll(question: str, *answers: str) -> types.MessageMediaPoll:
    options = [
        types.PollAnswer(types.TextWithEntities(text, []), bytes([number]))
        for number, text in enumerate(answers)
    ]
    return types.MessageMediaPoll(
        types.Poll(1, types.TextWithEntities(question, []), options, 0), types.PollResults()
    )
