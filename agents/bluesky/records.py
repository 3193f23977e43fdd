"""A record of Bluesky (``app.bsky.feed.post``, ``app.bsky.feed.repost``) -> what a post says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

POST: Final = "app.bsky.feed.post"
REPOST: Final = "app.bsky.feed.repost"
LINK: Final = "app.bsky.richtext.facet#link"
MENTION: Final = "app.bsky.richtext.facet#mention"
IMAGE: Final = "https://cdn.bsky.app/img/feed_fullsize/plain/{}/{}@jpeg"
VIDEO: Final = "https://video.bsky.app/watch/{}/{}/playlist.m3u8"
MAX_FACETS: Final = 200
_TID: Final = "234567abcdefghijklmnopqrstuvwxyz"
_TID_LENGTH: Final = 13

Record = Mapping[str, Any]


def uri_of(did: str, collection: str, key: str) -> str:
    return f"at://{did}/{collection}/{key}"


def did_of(uri: str) -> str:
    """The account in ``at://did/collection/key``."""
    return uri.removeprefix("at://").partition("/")[0]


def full_text(record: Record) -> str:
    """The text, with the whole address where a client has cut one short.

    Facets count bytes of UTF-8; those that do not fit the text are left out.
    """
    raw, parts, end = string(record.get("text")).encode(), [], 0
    for start, stop, uri in sorted(_links(record, len(raw))):
        if start < end:
            continue
        try:
            shown = raw[start:stop].decode()
            before = raw[end:start].decode()
        except UnicodeDecodeError:
            continue
        parts += [before, uri if _is_cut(shown, uri) else shown]
        end = stop
    return "".join(parts) + raw[end:].decode("utf-8", "replace")


def links(record: Record) -> list[str]:
    """The addresses behind words of the text."""
    return list(dict.fromkeys(uri for _, _, uri in _links(record, 1 << 31)))


def mentioned(record: Record) -> Iterator[str]:
    """The accounts that the text addresses, as DIDs."""
    for facet in parts(record, "facets")[:MAX_FACETS]:
        yield from (string(each.get("did")) for each in _features(facet, MENTION))


def answered(record: Record, which: str) -> str:
    """The URI of the ``parent`` or the ``root`` that it answers to; empty where it does not."""
    return string((part(part(record, "reply"), which)).get("uri"))


def quoted(record: Record) -> str:
    """The URI of the post that it quotes; other records (lists, feeds) are no posts."""
    embed = part(record, "embed")
    inner = part(embed, "record")
    uri = string(inner.get("uri")) or string(part(inner, "record").get("uri"))
    return uri if f"/{POST}/" in uri else ""


def media(record: Record, did: str) -> Iterator[dict[str, str]]:
    """What hangs on a post; of a quote with media only the media."""
    embed = part(record, "embed")
    match string(embed.get("$type")):
        case "":
            return
        case "app.bsky.embed.recordWithMedia":
            yield from media({"embed": part(embed, "media")}, did)
        case "app.bsky.embed.record":
            return
        case "app.bsky.embed.images":
            for each in parts(embed, "images"):
                blob = _blob(part(each, "image"))
                url = IMAGE.format(did, blob) if blob else ""
                yield {"kind": "photo", "url": url, "alt": string(each.get("alt"))}
        case "app.bsky.embed.video":
            blob = _blob(part(embed, "video"))
            url = VIDEO.format(did.replace(":", "%3A"), blob) if blob else ""
            yield {"kind": "video", "url": url, "alt": string(embed.get("alt"))}
        case "app.bsky.embed.external":
            found = part(embed, "external")
            alt = ": ".join(filter(None, (string(found.get("title")), string(found.get("description")))))
            yield {"kind": "link", "url": string(found.get("uri")), "alt": alt}
        case other:
            yield {"kind": "document", "url": "", "alt": other[:200]}


def created_at(record: Record) -> datetime | None:
    """When its author's device says that it was made; None where that is no moment."""
    try:
        moment = datetime.fromisoformat(string(record.get("createdAt")))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def tid_time(tid: str) -> int | None:
    """The microseconds of Unix time that a TID (a revision of a repository) begins with."""
    if len(tid) != _TID_LENGTH or any(letter not in _TID for letter in tid):
        return None
    number = 0
    for letter in tid:
        number = number << 5 | _TID.index(letter)
    return number >> 10


def labels(record: Record) -> list[str]:
    """Warnings that the author gave."""
    return [string(each.get("val"))[:100] for each in parts(part(record, "labels"), "values")][:20]


def strings(record: Record, name: str) -> list[str]:
    found = record.get(name)
    return [string(each) for each in found if isinstance(each, str)] if isinstance(found, list) else []


def string(value: Any) -> str:
    """A text; lone surrogates, which no text may hold, are replaced."""
    return (
        value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else ""
    )


def part(record: Record, name: str) -> Record:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def parts(record: Record, name: str) -> list[Record]:
    found = record.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _links(record: Record, size: int) -> Iterator[tuple[int, int, str]]:
    for facet in parts(record, "facets")[:MAX_FACETS]:
        start, stop = (part(facet, "index").get(name) for name in ("byteStart", "byteEnd"))
        if not isinstance(start, int) or not isinstance(stop, int) or not 0 <= start < stop <= size:
            continue
        for feature in _features(facet, LINK):
            if uri := string(feature.get("uri")):
                yield start, stop, uri


def _features(facet: Record, kind: str) -> Iterator[Record]:
    return (each for each in parts(facet, "features") if each.get("$type") == kind)


def _is_cut(shown: str, uri: str) -> bool:
    """Whether what is shown is the beginning of the address, with or without its scheme."""
    begin = shown.strip().removesuffix("…").removesuffix("...")
    bare = uri.partition("://")[2].removeprefix("www.")
    return bool(begin) and (uri.startswith(begin) or bare.startswith(begin.removeprefix("www.")))


def _blob(blob: Record) -> str:
    """The CID of an upload, in its present and its former spelling."""
    return string(part(blob, "ref").get("$link")) or string(blob.get("cid"))
