"""A status of Mastodon -> a post. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from agents.base import Found, Rejected
from agents.html import plain_text
from agents.mastodon.options import SOURCE
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

MAX_MEDIA: Final = 64
MAX_BIO: Final = 2000
MAX_PAYLOAD: Final = 64 * 1024
LONGEST_ID: Final = 383
SHOWN: Final = ("public", "unlisted")
KINDS: Final = {"image": "photo", "gifv": "video", "video": "video", "audio": "audio"}
"""Attachments of a kind that is not known yet are documents."""

Own = Callable[[tuple[str, ...]], bool]
"""Whether an account with one of these names is the company's own."""


def uri_of(status: Mapping[str, Any]) -> str:
    """The address of a post at its own server: the same wherever it is read."""
    return _text(status.get("uri")) or _text(status.get("url"))


def is_shown(status: Mapping[str, Any]) -> bool:
    """Whether everybody may see it: not for followers only, not direct."""
    return status.get("visibility", "public") in SHOWN


def words_of(status: Mapping[str, Any]) -> str:
    """The warning, the text and the answers of a poll as plain text; of a boost those of the boosted post."""
    told = _part(status, "reblog") or status
    lines = [plain_text(_text(told.get("spoiler_text"))), plain_text(_text(told.get("content")))]
    lines += [_text(each.get("title")).strip() for each in _parts(_part(told, "poll"), "options")]
    return "\n".join(filter(None, lines))


def account_names(account: Mapping[str, Any], host: str) -> tuple[str, ...]:
    """What a watchlist may call an account: ``user@host``, ``@user@host``, its address without a scheme."""
    handle = handle_of(account, host)
    address = _text(account.get("url"))
    return (handle, f"@{handle}", address.partition("://")[2], _text(account.get("uri")))


def handle_of(account: Mapping[str, Any], host: str) -> str:
    """``user@host``; servers leave their own name out."""
    name = _text(account.get("acct")) or _text(account.get("username"))
    if not name or "@" in name:
        return name.lower()
    return f"{name}@{urlsplit(_text(account.get('url'))).hostname or host}".lower()


def post_of(
    status: Mapping[str, Any], *, host: str, own: Own, now: datetime, reply: tuple[str | None, str | None]
) -> Found | Rejected:
    """The post; ``reply``: the URIs of the post that it answers to, and of the thread's beginning."""
    origin = f"{SOURCE}:{host}/{status.get('id')}"
    try:
        document = _document(status, host, own, now, reply)
        return Found(validate(RawPost, document), origin)
    except InvalidRecord as error:
        payload = json.dumps(status, ensure_ascii=False).encode("utf-8", "replace")[:MAX_PAYLOAD]
        return Rejected(payload, origin, error.reason, error.detail)


def _document(
    status: Mapping[str, Any],
    host: str,
    own: Own,
    now: datetime,
    reply: tuple[str | None, str | None],
) -> dict[str, Any]:
    boosted, edited = _part(status, "reblog"), _dated(status.get("edited_at"))
    told = boosted or status
    author = _author(status, host, own)
    return {
        "source": SOURCE,
        "native_id": uri_of(status)[: LONGEST_ID + 1],
        "kind": "repost" if boosted else "comment" if _answers_others(status) else "post",
        "url": _text(status.get("url")) or uri_of(status),
        "channel": _channel(author),
        "author": author,
        "created_at": status.get("created_at"),
        "collected_at": now,
        "text": words_of(status),
        "language": _language(told),
        "reply_to": _full(reply[0]),
        "thread_root": _full(reply[1]),
        "repost_of": _full(uri_of(boosted)) if boosted else None,
        "media": _media(told)[:MAX_MEDIA],
        "engagement": _engagement(told),
        "timeline": LIVE,
        "revision": 0 if edited is None else int(edited.timestamp() * 1000),
        "edited_at": edited,
        "extras": _extras(status, told, host),
    }


def _answers_others(status: Mapping[str, Any]) -> bool:
    """A thread of one's own is no conversation."""
    author = (_part(status, "account") or {}).get("id")
    return bool(status.get("in_reply_to_id")) and status.get("in_reply_to_account_id") != author


def _author(status: Mapping[str, Any], host: str, own: Own) -> dict[str, Any] | None:
    """None where the account is gone."""
    account = _part(status, "account")
    if not account:
        return None
    handle = handle_of(account, host)
    return {
        "id": _text(account.get("uri")) or _text(account.get("url")) or handle or str(account.get("id")),
        "name": plain_text(_text(account.get("display_name"))) or handle,
        "handle": handle,
        "followers": _count(account.get("followers_count")),
        "created_at": _dated(account.get("created_at")),
        "bio": plain_text(_text(account.get("note")))[:MAX_BIO],
        "own": own(account_names(account, host)),
    }


def _channel(author: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A post stands on its author's page."""
    if author is None:
        return None
    return {"kind": "account", **{key: author[key] for key in ("id", "name", "handle", "followers", "own")}}


def _media(status: Mapping[str, Any]) -> list[dict[str, str]]:
    found = [
        {
            "kind": KINDS.get(_text(each.get("type")), "document"),
            "url": _text(each.get("url")) or _text(each.get("remote_url")) or _text(each.get("preview_url")),
            "alt": _text(each.get("description")),
        }
        for each in _parts(status, "media_attachments")
    ]
    poll, card = _part(status, "poll"), _part(status, "card")
    if poll:
        answers = [_text(each.get("title")) for each in _parts(poll, "options")]
        found.append({"kind": "poll", "url": "", "alt": "; ".join(answers)})
    if card:
        found.append({"kind": "link", "url": _text(card.get("url")), "alt": _text(card.get("title"))})
    return found


def _engagement(status: Mapping[str, Any]) -> dict[str, int | None]:
    return {
        "likes": _count(status.get("favourites_count")),
        "reposts": _count(status.get("reblogs_count")),
        "comments": _count(status.get("replies_count")),
    }


def _extras(status: Mapping[str, Any], told: Mapping[str, Any], host: str) -> dict[str, Any]:
    account, boosted = _part(status, "account") or {}, _part(told, "account") or {}
    quote = _part(told, "quote") or {}
    quoted = _part(quote, "quoted_status") or (quote if quote.get("uri") else {})
    extras = {
        "instance": host,
        "visibility": status.get("visibility") if status.get("visibility") != "public" else None,
        "warning": plain_text(_text(told.get("spoiler_text")))[:500],
        "sensitive": told.get("sensitive") is True,
        "bot": account.get("bot") is True,
        "suspended": account.get("suspended") is True,
        "limited": account.get("limited") is True,
        "moved_to": handle_of(_part(account, "moved") or {}, host),
        "boosted_from": handle_of(boosted, host) if told is not status else "",
        "quote_of": _full(uri_of(quoted)) if quoted else None,
        "tags": [_text(each.get("name"))[:100] for each in _parts(told, "tags")][:30],
    }
    return {key: value for key, value in extras.items() if value}


def _language(status: Mapping[str, Any]) -> str | None:
    return _text(status.get("language"))[:16] or None


def _full(uri: str | None) -> str | None:
    return f"{SOURCE}:{uri}" if uri else None


def _dated(text: Any) -> datetime | None:
    """A moment; None where there is none that can be read."""
    try:
        moment = datetime.fromisoformat(_text(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _count(value: Any) -> int | None:
    """Counts that are hidden are -1 or nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _part(whole: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    part = whole.get(name)
    return part if isinstance(part, dict) else None


def _parts(whole: Mapping[str, Any] | None, name: str) -> list[dict[str, Any]]:
    parts = (whole or {}).get(name)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
