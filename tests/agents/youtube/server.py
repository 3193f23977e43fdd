"""A local YouTube Data API v3: channels, lists of uploads, videos, searches, threads of comments, errors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from tests.agents.discussions.serving import LocalSite

INLINE: int = 5
"""Answers that a thread shows by itself."""
KEY: str = "secret-key"


class Server(LocalSite):
    """``channel``, ``publish`` and ``comment`` write; ``units`` counts what was spent."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: dict[str, dict[str, Any]] = {}
        self.videos: dict[str, dict[str, Any]] = {}
        self.comments: dict[str, dict[str, Any]] = {}
        self.closed: set[str] = set()
        """Videos without comments."""
        self.units = 0
        self.refusal: tuple[int, str] | None = None

    def routes(self, app: web.Application) -> None:
        app.router.add_get("/youtube/v3/{method}", self._asked)

    def channel(self, handle: str, title: str = "") -> str:
        number = f"UC{len(self.channels):022d}"
        self.channels[number] = {"handle": handle, "title": title or handle}
        return number

    def publish(self, channel: str, title: str, description: str = "", **fields: Any) -> str:
        number = f"video{len(self.videos):06d}"
        self.videos[number] = {
            "publishedAt": iso(fields.pop("at", self.now)),
            "channelId": channel,
            "channelTitle": self.channels[channel]["title"],
            "title": title,
            "description": description,
            "liveBroadcastContent": "none",
            **fields,
        }
        return number

    def comment(self, video: str, text: str, *, parent: str = "", **fields: Any) -> str:
        number = f"{parent}.{len(self.comments):04d}" if parent else f"Ug{len(self.comments):024d}"
        made = iso(fields.pop("at", self.now))
        self.comments[number] = {
            "videoId": video,
            "textDisplay": text,
            "textOriginal": text,
            "authorDisplayName": "@petya",
            "authorChannelId": {"value": "UCpetya"},
            "likeCount": 0,
            "publishedAt": made,
            "updatedAt": made,
            **({"parentId": parent} if parent else {}),
            **fields,
        }
        return number

    async def _asked(self, request: web.Request) -> web.Response:
        method, asked = request.match_info["method"], request.query
        self.units += 100 if method == "search" else 1
        assert "key" not in asked
        if request.headers.get("X-Goog-Api-Key") != KEY:
            return failure(400, "API_KEY_INVALID")
        if self.refusal is not None:
            return failure(*self.refusal)
        match method:
            case "channels":
                found = [
                    n
                    for n, each in self.channels.items()
                    if n == asked.get("id") or each["handle"] == asked.get("forHandle")
                ]
                return page([self._channel(number) for number in found], asked)
            case "playlistItems":
                numbers = [
                    n
                    for n, each in self.videos.items()
                    if f"UU{each['channelId'][2:]}" == asked["playlistId"]
                ]
                return page([{"contentDetails": {"videoId": number}} for number in reversed(numbers)], asked)
            case "videos":
                return page([self._video(n) for n in asked["id"].split(",") if n in self.videos], asked)
            case "search":
                return page(self._search(asked), asked)
            case "commentThreads":
                return self._threads(asked)
        under = [n for n, each in self.comments.items() if each.get("parentId") == asked["parentId"]]
        return page([self._comment(number) for number in under], asked)

    def _channel(self, number: str) -> dict[str, Any]:
        return {"id": number, "contentDetails": {"relatedPlaylists": {"uploads": f"UU{number[2:]}"}}}

    def _video(self, number: str) -> dict[str, Any]:
        counts = {"viewCount": "100", "likeCount": "7"}
        if number not in self.closed:
            counts["commentCount"] = str(sum(each["videoId"] == number for each in self.comments.values()))
        return {"kind": "youtube#video", "id": number, "snippet": self.videos[number], "statistics": counts}

    def _search(self, asked: Any) -> list[dict[str, Any]]:
        since, until = asked["publishedAfter"], asked.get("publishedBefore", "9")
        found = [
            number
            for number, each in self.videos.items()
            if asked["q"].strip('"').lower() in f"{each['title']} {each['description']}".lower()
            and since <= each["publishedAt"] < until
        ]
        found.sort(key=lambda number: self.videos[number]["publishedAt"], reverse=True)
        return [
            {"id": {"kind": "youtube#video", "videoId": number}, "snippet": self.videos[number]}
            for number in found
        ]

    def _threads(self, asked: Any) -> web.Response:
        video = asked["videoId"]
        if video not in self.videos:
            return failure(404, "videoNotFound")
        if video in self.closed:
            return failure(403, "commentsDisabled")
        tops = [n for n, each in self.comments.items() if each["videoId"] == video and "parentId" not in each]
        tops.sort(key=lambda number: self.comments[number]["publishedAt"], reverse=True)
        return page([self._thread(number) for number in tops], asked)

    def _thread(self, number: str) -> dict[str, Any]:
        under = [n for n, each in self.comments.items() if each.get("parentId") == number]
        told = {"topLevelComment": self._comment(number), "totalReplyCount": len(under), "isPublic": True}
        replies = (
            {"replies": {"comments": [self._comment(each) for each in under[-INLINE:]]}} if under else {}
        )
        return {"kind": "youtube#commentThread", "id": number, "snippet": told, **replies}

    def _comment(self, number: str) -> dict[str, Any]:
        return {"kind": "youtube#comment", "id": number, "snippet": self.comments[number]}


def page(items: list[dict[str, Any]], asked: Any) -> web.Response:
    """A page of items; its token counts from the end, as new items come at the beginning."""
    size = int(asked.get("maxResults", 5))
    left = int(asked["pageToken"].removeprefix("left")) if "pageToken" in asked else len(items)
    shown = items[len(items) - left :][:size]
    rest = left - len(shown)
    more = {"nextPageToken": f"left{rest}"} if rest > 0 else {}
    return web.json_response({"items": shown, "pageInfo": {"totalResults": len(items)}, **more})


def failure(status: int, reason: str) -> web.Response:
    error = {"code": status, "message": "no", "errors": [{"message": "no", "reason": reason}]}
    return web.json_response({"error": error}, status=status)


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
