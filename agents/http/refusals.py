"""How the HTTP ingest says no: always JSON, always with what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware
from aiohttp.web_exceptions import HTTPException
from prometheus_client import Counter

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


KEPT = ("Retry-After", "WWW-Authenticate")
"""Headers that a refusal may have."""


def _answer(status: int, error: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": error, "detail": detail}, status=status, headers=headers)


class Refusal(HTTPException):
    """Ends a request with a JSON error that says what to do."""

    def __init__(
        self, status: int, error: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status_code = status
        super().__init__(headers=headers)
        self.error = error
        self.detail = detail


def explained(answers: Counter) -> Middleware:
    """A middleware: every refusal is JSON, also those of aiohttp itself; and all answers are counted."""

    @web.middleware
    async def explain(request: web.Request, handler: Respond) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
            if request.method == "POST":
                answers.labels("taken" if answer.status == 202 else "rejected").inc()
            return answer
        except Refusal as refusal:
            answers.labels(refusal.error).inc()
            kept = {name: value for name, value in refusal.headers.items() if name in KEPT}
            return _answer(refusal.status, refusal.error, refusal.detail, kept)
        except HTTPException as error:
            answers.labels("http").inc()
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return _answer(error.status, "http", f"{error.reason}; posts go to POST /v1/posts", allow)

    return explain
