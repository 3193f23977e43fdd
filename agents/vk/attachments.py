"""What hangs on a post of VK: kinds of media with their addresses and descriptions, words of polls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agents.vk.names import SITE

MAX_MEDIA: Final = 64
_KINDS: Final[Mapping[str, str]] = {
    "photo": "photo",
    "posted_photo": "photo",
    "graffiti": "photo",
    "album": "photo",
    "photos_list": "photo",
    "video": "video",
    "clip": "video",
    "narrative": "video",
    "story": "video",
    "video_playlist": "video",
    "audio": "audio",
    "audio_playlist": "audio",
    "audio_message": "audio",
    "podcast": "audio",
    "artist": "audio",
    "curator": "audio",
    "link": "link",
    "article": "link",
    "page": "link",
    "note": "link",
    "app": "link",
    "mini_app": "link",
    "event": "link",
    "group": "link",
    "market": "link",
    "market_album": "link",
    "donut_link": "link",
    "pretty_cards": "link",
    "poll": "poll",
    "sticker": "sticker",
}
"""All that is not listed, and what VK invents next, is a document."""
_PAGES: Final = ("video", "clip", "album", "audio_playlist", "article", "page", "note", "market")


def media_of(attachments: Any) -> list[dict[str, str]]:
    """The media of a post."""
    found = [_media(each) for each in _listed(attachments)]
    return found[:MAX_MEDIA]


def words_of(attachments: Any) -> list[str]:
    """Words that readers see and that are not in the text: questions and answers of polls."""
    lines = []
    for each in _listed(attachments):
        poll = _content(each)
        if each.get("type") == "poll":
            answers = [str(answer.get("text") or "") for answer in _listed(poll.get("answers"))]
            lines += [str(poll.get("question") or ""), *answers]
    return [line for line in lines if line]


def _media(attachment: Mapping[str, Any]) -> dict[str, str]:
    name, content = str(attachment.get("type") or ""), _content(attachment)
    return {"kind": _KINDS.get(name, "document"), "url": _address(name, content), "alt": _alt(name, content)}


def _address(name: str, content: Mapping[str, Any]) -> str:
    """A public address without access keys."""
    owner, number = content.get("owner_id"), content.get("id")
    if name in _PAGES and isinstance(owner, int) and isinstance(number, int):
        return f"{SITE}/{'product' if name == 'market' else name}{owner}_{number}"
    if name in ("photo", "posted_photo", "graffiti"):
        return _largest(content)
    return str(content.get("url") or content.get("view_url") or "")


def _largest(photo: Mapping[str, Any]) -> str:
    sizes = [each for each in _listed(photo.get("sizes")) if each.get("url")]
    best = max(sizes, key=lambda each: _number(each, "width") * _number(each, "height"), default=None)
    shown = photo.get("orig_photo") if best is None else best
    return str(shown.get("url") or "") if isinstance(shown, dict) else str(photo.get("url") or "")


def _number(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


def _alt(name: str, content: Mapping[str, Any]) -> str:
    if name == "audio":
        return " — ".join(str(content[part]) for part in ("artist", "title") if content.get(part))
    if name == "poll":
        return str(content.get("question") or "")
    return str(content.get("title") or content.get("text") or "")[:1000]


def _content(attachment: Mapping[str, Any]) -> Mapping[str, Any]:
    content = attachment.get(str(attachment.get("type") or ""))
    return content if isinstance(content, dict) else {}


def _listed(values: Any) -> list[Mapping[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
