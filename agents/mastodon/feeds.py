"""What can be read of an instance: timelines, hashtags, accounts, phrases; where each is, and its stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from agents.mastodon.options import Instance

_ONLY: Final[Mapping[str, Mapping[str, str]]] = {
    "public": {},
    "public:local": {"local": "true"},
    "public:remote": {"remote": "true"},
}
_SSE: Final = {"public": "public", "public:local": "public/local", "public:remote": "public/remote"}


@dataclass(frozen=True, slots=True)
class Feed:
    """A list of posts that pages of REST tell, and perhaps a stream.

    Attributes:
        key: its name in cursors: ``public``, ``hashtag:x``, ``account:user@host``, ``search:phrase``.
        channel: its stream: a name, and a hashtag or nothing; None where there is no stream.
        stream_path: of its stream of events, below ``/api/v1/streaming``.
        public: everything that is said; only what names something watched is kept.
        sifted: the languages of the options hold.
    """

    key: str
    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    channel: tuple[str, str] | None = None
    stream_path: str = ""
    public: bool = False
    sifted: bool = False

    @property
    def account(self) -> str:
        """The account that it is of; empty: of none."""
        return self.key.removeprefix("account:") if self.key.startswith("account:") else ""


def feeds_of(instance: Instance, accounts: Sequence[str]) -> Iterator[Feed]:
    """All feeds of an instance; ``accounts`` are those that are read there."""
    for name in instance.timelines:
        yield Feed(
            key=name,
            path="/api/v1/timelines/public",
            params=_ONLY[name],
            channel=(name, ""),
            stream_path=_SSE[name],
            public=True,
            sifted=True,
        )
    for tag in instance.hashtags:
        yield Feed(
            key=f"hashtag:{tag}",
            path=f"/api/v1/timelines/tag/{quote(tag)}",
            channel=("hashtag", tag),
            stream_path=f"hashtag?tag={quote(tag)}",
            sifted=True,
        )
    for phrase in instance.search:
        yield Feed(
            key=f"search:{phrase}",
            path="/api/v2/search",
            params={"q": f'"{phrase}"', "type": "statuses"},
        )
    for account in accounts:
        yield Feed(key=f"account:{account}")


def homes(instances: Sequence[Instance], accounts: Sequence[str]) -> dict[str, list[str]]:
    """Accounts by the URL of the instance where each is read: its own, else the first one."""
    found: dict[str, list[str]] = {each.url: [] for each in instances}
    for account in accounts:
        host = account.partition("@")[2]
        home = next((each for each in instances if each.host.lower() == host), instances[0])
        found[home.url].append(account)
    return found
