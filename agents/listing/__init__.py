"""Lists that are read page by page, newest first: see `agents.listing.source.ListingSource`."""

from agents.listing.asking import ask
from agents.listing.cursor import MAX_LISTS
from agents.listing.entries import Entry
from agents.listing.source import Listing, ListingSource, Page, Unreadable
from agents.listing.words import own_accounts, tidy
from agents.web import Validators

__all__ = [
    "MAX_LISTS",
    "Entry",
    "Listing",
    "ListingSource",
    "Page",
    "Unreadable",
    "Validators",
    "ask",
    "own_accounts",
    "tidy",
]
