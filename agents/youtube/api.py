"""Asks the YouTube Data API v3, within the quota; its errors by their reasons."""

from __future__ import annotations

from typing import Any, Final

from agents.base import Refused, SourceUnavailable
from agents.discussions.posting import part_of, parts_of, text_of
from agents.listing import Unreadable
from agents.rates import token_key
from agents.web import Unusable, Web
from agents.youtube.options import Options
from agents.youtube.quota import Quota

OK: Final = 200
JSON: Final = ("application/json",)
DAY_IS_OVER: Final = ("quotaExceeded", "dailyLimitExceeded", "dailyLimitExceeded402")
TOO_FAST: Final = ("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED")
KEY: Final = {
    "keyInvalid": "the API key is not valid: copy it anew from the Google Cloud console",
    "API_KEY_INVALID": "the API key is not valid: copy it anew from the Google Cloud console",
    "keyExpired": "the API key has expired: make another one",
    "accessNotConfigured": "the project of the key lacks the API: enable `YouTube Data API v3` for it",
    "SERVICE_DISABLED": "the project of the key lacks the API: enable `YouTube Data API v3` for it",
    "ipRefererBlocked": "the key is restricted to other addresses: allow this server's",
    "API_KEY_IP_ADDRESS_BLOCKED": "the key is restricted to other addresses: allow this server's",
    "API_KEY_SERVICE_BLOCKED": "the key is restricted to other APIs: allow `YouTube Data API v3`",
}


class Reason(SourceUnavailable):
    """YouTube refuses this question; others are none the worse. ``reason`` is YouTube's word for why."""

    def __init__(self, message: str, reason: str, status: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


class Api:
    """The API with one key."""

    def __init__(self, options: Options, web: Web, quota: Quota) -> None:
        self._options = options
        self._token_key = token_key("youtube", options.key.get_secret_value())
        self._web = web
        self._quota = quota

    async def page(self, method: str, *, reserved: bool = True, **params: Any) -> dict[str, Any]:
        """A page of ``method``, such as ``videos``.

        Raises:
            Reason: YouTube refuses it.
            Unreadable: the key must be mended.
            Refused: the quota is used up, or YouTube wants a rest.
            SourceUnavailable: no answer, or one that cannot be used.
        """
        if method == "search":
            self._quota.take_search()
        else:
            self._quota.take(reserved=reserved)
        reply = await self._web.get(
            f"{self._options.api}/youtube/v3/{method}",
            params={name: value for name, value in params.items() if value != ""},
            headers={"X-Goog-Api-Key": self._options.key.get_secret_value()},
            accept=JSON,
            token_key=self._token_key,
        )
        found = reply.json()
        if reply.status != OK:
            raise self._failure(method, reply.status, found)
        if not isinstance(found, dict):
            raise Unusable(f"{method} of YouTube gave no object")
        return found

    def _failure(self, method: str, status: int, told: Any) -> SourceUnavailable:
        error = part_of(told, "error")
        said = text_of(error.get("message"))[:200]
        reasons = [
            text_of(each.get("reason")) for key in ("errors", "details") for each in parts_of(error, key)
        ]
        reason = next((each for each in reasons if each in KEY), next(filter(None, reasons), ""))
        if reason in DAY_IS_OVER:
            return Refused(f"{method}: the quota of the day is used up", self._quota.used_up())
        if reason in TOO_FAST:
            return Refused(f"{method}: asked too fast", None)
        if reason in KEY:
            return Unreadable(KEY[reason])
        return Reason(f"{method}: HTTP {status} {reason} {said}".strip(), reason, status)
