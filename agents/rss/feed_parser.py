"""feedparser for the documents of `document_of`, without what lets a stranger's feed stop the process.

It would look for an address in an author's text with a pattern whose time grows with the square of the length
(5 MB: a day, in which nothing else of the process runs), and compare all tags of an entry with each other.
"""

from __future__ import annotations

import io
import xml.sax
from typing import Any, Final

from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.util import FeedParserDict

MAX_AUTHOR: Final = 1000
MAX_TAGS: Final = 100


class _Bounded:
    """Goes before a parser of feedparser."""

    def _get_context(self) -> Any:
        return super()._get_context()  # type: ignore[misc]

    def _sync_author_detail(self, key: str = "author") -> None:
        context = self._get_context()
        if isinstance(named := context.get(key), str):
            context[key] = named[:MAX_AUTHOR]
        super()._sync_author_detail(key)  # type: ignore[misc]

    def _add_tag(self, term: Any, scheme: Any, label: Any) -> None:
        if len(self._get_context().get("tags", ())) < MAX_TAGS:
            super()._add_tag(term, scheme, label)  # type: ignore[misc]


class _Strict(_Bounded, StrictFeedParser):  # type: ignore[misc]
    pass


class _Loose(_Bounded, LooseFeedParser):  # type: ignore[misc]
    pass


def parsed(document: bytes, location: str) -> Any:
    """The ``feed``, ``entries`` and ``version`` of a document in UTF-8, well-formed or not.

    ``location`` is the URL against which relative links are resolved.
    """
    strict = _set_up(_Strict(location, None, "utf-8"))
    reader = xml.sax.make_parser()
    reader.setFeature(xml.sax.handler.feature_namespaces, 1)
    reader.setFeature(xml.sax.handler.feature_external_ges, 0)
    reader.setContentHandler(strict)
    reader.setErrorHandler(strict)
    try:
        reader.parse(io.BytesIO(document))
        return _result(strict)
    except xml.sax.SAXException:
        loose = _set_up(_Loose(location, None, "utf-8", {}))
        loose.feed(document.decode("utf-8", "replace"))
        return _result(loose)


def _set_up(parser: Any) -> Any:
    parser.resolve_relative_uris = parser.sanitize_html = False  # its HTML is made text by `agents.html`
    return parser


def _result(parser: Any) -> Any:
    return FeedParserDict(feed=parser.feeddata, entries=parser.entries, version=parser.version)
