"""How the HTTP ingest says no: always JSON, always with what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.web_exceptions import HTTPException

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _problem(error: str, detail: str) -> dict[str, str]:
    return {"error": error, "detail": detail}


def refuse(status: int, error: str, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error as JSON."""
    return web.json_response(_problem(error, detail), status=status, headers=headers)


class Refusal(HTTPException):
    """Ends a request with a JSON error that says what to do."""

    def __init__(
        self, status: int, error: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status_code = status
        super().__init__(headers=headers)
        self.problem = _problem(error, detail)


@web.middleware
async def explain_errors(request: web.Request, handler: Respond) -> web.StreamResponse:
    """Every refusal is JSON, also those of aiohttp itself."""
    try:
        answer: web.StreamResponse = await handler(request)
        return answer
    except Refusal as refusal:
        kept = {name: value for name, value in refusal.headers.items() if name == "Retry-After"}
        return web.json_response(refusal.problem, status=refusal.status_code, headers=kept)
    except HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return refuse(error.status, "http", f"{error.reason}; posts go to POST /v1/posts", headers)
