"""All that the language models say of a batch of texts: one CPU call, for enrichment and ``molva annotate``.

Language, names, watchlist objects, sentiment of the text and toward each object. A text that a model cannot
take yields a `Failed` value and harms none of its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.core.enrichment import Annotation, Failed, ObjectMention
from pipeline.core.language import detect_language as detect
from pipeline.core.mentions import Match, Matcher, by_object
from pipeline.core.watchlist import Watchlist
from pipeline.nlp.inflection import Inflector
from pipeline.nlp.ner import EngineName, Ner
from pipeline.nlp.sentiment import SentimentModel
from pipeline.watchlist_file import load_watchlist
from schemas import RawPost, Span
from schemas.mention import ObjectKind

ASKED = "asked"
"""The rule of a span that was found by the name of an asked target, not by the watchlist."""

_ENDING = re.compile(r"(?<=\w{3})[аеийоуъыьэюя]{1,2}$")


@dataclass(frozen=True)
class Request:
    """A text to annotate; ``targets`` (object ids, or names as they stand in the text) get a mention each."""

    text: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Annotator:
    """The models, bound together; ``kinds`` and ``owners`` are the watchlist's. One thread at a time."""

    ner: Ner
    sentiment: SentimentModel
    find: Callable[[str], Sequence[Match]]
    detect: Callable[[str], str]
    kinds: Mapping[str, ObjectKind]
    owners: Callable[[RawPost], Sequence[str]]

    def annotate(self, requests: Sequence[Request]) -> list[Annotation | Failed]:
        """One outcome per request, in order."""
        try:
            return list(self._annotate(requests))
        except Exception as error:  # noqa: BLE001 - whatever a model raises on one text costs that text only
            if len(requests) == 1:
                return [Failed(f"{type(error).__name__}: {error}")]
            return [outcome for request in requests for outcome in self.annotate([request])]

    def _annotate(self, requests: Sequence[Request]) -> list[Annotation]:
        texts = [request.text for request in requests]
        entities = self.ner.entities(texts)
        whole = self.sentiment.text(texts)
        spans = [self._spans(request) for request in requests]
        asked = [
            (text, [(span.start, span.end) for span in places])
            for text, found in zip(texts, spans, strict=True)
            for places in found.values()
        ]
        toward = iter(self.sentiment.toward(asked))
        return [
            Annotation(
                language=self.detect(text),
                sentiment=general,
                entities=names,
                mentions=tuple(ObjectMention(about, at, next(toward)) for about, at in found.items()),
                model=self.sentiment.name,
            )
            for text, names, general, found in zip(texts, entities, whole, spans, strict=True)
        ]

    def _spans(self, request: Request) -> dict[str, tuple[Span, ...]]:
        """The objects of a text, those of the watchlist first, with the places where they stand."""
        text = request.text
        found = {
            object_id: tuple(
                Span(start=m.start, end=m.end, text=text[m.start : m.end], alias=m.alias, rule=m.rule)
                for m in matches
            )
            for object_id, matches in by_object(self.find(text)).items()
        }
        for target in request.targets:
            if target not in found:
                found[target] = tuple(
                    Span(start=start, end=end, text=text[start:end], alias=target, rule=ASKED)
                    for start, end in find_name(target, text)
                )
        return found


def build_annotator(watchlist: Path | None, model: str | Path, ner_engine: EngineName = "fast") -> Annotator:
    """Load everything that annotating needs (about 2 s); None: nothing is watched, only asked targets count.

    Raises:
        WatchlistError: the watchlist cannot be read or has problems.
        FileNotFoundError: there is no such sentiment model.
        IncompatibleModel: the model was trained with other features.
    """
    watched = Watchlist(()) if watchlist is None else load_watchlist(watchlist)
    matcher = Matcher(watched, Inflector().forms)

    def owners(post: RawPost) -> Sequence[str]:
        if post.author is None:
            return ()
        author = post.author
        return matcher.owner_of(post.source, handle=author.handle, author_id=author.id, name=author.name)

    return Annotator(
        ner=Ner(ner_engine),
        sentiment=SentimentModel.load(model),
        find=matcher.find,
        detect=detect,
        kinds={item.id: item.kind for item in watched},
        owners=owners,
    )


def find_name(name: str, text: str) -> list[tuple[int, int]]:
    """Where a name stands in a text, in any case and with any ending of up to three letters."""
    return [match.span() for match in _pattern(name).finditer(_plain(text))]


@lru_cache(4096)
def _pattern(name: str) -> re.Pattern[str]:
    words = [rf"{re.escape(_ENDING.sub('', word))}\w{{0,3}}" for word in re.findall(r"\w+", _plain(name))]
    phrase = r"[^\w]{1,3}".join(words)
    return re.compile(rf"(?<!\w){phrase}(?!\w)" if words else r"(?!)", re.IGNORECASE)


def _plain(text: str) -> str:
    return text.replace("ё", "е").replace("Ё", "Е")
