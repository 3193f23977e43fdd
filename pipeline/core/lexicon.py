"""The matcher's dictionary: every spelling of every alias, account and context word, by its skeleton."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.core.accounts import spellings
from pipeline.core.aliases import Inflect, context_forms, forms
from pipeline.core.fold import plain, skeleton
from pipeline.core.watchlist import Alias, Watchlist, WatchObject

OPEN_END = "*"
"""At the end of a context word: any ending may follow (``кредит*``)."""


_RANK = {
    rule: rank for rank, rule in enumerate(("handle", "account", "alias", "inflected", "translit", "other"))
}


class Entry(NamedTuple):
    """What a spelling stands for."""

    object_id: str
    """Empty for a name that only looks like an alias (``unless_part_of``)."""
    alias: str
    rule: str
    exact: str = ""
    """How it must be written; empty: any case."""
    required: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()


class Key:
    """All that one skeleton stands for: entries by their `plain` spelling, and context words."""

    __slots__ = ("contexts", "entries", "has_accounts", "open_contexts", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.entries: dict[str, tuple[Entry, ...]] = {}
        self.has_accounts = False
        self.contexts: tuple[int, ...] = ()
        self.open_contexts: tuple[int, ...] = ()

    def add(self, spelling: str, entry: Entry) -> None:
        """Add an entry; of the same object's the one with the plainest rule is kept, then the first."""
        known = self.entries.get(spelling, ())
        rivals = [
            other for other in known if (other.object_id, other.exact) == (entry.object_id, entry.exact)
        ]
        if any(_RANK[other.rule] <= _RANK[entry.rule] for other in rivals):
            return
        self.entries[spelling] = (*(other for other in known if other not in rivals), entry)
        self.has_accounts |= entry.rule in ("account", "handle")


class Lexicon:
    """Built once from a watchlist; ``keys`` maps skeletons to what they stand for."""

    def __init__(self, watchlist: Watchlist, inflect: Inflect) -> None:
        self.keys: dict[str, Key] = {}
        self._inflect = inflect
        self._contexts: dict[str, int] = {}
        for watched in watchlist:
            for alias in watched.aliases:
                self._add_alias(alias, watched)
            self._add_accounts(watched)
            for phrase in watched.unless_part_of:
                for form in context_forms(phrase, inflect):
                    self._key(form).add(form, Entry("", phrase, "other"))

    def _add_alias(self, alias: Alias, watched: WatchObject) -> None:
        required = self._context_ids(watched.required(alias))
        excluded = self._context_ids(watched.excluded(alias))
        exact = " ".join(alias.text.split()) if alias.exact else ""
        by_rule: dict[str, Entry] = {}
        for form in forms(alias, watched, self._inflect):
            if form.rule not in by_rule:
                by_rule[form.rule] = Entry(watched.id, alias.text, form.rule, exact, required, excluded)
            self._key(form.plain).add(form.plain, by_rule[form.rule])

    def _add_accounts(self, watched: WatchObject) -> None:
        for source, accounts in watched.accounts.items():
            for account in accounts:
                spelled = spellings(account, source)
                if spelled.handle:
                    self._add(f"@{spelled.handle}", Entry(watched.id, account, "handle"))
                for address in spelled.addresses:
                    self._add(address, Entry(watched.id, account, "account"))

    def _add(self, spelling: str, entry: Entry) -> None:
        form = plain(spelling)
        self._key(form).add(form, entry)

    def _context_ids(self, words: Iterable[str]) -> tuple[int, ...]:
        return tuple(self._context_id(word) for word in words)

    def _context_id(self, word: str) -> int:
        if word not in self._contexts:
            number = self._contexts[word] = len(self._contexts)
            if word.endswith(OPEN_END):
                self._key(plain(word.rstrip(OPEN_END))).open_contexts += (number,)
            else:
                for form in set(context_forms(word, self._inflect)):
                    self._key(form).contexts += (number,)
        return self._contexts[word]

    def _key(self, spelling: str) -> Key:
        folded = skeleton(spelling)
        if folded not in self.keys:
            self.keys[folded] = Key(len(folded))
        return self.keys[folded]
