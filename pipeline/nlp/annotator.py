"""All that the language models say of a batch of texts: one CPU call, for enrichment and ``molva annotate``.

Language, names, watchlist objects, sentiment of the text and toward each object, signals. A text that a model
cannot take yields a `Failed` value and harms none of its neighbours.

Toward objects the whole cascade answers. The text as a whole is the fast tier's where objects are watched
(the strong tier's time is for them), and the cascade's where nothing else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np

from pipeline.core.enrichment import Annotation, Failed, ObjectMention
from pipeline.core.language import detect_language
from pipeline.core.mentions import Match, Matcher, by_object
from pipeline.core.replies import OwnThreads
from pipeline.core.standing import Standing
from pipeline.core.watchlist import Watchlist
from pipeline.nlp.cascade import Cascade
from pipeline.nlp.inflection import Inflector
from pipeline.nlp.load import TierName, load_tier
from pipeline.nlp.ner import EngineName, Ner
from pipeline.nlp.signals import SignalModel
from pipeline.nlp.stars import with_rating
from pipeline.nlp.tiers import Floats, Question, Tier, answered, sentiments
from pipeline.watchlist_file import load_watchlist
from schemas import RawPost, Sentiment, Span
from schemas.mention import ObjectKind

ASKED = "asked"
"""The rule of a span that was found by the name of an asked target, not by the watchlist."""

_ENDING = re.compile(r"(?<=\w{3})[аеийоуъыьэюя]{1,2}$")


@dataclass(frozen=True)
class Request:
    """A text to annotate.

    ``targets`` (object ids, or names as they stand in the text) get a mention each, and so do
    ``addressed``, the objects that the text speaks to without naming them. ``stars`` (1 to 5) are those of
    a review.
    """

    text: str
    targets: tuple[str, ...] = ()
    addressed: tuple[str, ...] = ()
    stars: int | None = None


@dataclass(frozen=True)
class Annotator:
    """The models, bound together, and what the watchlist knows. One thread at a time."""

    ner: Ner
    tier: Tier
    signals: SignalModel
    find: Callable[[str], Sequence[Match]]
    detect: Callable[[str], str]
    watched: Watchlist
    standing: Callable[[RawPost], Standing]
    """Whose words a post is, and in whose community it stands."""
    addressed: Callable[[RawPost], Sequence[str]]
    """Which objects a post speaks to; to be asked once per post, in the order of the stream."""

    def owners(self, post: RawPost) -> Sequence[str]:
        """Which objects' own account wrote a post."""
        return self.standing(post).spoken_by

    def annotate(self, requests: Sequence[Request], hurried: bool = False) -> list[Annotation | Failed]:
        """One outcome per request, in order; ``hurried`` leaves the cascade's strong tier out."""
        if isinstance(self.tier, Cascade):
            self.tier.open = not hurried
        try:
            return list(self._annotate(requests))
        except Exception as error:  # noqa: BLE001 - whatever a model raises on one text costs that text only
            if len(requests) == 1:
                return [Failed(f"{type(error).__name__}: {error}")]
            return [outcome for request in requests for outcome in self.annotate([request], hurried)]

    def _annotate(self, requests: Sequence[Request]) -> list[Annotation]:
        texts = [request.text for request in requests]
        entities = self.ner.entities(texts)
        signals = self.signals.signals(texts)
        spans = [self._spans(request) for request in requests]
        general, deciders = self._general(requests)
        toward = iter(self._toward(requests, spans))
        return [
            Annotation(
                language=self.detect(text),
                sentiment=sentiment,
                entities=names,
                mentions=tuple(ObjectMention(about, at, *next(toward)) for about, at in found.items()),
                model=decider,
                signals=shown,
            )
            for text, names, sentiment, decider, found, shown in zip(
                texts, entities, general, deciders, spans, signals, strict=True
            )
        ]

    def _general(self, requests: Sequence[Request]) -> tuple[list[Sentiment], list[str]]:
        """The sentiment of the whole texts and which model decided."""
        tier = self.tier.fast if isinstance(self.tier, Cascade) and self.watched else self.tier
        probabilities = tier.whole([request.text for request in requests])
        return _rated(probabilities, [request.stars for request in requests]), answered(tier, len(requests))

    def _toward(
        self, requests: Sequence[Request], spans: Sequence[Mapping[str, Sequence[Span]]]
    ) -> list[tuple[Sentiment, str]]:
        """The sentiment toward every object found and which model decided; texts and objects in order.

        The stars of a review are evidence of the sentiment toward its object where it names only one.
        """
        asked, stars = [], []
        for request, found in zip(requests, spans, strict=True):
            for about, places in found.items():
                at = [(span.start, span.end) for span in places]
                asked.append(Question(request.text, at, self._names.get(about, about)))
                stars.append(request.stars if len(found) == 1 else None)
        if not asked:
            return []
        found_sentiments = _rated(self.tier.toward(asked), stars)
        return list(zip(found_sentiments, answered(self.tier, len(asked)), strict=True))

    @cached_property
    def kinds(self) -> dict[str, ObjectKind]:
        """The kind of each watched object, by id."""
        return {item.id: item.kind for item in self.watched}

    @cached_property
    def _names(self) -> dict[str, str]:
        return {item.id: item.name for item in self.watched}

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
        for target in request.addressed:
            found.setdefault(target, ())
        return found


def build_annotator(
    watchlist: Path | None, model: str | Path, tier: TierName = "cascade", ner_engine: EngineName = "fast"
) -> Annotator:
    """Load everything that annotating needs (about 2 s); None: nothing is watched, only asked targets count.

    Raises:
        WatchlistError: the watchlist cannot be read or has problems.
        FileNotFoundError: there is no such sentiment model.
        IncompatibleModel, IncompatibleStrongModel: it was trained for another version of Molva.
    """
    watched = Watchlist(()) if watchlist is None else load_watchlist(watchlist)
    inflector = Inflector()
    matcher = Matcher(watched, inflector.forms, inflector)

    threads = OwnThreads(watched)
    return Annotator(
        ner=Ner(ner_engine),
        tier=load_tier(model, tier),
        signals=SignalModel.load(),
        find=matcher.find,
        detect=partial(detect_language, is_russian=inflector.knows),
        watched=watched,
        standing=threads.places.standing,
        addressed=threads.addressed,
    )


def _rated(probabilities: Floats, stars: Sequence[int | None]) -> list[Sentiment]:
    if any(stars):
        rows = [with_rating(row, given) for row, given in zip(probabilities, stars, strict=True)]
        probabilities = np.array(rows, np.float32)
    return sentiments(probabilities)


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
