"""Parts of a post on a preview page: media, reactions, links, counts. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from agents.html import plain_text

NUMBER: Final = re.compile(r"(\d[\d.,\s]*)([KMB]?)", re.IGNORECASE)
SCALE: Final = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}
BACKGROUND: Final = re.compile(r"url\(['\"]?([^'\")]+)")
MAX_LINKS: Final = 32
MOST_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Attached:
    """A medium of a post, as `schemas.post.Media`."""

    kind: str
    url: str = ""
    alt: str = ""


def counted(text: str) -> int | None:
    """``1.2K`` -> 1200, ``11 123`` -> 11123; None where it is no number."""
    found = NUMBER.search(text)
    if found is None:
        return None
    digits, unit = re.sub(r"\s", "", found[1])[:MOST_DIGITS], found[2].upper()
    try:
        if not unit:
            return int(re.sub(r"[.,]", "", digits))
        return round(float(digits.replace(",", ".")) * SCALE[unit])
    except ValueError:
        return None


_MEDIA: Final[tuple[tuple[str, str], ...]] = (
    (".tgme_widget_message_photo_wrap", "photo"),
    (".tgme_widget_message_video_player, .tgme_widget_message_roundvideo_player", "video"),
    (".tgme_widget_message_voice_player", "audio"),
    (
        ".tgme_widget_message_sticker, .tgme_widget_message_videosticker, .tgme_widget_message_tgsticker",
        "sticker",
    ),
    (".tgme_widget_message_poll", "poll"),
    (".message_media_not_supported_label", "document"),
)


def media_of(node: LexborNode) -> list[Attached]:
    found = [Attached(kind, url=_picture(each)) for selector, kind in _MEDIA for each in node.css(selector)]
    for each in node.css(".tgme_widget_message_document_wrap"):
        kind = (
            "audio" if each.css_first(".tgme_widget_message_document_icon.audio") is not None else "document"
        )
        title = text_of(each.css_first(".tgme_widget_message_document_title"))
        found.append(Attached(kind, alt=title))
    for each in node.css("a.tgme_widget_message_link_preview"):
        found.append(
            Attached("link", attribute(each, "href"), text_of(each.css_first(".link_preview_title")))
        )
    return found


def _picture(node: LexborNode) -> str:
    found = BACKGROUND.search(attribute(node, "style"))
    return found[1] if found else ""


def links_of(node: LexborNode) -> tuple[str, ...]:
    """Where the text links to, besides hashtags of the channel itself."""
    found = (attribute(each, "href") for each in node.css(".tgme_widget_message_text a[href]"))
    return tuple(dict.fromkeys(each for each in found if each.startswith("http")))[:MAX_LINKS]


def reactions_of(node: LexborNode) -> dict[str, int]:
    """By emoji; custom ones by ``custom``, paid stars by ``paid``."""
    found: dict[str, int] = {}
    for each in node.css(".tgme_reaction"):
        emoji = text_of(each.css_first(".emoji b"))
        name = "paid" if "tgme_reaction_paid" in attribute(each, "class").split() else emoji or "custom"
        number = counted(each.text().replace(emoji, "") if emoji else each.text())
        if number is not None:
            found[name] = found.get(name, 0) + number
    return found


def text_of(node: LexborNode | None) -> str:
    return "" if node is None else plain_text(node.html or "")


def attribute(node: LexborNode | None, name: str) -> str:
    return "" if node is None else node.attributes.get(name) or ""
