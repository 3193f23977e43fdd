"""What WebSub says in headers and documents: the hub of a feed, and whether a push is signed right. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

METHODS: Final = {
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
    "sha1": hashlib.sha1,
}
LINK: Final = re.compile(r"<([^<>]{1,2000})>\s*((?:;[^,<]{0,200})*)")
RELATION: Final = re.compile(r"rel\s*=\s*\"?([^\";,]*)", re.IGNORECASE)
ELEMENT: Final = re.compile(rb"<(?:[\w.-]{1,20}:)?link\b([^<>]{0,2000})>", re.IGNORECASE)
ATTRIBUTE: Final = re.compile(rb"\b(rel|href)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)


def signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether ``X-Hub-Signature`` (``sha256=...``) is that of the body, compared in constant time."""
    method, _, given = signature.strip().partition("=")
    algorithm = METHODS.get(method.lower())
    if algorithm is None:
        return False
    made = hmac.new(secret.encode(), body, algorithm).hexdigest()
    return hmac.compare_digest(made.encode(), given.strip().lower().encode("utf-8", "replace"))


def discovered(headers: Mapping[str, str], body: bytes) -> tuple[str, str] | None:
    """The hub and the topic (``rel=self``) of a feed: from its ``Link`` header, else its elements."""
    links = [
        (relation, found[1])
        for found in LINK.finditer(headers.get("Link", "")[:10_000])
        if (told := RELATION.search(found[2])) is not None
        for relation in told[1].lower().split()
    ]
    if not any(relation == "hub" for relation, _ in links):
        links += list(_elements(body[:20_000]))
    hub = next((url for relation, url in links if relation == "hub"), None)
    return None if hub is None else (hub, next((url for relation, url in links if relation == "self"), ""))


def _elements(body: bytes) -> list[tuple[str, str]]:
    found = []
    for element in ELEMENT.finditer(body):
        said = {
            name.lower(): (double or single).decode("utf-8", "replace").replace("&amp;", "&")
            for name, double, single in ATTRIBUTE.findall(element[1])
        }
        found += [(relation, said.get(b"href", "")) for relation in said.get(b"rel", "").lower().split()]
    return found
