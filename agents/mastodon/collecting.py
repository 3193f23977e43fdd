"""What becomes of the statuses of all instances: which are kept, which are news, whom they answer to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from agents.base import Collected, Found, Gone, Rejected, SourceUnavailable
from agents.mastodon.answers import Status
from agents.mastodon.api import Api, Denied, Missing
from agents.mastodon.cursor import REMEMBERED, InstanceState
from agents.mastodon.feeds import Feed
from agents.mastodon.options import SOURCE, Options
from agents.mastodon.replies import Parents
from agents.mastodon.statuses import account_names, is_shown, post_of, uri_of, words_of
from agents.named_texts import NamedTexts, in_language
from agents.remembered import Remembered
from agents.surroundings import Surroundings
from pipeline.core.accounts import Owners
from schemas.codec import InvalidRecord, parse_json

SEEN: Final = 20_000
ACCOUNTS: Final = 1000


class Collector:
    """Shared by the instances of an agent, so that a post that two of them tell is collected once."""

    def __init__(self, options: Options, around: Surroundings, states: dict[str, InstanceState]) -> None:
        self._options = options
        self._around = around
        watched = around.watchlist
        self._owners = None if watched is None else Owners(watched)
        self._named = None if watched is None or options.unfiltered else NamedTexts(watched)
        self._seen: Remembered[str, None] = Remembered(SEEN)
        self._deleted: Remembered[str, None] = Remembered(SEEN)
        self._accounts: Remembered[tuple[str, str], tuple[str, date]] = Remembered(ACCOUNTS)
        self.parents = Parents()
        self.recent: dict[str, Remembered[str, str]] = {
            each.url: Remembered(REMEMBERED, states.get(each.url, InstanceState()).recent)
            for each in options.instances
        }
        """Local id -> URI of what was collected of each instance."""

    async def posts(self, api: Api, feed: Feed, statuses: Sequence[Status]) -> list[Collected]:
        """The posts of what a feed tells, without those that are not wanted or known already."""
        wanted = [each for each in statuses if self._is_wanted(each, feed, api)]
        fresh = [each for each in wanted if _version(each) not in self._seen]
        self._note_elsewhere(api, wanted)
        if not (feed.public and self._options.unfiltered):
            await self.parents.learn(api, fresh, self.recent[api.instance.url])
        items: list[Collected] = []
        for status in fresh:
            if _version(status) in self._seen:  # another instance told it meanwhile
                continue
            self._seen.note(_version(status), None)
            item = self._post(api, status)
            if isinstance(item, Found):
                self.recent[api.instance.url].note(str(status["id"]), item.post.native_id)
            items.append(item)
        return items

    async def event(self, api: Api, feed: Feed, payload: str) -> tuple[list[Collected], str]:
        """What one pushed status becomes, and its id; a dead letter where it cannot be read."""
        text, origin = payload.encode("utf-8", "replace"), f"{SOURCE}:{api.instance.host}/{feed.key}"
        try:
            status = parse_json(text)
        except InvalidRecord as error:
            return [Rejected(text, origin, error.reason, error.detail)], ""
        if not isinstance(status, dict) or not status.get("id"):
            return [Rejected(text, origin, "invalid", "the event holds no post")], ""
        return await self.posts(api, feed, [status]), str(status["id"])

    def _note_elsewhere(self, api: Api, statuses: Sequence[Status]) -> None:
        """Remember what another instance told first: where it is absent there, this one may still show it."""
        others = [recent for url, recent in self.recent.items() if url != api.instance.url]
        known = {uri for recent in others for uri in recent.copy().values()} if others else set()
        for status in statuses:
            if uri_of(status) in known:
                self.recent[api.instance.url].note(str(status["id"]), uri_of(status))

    def gone(self, api: Api, payload: str) -> list[Collected]:
        """The deletion of a post that was collected; the server tells those of all posts."""
        status_id = payload.strip()
        uri = self.recent[api.instance.url].get(status_id)
        return [] if uri is None else [self._deletion(api, status_id, uri)]

    def absent(self, api: Api, status_id: str, uri: str) -> list[Collected]:
        """A post that an instance shows no longer: deleted, unless another one, not its home, remembers it.

        The other one is asked as well, and tells the deletion if it does not show it either.
        """
        if uri in self._deleted:
            return []
        others = [recent for url, recent in self.recent.items() if url != api.instance.url]
        is_home = urlsplit(uri).netloc == urlsplit(api.instance.url).netloc
        if not is_home and any(uri in recent.copy().values() for recent in others):
            self.recent[api.instance.url].forget(status_id)
            return []
        return [self._deletion(api, status_id, uri)]

    def _deletion(self, api: Api, status_id: str, uri: str) -> Gone:
        return Gone(SOURCE, uri, self._around.clock(), f"{SOURCE}:{api.instance.host}/{status_id}")

    def handed_on(self, url: str, items: Sequence[Collected]) -> None:
        """What was deleted is remembered no longer, once that is told."""
        deleted = {each.native_id for each in items if isinstance(each, Gone)}
        for each in deleted:
            self._deleted.note(each, None)
        for number, uri in self.recent[url].copy().items() if deleted else ():
            if uri in deleted:
                self.recent[url].forget(number)

    async def statuses_path(self, api: Api, feed: Feed, *, again: bool = False) -> str:
        """Where the posts of an account are; looked up once a day and ``again`` where something is missing.

        Raises:
            Denied: the account is not known there, closed, or has moved.
        """
        key, today = (api.instance.url, feed.account), self._around.clock().date()
        known = self._accounts.get(key)
        if again or known is None or known[1] != today:
            account = await _account(api, feed.account)
            known = (f"/api/v1/accounts/{account['id']}/statuses", today)
            self._accounts.note(key, known)
        return known[0]

    def is_own(self, names: tuple[str, ...]) -> bool:
        """Whether an account with one of these names is the company's."""
        return self._owners is not None and bool(self._owners.of(SOURCE, names))

    def _post(self, api: Api, status: Status) -> Found | Rejected:
        return post_of(
            status,
            host=api.instance.host,
            own=self.is_own,
            now=self._around.clock(),
            reply=self.parents.of(api, status, self.recent[api.instance.url]),
        )

    def _is_wanted(self, status: Status, feed: Feed, api: Api) -> bool:
        if not is_shown(status):
            return False
        language = status.get("language")
        spoken = [language] if isinstance(language, str) and language else []
        if feed.sifted and not in_language(spoken, self._options.languages):
            return False
        if not feed.public or self._named is None:
            return True
        return self._concerns_own(status, api) or words_of(status) in self._named

    def _concerns_own(self, status: Status, api: Api) -> bool:
        """Whether it is by one of the company's accounts, or addresses one."""
        mentioned = status.get("mentions")
        people = [status.get("account"), *(mentioned if isinstance(mentioned, list) else ())]
        host = api.instance.host
        return any(isinstance(each, dict) and self.is_own(account_names(each, host)) for each in people)


def _version(status: Status) -> str:
    return f"{uri_of(status) or status['id']}@{status.get('edited_at') or ''}"


async def _account(api: Api, name: str) -> dict[str, Any]:
    """What the instance knows of an account; asks the account's own server where there is a token for it."""
    user, _, host = name.partition("@")
    asked = user if host == api.instance.host.lower() else name
    try:
        account = await api.document("/api/v1/accounts/lookup", {"acct": asked})
    except Missing:
        if api.instance.token is None:
            raise
        params = {"q": f"@{name}", "type": "accounts", "resolve": "true", "limit": 1}
        found = (await api.document("/api/v2/search", params)).get("accounts")
        if not isinstance(found, list) or not found:
            raise Missing(f"{api.instance.host} knows no account {name}") from None
        account = found[0]
    if not isinstance(account, dict) or not account.get("id"):
        raise SourceUnavailable(f"{api.instance.host} tells nothing of the account {name}")
    if account.get("suspended") is True:
        raise Missing(f"the account {name} is suspended")
    moved = account.get("moved")
    if isinstance(moved, dict) and moved.get("acct"):
        raise Denied(f"the account {name} has moved to {moved['acct']}: name that one instead")
    return account
