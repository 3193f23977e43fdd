"""Posts as a local AppView shows them, alone and with what stands below them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.agents.bluesky.stream import Document

NODE = "app.bsky.feed.defs#threadViewPost"


class Threads:
    """Over ``records`` and ``profiles``; the threads of ``hidden`` posts are an error."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.records: dict[str, Document] = {}
        self.profiles: dict[str, Document] = {}
        self.hidden: set[str] = set()

    def answers_to(self, uri: str) -> list[str]:
        replies = {each: known["record"].get("reply", {}) for each, known in self.records.items()}
        return [each for each, reply in replies.items() if reply and reply["parent"]["uri"] == uri]

    def _views(self, uris: list[str]) -> list[Document]:
        views = []
        for uri in uris:
            author = self.profiles[uri.removeprefix("at://").partition("/")[0]]
            short = {key: author[key] for key in ("did", "handle", "displayName", "createdAt")}
            counts = {
                "replyCount": len(self.answers_to(uri)),
                "repostCount": 2,
                "likeCount": 3,
                "quoteCount": 4,
            }
            views.append({**self.records[uri], "author": short, **counts})
        return sorted(views, key=lambda each: str(each["indexedAt"]), reverse=True)

    async def _posts(self, request: web.Request) -> web.Response:
        asked = request.query.getall("uris")
        if len(asked) > 25:
            return web.json_response({"error": "InvalidRequest"}, status=400)
        shown = [each for each in asked if each in self.records and _owner(each) in self.profiles]
        return web.json_response({"posts": self._views(shown)})

    async def _thread(self, request: web.Request) -> web.Response:
        uri = request.query["uri"]
        if uri in self.hidden:
            return web.Response(status=500)
        if uri not in self.records:
            return web.json_response({"error": "NotFound", "message": "Post not found"}, status=400)
        return web.json_response({"thread": self._node(uri)})

    def _node(self, uri: str) -> Document:
        if _owner(uri) not in self.profiles:
            return {"$type": "app.bsky.feed.defs#notFoundPost", "uri": uri, "notFound": True}
        replies = [self._node(each) for each in self.answers_to(uri)]
        return {"$type": NODE, "post": self._views([uri])[0], "replies": replies}


def _owner(uri: str) -> str:
    return uri.removeprefix("at://").partition("/")[0]
