"""The matcher's dictionary: every spelling of every alias, account and context word, by its skeleton."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
_SPELLED = frozenset(("alias", "inflected", "translit"))


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
    misspelled: bool = False
    """Whether misspellings of it are looked for."""
    is_person: bool = False

    @property
    def is_spelled(self) -> bool:
        """Whether it is a spelling of a name of the watchlist that may be disguised."""
        return bool(self.object_id) and not self.exact and self.rule in _SPELLED


class Key:
    """All that one skeleton stands for: entries by their `plain` spelling, and context words."""

    __slots__ = ("contexts", "entries", "has_accounts", "open_contexts", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.entries: tuple[tuple[str, tuple[Entry, ...]], ...] = ()
        """Few, and in tuples: there are millions of keys."""
        self.has_accounts = False
        self.contexts: tuple[int, ...] = ()
        self.open_contexts: tuple[int, ...] = ()

    def of(self, spelling: str) -> tuple[Entry, ...]:
        """What a `plain` spelling stands for."""
        for known, entries in self.entries:
            if known == spelling:
                return entries
        return ()

    def add(self, spelling: str, single: tuple[Entry]) -> None:
        """Add one entry; of the same object's the one with the plainest rule is kept, then the first."""
        [entry] = single
        known = self.of(spelling)
        rivals = [
            other for other in known if (other.object_id, other.exact) == (entry.object_id, entry.exact)
        ]
        if any(_RANK[other.rule] <= _RANK[entry.rule] for other in rivals):
            return
        kept = tuple(other for other in known if other not in rivals)
        others = tuple(pair for pair in self.entries if pair[0] != spelling)
        self.entries = (*others, (spelling, kept + single if kept else single))
        self.has_accounts |= entry.rule in ("account", "handle")

    def names(self) -> Iterator[tuple[str, Entry]]:
        """The spellings of names (no accounts, nothing exact) and what they stand for."""
        for spelling, entries in self.entries:
            for entry in entries:
                if entry.is_spelled:
                    yield spelling, entry


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
                    self._put(form, (Entry("", phrase, "other"),))

    def _add_alias(self, alias: Alias, watched: WatchObject) -> None:
        required = self._context_ids(watched.required(alias))
        excluded = self._context_ids(watched.excluded(alias))
        exact = " ".join(alias.text.split()) if alias.exact else ""
        by_rule: dict[str, tuple[Entry]] = {}
        for form in forms(alias, watched, self._inflect):
            if form.rule not in by_rule:
                entry = Entry(
                    watched.id,
                    alias.text,
                    form.rule,
                    exact,
                    required,
                    excluded,
                    alias.misspellings,
                    watched.kind == "person",
                )
                by_rule[form.rule] = (entry,)
            self._put(form.plain, by_rule[form.rule])

    def _add_accounts(self, watched: WatchObject) -> None:
        for source, accounts in watched.accounts.items():
            for account in accounts:
                spelled = spellings(account, source)
                if spelled.handle:
                    self._add(f"@{spelled.handle}", Entry(watched.id, account, "handle"))
                for address in spelled.addresses:
                    self._add(address, Entry(watched.id, account, "account"))

    def _add(self, spelling: str, entry: Entry) -> None:
        self._put(plain(spelling), (entry,))

    def _put(self, form: str, single: tuple[Entry]) -> None:
        folded = skeleton(form)
        key = self.keys.get(folded)
        if key is None:
            key = self.keys[folded] = Key(len(folded))
        key.add(folded if form == folded else form, single)

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
