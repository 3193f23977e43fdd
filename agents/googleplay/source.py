"""The lists of a ``googleplay`` agent: the reviews of an app that were written or edited in the last week."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import httpx

from agents.base import Refused, SourceUnavailable
from agents.googleplay.access import Access, problem_of
from agents.googleplay.options import REMEMBERED, App, Options
from agents.googleplay.reviews import entries_of
from agents.listing import ListingSource, Page, Unreadable, Validators
from agents.surroundings import Surroundings
from agents.web import Reply, Web

PAGE: Final = 100
"""The most that Google gives at once."""
MOST_PAGES: Final = 60
USED_UP: Final = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded")
PAUSE: Final = timedelta(minutes=10)
"""After a quota of an hour is used up."""


class Reviews:
    """The reviews of an app, newest first."""

    def __init__(self, app: App, site: str, access: Access, web: Web) -> None:
        self.name = app.package
        self._app = app
        self._url = f"{site}/androidpublisher/v3/applications/{app.package}/reviews"
        self._access = access
        self._web = web

    async def pages(self, known: Validators, most: int) -> AsyncIterator[Page]:
        """See `agents.listing.source.Listing.pages`; ``known`` is not used, the API has nothing like it."""
        channel = {
            "id": self._app.package,
            "name": self._app.name or self._app.package,
            "kind": "app",
            "own": True,
        }
        token: str | None = None
        for _ in range(most):
            document = await self._ask(token)
            reviews = document.get("reviews", ())
            if not isinstance(reviews, list | tuple):
                raise SourceUnavailable("Google Play's answer has no list of reviews")
            yield Page([entry for each in reviews for entry in entries_of(each, channel)])
            following = document.get("tokenPagination")
            token = following.get("nextPageToken") if isinstance(following, dict) else None
            if not token:
                return

    async def _ask(self, token: str | None) -> dict[str, Any]:
        reply = await self._get(token)
        if reply.status == httpx.codes.UNAUTHORIZED:
            self._access.forget()
            reply = await self._get(token)
        if reply.status != httpx.codes.OK:
            raise _refusal(reply, self._app.package)
        document = reply.json()
        if not isinstance(document, dict):
            raise SourceUnavailable("Google Play's answer is JSON, but no object")
        return document

    async def _get(self, token: str | None) -> Reply:
        return await self._web.get(
            self._url,
            params={"maxResults": PAGE, "token": token},
            headers={"Authorization": f"Bearer {await self._access.token()}"},
            token_key=self._access.token_key,
        )


def _refusal(reply: Reply, package: str) -> SourceUnavailable:
    """What an error of the API means."""
    message, reason = problem_of(reply)
    told = f"{package}: HTTP {reply.status} {message}".rstrip()
    if reason in USED_UP:
        return Refused(told, PAUSE)
    match reply.status:
        case httpx.codes.UNAUTHORIZED:
            return Unreadable(f"{told}: Google does not take the token of the service account")
        case httpx.codes.FORBIDDEN:
            return Unreadable(
                f"{told}: enable the Google Play Android Developer API in the project, and give the service"
                " account the right to reply to reviews of the app in the Play Console"
            )
        case httpx.codes.NOT_FOUND:
            return Unreadable(f"{told}: there is no such app, or none in production")
        case _:
            return SourceUnavailable(told)


def build(options: Options, around: Surroundings) -> ListingSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: the credentials are no key of a service account.
    """
    access = Access(options.credentials, options.sign_in, around)
    lists = [Reviews(app, options.site, access, around.web) for app in options.apps]
    return ListingSource(
        lists,
        around,
        interval=options.interval,
        sweep=options.sweep,
        pages=MOST_PAGES,
        remembered=REMEMBERED,
    )
