"""The source of a ``reddit`` agent: its listings, and the posts that are read again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from agents.base import BadConfiguration, Collected
from agents.discussions.rounds import Rounds, Task
from agents.listing import own_accounts
from agents.named_texts import NamedTexts
from agents.pace import Pace
from agents.reddit.cursor import MAX_SEEN, Cursor
from agents.reddit.door import Api
from agents.reddit.options import SOURCE, Options, subreddit_name, user_name
from agents.reddit.posts import SUBMISSION, Thing, name_of, words_of
from agents.reddit.tasks import Again, Desk, News
from agents.seen import Seen
from agents.surroundings import Surroundings
from schemas.base import LIVE

SLOWER: Final = 5
SEARCH_SLOWER: Final = 3
MINUTE: Final = timedelta(minutes=1)


def _community(name: str) -> str:
    """Of the watchlist's accounts those that are subreddits are written ``r/name``."""
    if not name.lower().removeprefix("https://www.reddit.com").lstrip("/").startswith("r/"):
        raise ValueError(name)
    return subreddit_name(name)


class RedditSource:
    """See `agents.base.Source`."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace + min(options.every, timedelta(minutes=10))
        self._options = options
        self._around = around
        self._own = own_accounts(around.watchlist, SOURCE, user_name)
        self._places = own_accounts(around.watchlist, SOURCE, _community)
        aliases = (alias.text for each in around.watchlist or () for alias in each.aliases)
        self._aliases = tuple(dict.fromkeys(words.lower() for words in aliases)) if options.search else ()
        asked = (*self._own, *self._places, *options.subreddits, *options.users, *options.queries)
        if not (asked or self._aliases):
            raise BadConfiguration(
                f"{around.agent} has nothing to collect: give it `subreddits`, `users` or `queries`, or a"
                " watchlist"
            )
        self._named = NamedTexts(around.watchlist) if self._aliases and around.watchlist is not None else None

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        options, around, state = self._options, self._around, Cursor.read(cursor)
        seen = Seen.unpacked(state.seen, MAX_SEEN)
        desk = Desk(Api(options, around.web), state, seen, around, self._own, self._places)
        tasks = [*self._listings(desk), *self._searches(desk)]
        state.places = {task.name: state.places[task.name] for task in tasks}
        span = int(options.threads_for.total_seconds())
        tasks.append(Again(desk, self._pace(MINUTE, 1), span))

        def saved() -> str:
            state.seen = seen.packed()
            return state.written()

        async with aclosing(Rounds(tasks, around, saved).items()) as items:  # type: ignore[type-var]
            async for item in items:
                yield item

    def _listings(self, desk: Desk) -> list[Task]:
        options = self._options
        places = dict.fromkeys((*self._places, *options.subreddits))
        users = dict.fromkeys((*self._own, *options.users))
        paths = [f"r/{name}/{what}" for name in places for what in ("new", "comments")]
        paths += [f"user/{name}/{what}" for name in users for what in ("submitted", "comments")]
        return [
            News(
                path,
                desk,
                self._pace(options.every, SLOWER),
                wanted=lambda _: True,
                tree=self._of_submissions if path.endswith("submitted") else lambda _: False,
                **({"sort": "new"} if path.startswith("user/") else {}),
            )
            for path in paths
        ]

    def _searches(self, desk: Desk) -> list[Task]:
        whole = {words.lower() for words in self._options.queries}
        return [
            News(
                "search",
                desk,
                self._pace(self._options.every * SEARCH_SLOWER, SLOWER),
                wanted=(lambda _: True) if words in whole else self._names_something,
                tree=self._of_submissions,
                q=f'"{words}"',
                sort="new",
                type="link",
                t="week",
                include_over_18="on",
            )
            for words in dict.fromkeys((*whole, *self._aliases))
        ]

    def _names_something(self, thing: Thing) -> bool:
        return self._named is None or words_of(thing) in self._named

    def _of_submissions(self, thing: Thing) -> bool:
        return self._options.threads and name_of(thing).startswith(SUBMISSION)

    def _pace(self, fastest: timedelta, slower: int) -> Pace:
        return Pace(self._around.clock, self._around.jitter, fastest=fastest, slowest=fastest * slower)
