"""The options of a ``page`` agent: which lists of one site are read, and by which selectors."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, model_validator
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from agents.options import Address, AgentOptions, Interval, Limits

_PICK: Final = re.compile(r"^(?P<css>[^@]*?)\s*(?:@(?P<attribute>[\w:.-]+))?$", re.DOTALL)
COUNT: Final = "count"
"""``.star.full @count`` is how many elements there are."""
PAGE: Final = "{page}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Pick(_Part):
    """Where a value stands: ``css``, ``css @attribute``, ``@attribute`` of the item itself, or a JMESPath.

    ``pattern``: a regular expression; its first group, or all of its match, is the value.
    """

    pick: str = Field(min_length=1, max_length=1000)
    pattern: re.Pattern[str] | None = None

    @property
    def css(self) -> str:
        found = _PICK.match(self.pick)
        return found["css"].strip() if found else self.pick

    @property
    def attribute(self) -> str:
        found = _PICK.match(self.pick)
        return (found["attribute"] or "") if found else ""

    def cut(self, text: str) -> str:
        """The part of a value that ``pattern`` asks for; empty where it does not match."""
        if self.pattern is None:
            return text
        found = self.pattern.search(text)
        return "" if found is None else (found[1] or "") if self.pattern.groups else found[0]


def _pick(value: Any) -> Any:
    return {"pick": value} if isinstance(value, str) else value


def _picks(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


OnePick = Annotated[Pick, BeforeValidator(_pick)]
Picks = Annotated[tuple[OnePick, ...], BeforeValidator(_picks), Field(min_length=1, max_length=8)]
"""One or several: the first that finds something counts; of texts all of them, one below the other."""


class Fields(_Part):
    """Where the values of an item stand, within the item."""

    text: Picks | None = None
    id: Picks | None = None
    """What identifies it as long as it lives; without one an edited text is another item."""
    link: Picks | None = None
    title: Picks | None = None
    author: Picks | None = None
    author_id: Picks | None = None
    date: Picks | None = None
    rating: Picks | None = None
    media: Picks | None = None
    """Pictures: all that are found."""


class ReplyFields(_Part):
    """A company's reply: ``item`` finds it within its review, the others stand within it."""

    item: str = Field(min_length=1, max_length=1000)
    text: Picks
    author: Picks | None = None
    date: Picks | None = None


class ReviewList(_Part):
    """A list of one company, product or place; ``own`` where it is the watched company's."""

    url: Address
    name: str = Field(default="", max_length=200)
    own: bool = False


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is no time zone: write one such as Europe/Moscow") from error
    return value


class Options(AgentOptions):
    """One site, whose pages are read alike."""

    LIMITS: ClassVar[Limits] = Limits(requests_per_second=0.2, burst=1)

    lists: tuple[ReviewList, ...] = Field(min_length=1, max_length=30)
    source: str = Field(default="", max_length=128, pattern=r"^[^:\s\x00]*$")
    """The source of the posts; empty: the name of the entry."""
    format: Literal["html", "json-ld", "json"] = "html"
    item: str = Field(default="", max_length=1000)
    """Finds the items of a page: CSS, or for ``json`` a JMESPath that gives a list."""
    fields: Fields = Fields()
    reply: ReplyFields | None = None
    next: OnePick | None = None
    """The address of the next page; or write ``{page}`` into the addresses of the lists."""
    first: int = Field(default=1, ge=0, le=1)
    """The number of the first page, for ``{page}``."""
    empty: str = Field(default="", max_length=1000)
    """Finds what a list without items shows; without it such a list is an error."""
    best: float = Field(default=5.0, gt=0, le=1000)
    """The highest rating, where a page does not say it."""
    zone: Annotated[str, AfterValidator(_zone)] = "Europe/Moscow"
    """Of dates that name none."""
    interval: Interval = Field(default=timedelta(minutes=30), ge=timedelta(minutes=5), le=timedelta(days=7))
    sweep: Interval = Field(default=timedelta(days=1), ge=timedelta(hours=1), le=timedelta(days=30))
    """How often all ``pages`` are read, for edits and late replies."""
    pages: int = Field(default=5, ge=1, le=100)

    @property
    def called(self) -> str:
        """The source of the posts."""
        return self.source or self.name

    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(each.url) for each in self.lists))

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.format != "json-ld" and (not self.item or self.fields.text is None):
            raise ValueError("write where the items stand (`item`) and their texts (`fields: {text: ...}`)")
        if self.format == "json-ld" and (self.item or self.reply or self.fields != Fields()):
            raise ValueError("`json-ld` needs no selectors: leave `item`, `fields` and `reply` out")
        if self.next is not None and any(PAGE in _decoded(each.url) for each in self.lists):
            raise ValueError("either `next` or {page} in the addresses, not both")
        addresses = [str(each.url) for each in self.lists]
        if len({*addresses}) < len(addresses):
            raise ValueError("a list stands there twice")
        for selector in self._selectors():
            self._require_readable(selector)
        return self

    def _selectors(self) -> list[str]:
        """All selectors, without their attributes."""
        parts: list[Fields | ReplyFields] = [self.fields]
        if self.reply is not None:
            parts.append(self.reply)
        picks = [self.next] if self.next is not None else []
        for part in parts:
            for name in type(part).model_fields:
                found = getattr(part, name)
                picks += found if isinstance(found, tuple) else []
        plain = [self.item, self.empty, self.reply.item if self.reply else ""]
        written = [each.pick if self.format == "json" else each.css for each in picks]
        return [each for each in (*plain, *written) if each]

    def _require_readable(self, selector: str) -> None:
        try:
            if self.format == "json":
                jmespath.compile(selector)
            else:
                LexborHTMLParser("").css(selector)
        except (SelectolaxError, JMESPathError) as error:
            kind = "JMESPath" if self.format == "json" else "CSS selector"
            raise ValueError(f"`{selector}` is no {kind}: {error}") from error


def _decoded(url: HttpUrl) -> str:
    return str(url).replace("%7B", "{").replace("%7D", "}")


def address_of(each: ReviewList) -> str:
    """The address of a list as it was written, with ``{page}`` where it stands."""
    return _decoded(each.url)
