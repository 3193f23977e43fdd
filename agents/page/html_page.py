"""A page of HTML -> its items, by CSS selectors. Pure (and slow: run it in a thread)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.html import TAG, plain_text
from agents.page.items import Item, LayoutChanged, Said
from agents.page.options import COUNT, Options, Pick

MOST_TAGS: Final = 20_000
"""The parser takes time that grows with the square of the open elements: these, all nested, take a second."""
LONG_TAG: Final = re.compile(r"<[A-Za-z][^<>]{65536}")
MAX_ITEMS: Final = 1000


def parsed(text: str) -> LexborHTMLParser:
    """The page.

    Raises:
        LayoutChanged: it is too large or too dense for a page that people read.
    """
    if sum(1 for _ in TAG.finditer(text)) > MOST_TAGS:
        raise LayoutChanged(f"the page has more than {MOST_TAGS} elements: it is not read")
    if LONG_TAG.search(text):
        raise LayoutChanged("the page has an element with 64 KiB of attributes: it is not read")
    return LexborHTMLParser(text)


def items_of(tree: LexborHTMLParser, options: Options) -> list[Item]:
    """The items of a page in its order."""
    return [_item(node, options) for node in tree.css(options.item)[:MAX_ITEMS]]


def next_of(tree: LexborHTMLParser, options: Options) -> str:
    """The address of the next page as it stands there; empty where there is none."""
    root = tree.root
    return "" if options.next is None or root is None else _first(root, (options.next,))


def is_empty(tree: LexborHTMLParser, options: Options) -> bool:
    """Whether the page says that its list is empty."""
    return bool(options.empty) and tree.css_first(options.empty) is not None


def _item(node: LexborNode, options: Options) -> Item:
    replies: tuple[Said, ...] = ()
    if options.reply is not None:
        found = node.css(options.reply.item)
        replies = tuple(said for each in found if (said := _said(each, options)).text)
        for each in found:
            each.decompose()
    fields = options.fields
    return Item(
        id=_first(node, fields.id),
        link=_first(node, fields.link),
        title=_first(node, fields.title),
        text="\n".join(text for pick in fields.text or () if (text := _first(node, (pick,)))),
        author=_first(node, fields.author),
        author_id=_first(node, fields.author_id),
        date=_first(node, fields.date),
        rating=_first(node, fields.rating),
        media=tuple(text for pick in fields.media or () for text in _all(node, pick)),
        replies=replies,
    )


def _said(node: LexborNode, options: Options) -> Said:
    assert options.reply is not None
    parts = options.reply
    return Said(
        text="\n".join(text for pick in parts.text if (text := _first(node, (pick,)))),
        author=_first(node, parts.author),
        date=_first(node, parts.date),
    )


def _first(node: LexborNode, picks: Sequence[Pick] | None) -> str:
    return next((text for pick in picks or () for text in _all(node, pick)), "")


def _all(node: LexborNode, pick: Pick) -> list[str]:
    """All values of a pick that are not empty, in the order of the page."""
    nodes = node.css(pick.css) if pick.css else [node]
    if pick.attribute == COUNT:
        return [str(len(nodes))] if nodes else []
    values = (_value(each, pick.attribute) for each in nodes)
    return [text for value in values if (text := pick.cut(value).strip())]


def _value(node: LexborNode, attribute: str) -> str:
    if attribute:
        return node.attributes.get(attribute) or ""
    return plain_text(node.html or "")
