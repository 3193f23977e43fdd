"""A request before it is sent, and what becomes of it where a server redirects it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import unquote_to_bytes

import httpx

from agents.web.addresses import place
from agents.web.bodies import ACCEPTED_ENCODINGS
from agents.web.reach import host_of, port_of
from agents.web.refusals import Forbidden, Unusable, shown

USER_AGENT: Final = "Molva/0.1 (collector of public posts)"
MAX_REDIRECTS: Final = 5
KEEP_METHOD: Final = (307, 308)
KEPT_ELSEWHERE: Final = ("accept", "accept-encoding", "user-agent", "if-none-match", "if-modified-since")
"""Headers that another host gets to see after a redirect: none that could hold a credential."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request before it is sent."""

    method: str
    url: httpx.URL
    headers: httpx.Headers
    content: bytes
    accept: Sequence[str]
    token_key: str
    max_bytes: int
    redirects: int = 0

    @classmethod
    def of(
        cls,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        accept: Sequence[str],
        token_key: str,
        max_bytes: int,
        data: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Self:
        """Build the URL, the headers and the body; user and password of a URL become a header.

        Raises:
            Forbidden: ``url`` cannot be read, or a header cannot be sent.
        """
        given = {key: value for key, value in (params or {}).items() if value is not None}
        try:
            whole = httpx.URL(url).copy_merge_params(given) if given else httpx.URL(url)
            request = httpx.Request(method, whole, data=data, json=json)
        except httpx.InvalidURL as error:
            raise Forbidden(f"the URL cannot be read: {error}") from error
        known = httpx.Headers({"User-Agent": USER_AGENT, "Accept": ", ".join(accept) or "*/*"})
        known["Accept-Encoding"] = ACCEPTED_ENCODINGS
        known.update({key: value for key, value in request.headers.items() if key != "host"})
        if whole.userinfo:
            known["Authorization"] = f"Basic {b64encode(unquote_to_bytes(whole.userinfo)).decode()}"
        try:
            known.update({key: value for key, value in (headers or {}).items() if key.lower() != "host"})
        except UnicodeEncodeError:  # says what the header is, which may be a token
            raise Forbidden(f"{shown(whole)}: a header has letters beyond ASCII, is a token wrong?") from None
        return cls(
            method,
            whole.copy_with(fragment=None, userinfo=b""),
            known,
            request.read(),
            accept,
            token_key,
            max_bytes,
        )

    @property
    def place(self) -> str:
        """``host:port``."""
        return place(host_of(self.url), port_of(self.url))

    @property
    def secret(self) -> bool:
        """Whether it carries credentials."""
        return bool(self.token_key) or "authorization" in self.headers or "cookie" in self.headers

    def redirected(self, status: int, location: str) -> Question:
        """Where the server sends it.

        Raises:
            Forbidden: too often, from https to http, or with a body to another host.
            Unusable: the place cannot be read.
        """
        try:
            url = self.url.join(location).copy_with(fragment=None)
        except httpx.InvalidURL as error:
            raise Unusable(f"{shown(self.url)} redirects to what is no URL") from error
        if url.scheme != "https" and self.url.scheme == "https":
            raise Forbidden(
                f"{shown(self.url)} redirects to {shown(url)}: from https to http is not followed"
            )
        if self.redirects >= MAX_REDIRECTS:
            raise Unusable(f"{shown(self.url)} redirects more than {MAX_REDIRECTS} times")
        moved = replace(self, url=url, redirects=self.redirects + 1)
        if status not in KEEP_METHOD and self.method != "GET":
            without = {key: value for key, value in self.headers.items() if not key.startswith("content-")}
            moved = replace(moved, method="GET", content=b"", headers=httpx.Headers(without))
        if _same_server(self.url, url):
            return moved
        if moved.content:
            raise Forbidden(
                f"{shown(self.url)} redirects a {self.method} to {shown(url)}: it is not sent there"
            )
        kept = {key: value for key, value in moved.headers.items() if key in KEPT_ELSEWHERE}
        return replace(moved, headers=httpx.Headers(kept), token_key="")


def _same_server(old: httpx.URL, new: httpx.URL) -> bool:
    """Whether what one may know the other may: the same host and port, or the same host under https."""
    if host_of(old) != host_of(new):
        return False
    upgraded = (old.scheme, new.scheme) == ("http", "https") and (port_of(old), port_of(new)) == (80, 443)
    return upgraded or (old.scheme, port_of(old)) == (new.scheme, port_of(new))
