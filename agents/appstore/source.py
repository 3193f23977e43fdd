"""The lists of an ``appstore`` agent: an app in a country, up to ten pages of fifty reviews."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from agents.appstore.options import App, Options, app_id
from agents.appstore.reviews import SOURCE, app_name, entries_of, reviews_of
from agents.base import BadConfiguration
from agents.listing import MAX_LISTS, ListingSource, Page, Validators, ask, own_accounts
from agents.surroundings import Surroundings
from agents.web import Web

DEEPEST: Final = 10
"""Apple gives no more pages."""


class Reviews:
    """The reviews of an app in a country, newest first."""

    def __init__(self, app: App, country: str, site: str, web: Web) -> None:
        self.name = f"{country}/{app.id}"
        self._app = app
        self._country = country
        self._site = site
        self._web = web
        self._called = app.name

    async def pages(self, known: Validators, most: int) -> AsyncIterator[Page]:
        """See `agents.listing.source.Listing.pages`; an empty page is the end."""
        for number in range(1, min(most, DEEPEST) + 1):
            reply = await ask(
                self._web,
                f"{self._site}/{self._country}/rss/customerreviews/page={number}/id={self._app.id}"
                "/sortby=mostrecent/json",
                known if number == 1 else Validators(),
                missing=f"there is no app {self._app.id} in the store of {self._country}",
            )
            if reply is None:
                return
            entries = entries_of(reply.json())
            self._called = self._called or app_name(entries)
            reviews = reviews_of(entries, self._channel(), self._country)
            if not reviews:
                return
            yield Page(reviews, reply.validators)

    def _channel(self) -> dict[str, str | bool]:
        return {"id": self._app.id, "name": self._called, "kind": "app", "own": self._app.own}


def build(options: Options, around: Surroundings) -> ListingSource:
    """The source of an entry of agents.yaml.

    Raises:
        BadConfiguration: there is nothing to read, or too much.
    """
    own = own_accounts(around.watchlist, SOURCE, app_id)
    apps = {app.id: app.model_copy(update={"own": app.own or app.id in own}) for app in options.apps}
    apps = {**{number: App(id=number, own=True) for number in own}, **apps}
    lists = [
        Reviews(app, country, options.site, around.web)
        for app in apps.values()
        for country in dict.fromkeys(options.countries)
    ]
    if not lists:
        raise BadConfiguration(
            f"{around.agent} has nothing to read: give it `apps`, or the watchlist accounts of appstore"
        )
    if len(lists) > MAX_LISTS:
        raise BadConfiguration(
            f"{around.agent} has {len(apps)} apps in {len(options.countries)} countries, {len(lists)} lists:"
            f" put what is beyond {MAX_LISTS} into another entry"
        )
    return ListingSource(lists, around, interval=options.interval, sweep=options.sweep, pages=options.pages)
