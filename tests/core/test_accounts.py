"""Whose account an author is: the quick way past authors that own nothing finds the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.accounts import Owners, spellings
from pipeline.core.watchlist import ANY_SOURCE, Alias, Watchlist, WatchObject

ACCOUNTS = {
    "bank": {"vk": ("@Bank", "vk.com/bank_help", "12345"), ANY_SOURCE: ("bank.ru", "Банк Слово")},
    "shop": {"telegram": ("t.me/shop.ru", "@shop"), ANY_SOURCE: ("@bank",)},
}
NAMES = (
    "@bank", "Bank", "bank", "BANK_HELP", "@12345", "12345", "vk.com/bank", "https://vk.com/bank_help",
    "bank.ru", "www.bank.ru", "банк слово", "@банк", "t.me/shop.ru", "shop.ru", "shop", "@@bank", "nobody",
    "", " bank ",
)  # fmt: skip


def watchlist() -> Watchlist:
    return Watchlist(
        tuple(
            WatchObject(id=name, kind="brand", name=name, aliases=(Alias(text=name),), accounts=accounts)
            for name, accounts in ACCOUNTS.items()
        )
    )


def looked_up(source: str, names: tuple[str, ...]) -> set[str]:
    """Every spelling of every name beside every spelling of every account."""
    found = set()
    for owner, by_source in ACCOUNTS.items():
        owned = {
            key for at, listed in by_source.items() for one in listed for key in spellings(one, at).owners
        }
        for name in filter(None, (name.strip().lower() for name in names)):
            for where in (source.lower(), ANY_SOURCE):
                if owned & {(where, name), *spellings(name, where).owners}:
                    found.add(owner)
    return found


texts = st.sampled_from(NAMES) | st.text(alphabet="bank@._/ашop1 ", max_size=12)


@given(st.sampled_from(("vk", "VK", "telegram", "rss")), st.lists(texts, max_size=3).map(tuple))
def test_the_quick_way_finds_what_the_full_look_up_finds(source: str, names: tuple[str, ...]) -> None:
    assert set(Owners(watchlist()).of(source, names)) == looked_up(source, names)


def test_nobody_owns_what_is_not_listed() -> None:
    assert Owners(Watchlist(())).of("vk", ("@bank",)) == ()
    assert Owners(watchlist()).of("vk", ("@nobody", "-1")) == ()
