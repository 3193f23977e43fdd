"""Names of people, organisations and places: natasha's models, run over a batch of posts for enrichment.

Spans and normal forms are those of natasha's own pipeline (segment, morphology, NER, normalise). It is
faster because posts are batched by length and morphology is computed only for sentences that hold a name.
Set ``OMP_NUM_THREADS=1`` before the process starts: these matrices are too small to share between threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from pipeline.nlp.natasha_import import natasha
from schemas import Entity
from schemas.enriched import EntityType

MAX_CHARS = 10_000
"""Names are looked for in so many first characters of a text: a bound on time and memory, 0.1 s."""

_SURROGATES = re.compile("[\ud800-\udfff]")

BATCH_TEXTS = 32
BATCH_TOKENS = 4_096
"""A batch is padded to its longest text: texts times that length stay below this (one text may exceed it)."""


class Ner:
    """natasha's NER, morphology and normalisation; about 170 MB. One thread at a time."""

    def __init__(self) -> None:
        embedding = natasha.NewsEmbedding()
        self._segmenter = natasha.Segmenter()
        self._vocab = natasha.MorphVocab()
        self._morph = natasha.NewsMorphTagger(embedding)
        self._ner = natasha.NewsNERTagger(embedding)
        for tagger in (self._morph, self._ner):
            tagger.batch_size = tagger.infer.encoder.batch_size = BATCH_TEXTS

    def entities(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """Find the names of each text, in order of appearance.

        Offsets count characters of the text as given. Any string is accepted: lone surrogates are read as
        U+FFFD, and what lies behind `MAX_CHARS` is not read.
        """
        docs = [natasha.doc.Doc(_readable(text)) for text in texts]
        self._find_spans([doc for doc in docs if doc.text.strip()])
        named = [doc for doc in docs if doc.spans]
        self._tag_morphology(named)
        for doc in named:
            doc.envelop_span_tokens()
            for span in doc.spans:
                span.normalize(self._vocab)
        return [tuple(map(_entity, doc.spans or ())) for doc in docs]

    def _find_spans(self, docs: list[Any]) -> None:
        for doc in docs:
            doc.tokens = [natasha.doc.adapt_token(token) for token in self._segmenter.tokenize(doc.text)]
        for batch in _batches([doc for doc in docs if doc.tokens], lambda doc: len(doc.tokens)):
            for doc, tags in zip(batch, self._tags([_words(doc.tokens) for doc in batch]), strict=True):
                doc.spans = list(_spans(doc, tags))

    def _tags(self, items: list[list[str]]) -> Iterator[list[str]]:
        """BIO tags of each list of words, as ``slovnet.NER.map`` finds them (the words are not cut again)."""
        infer = self._ner.infer
        return cast("Iterator[list[str]]", infer.decoder(infer.process(infer.encoder(items))))

    def _tag_morphology(self, docs: list[Any]) -> None:
        sentences = []
        for doc in docs:
            doc.sents = [natasha.doc.adapt_sent(sent) for sent in self._segmenter.sentenize(doc.text)]
            doc.envelop_sent_tokens()
            sentences += [sent for sent in doc.sents if sent.tokens and _touches(sent, doc.spans)]
        for batch in _batches(sentences, lambda sent: len(sent.tokens)):
            for sent, markup in zip(batch, self._morph.map([_words(s.tokens) for s in batch]), strict=True):
                natasha.doc.inject_morph(sent.tokens, markup.tokens)


def _readable(text: str) -> str:
    """The part of a text that is read: bounded, cut between words, without lone surrogates; same offsets."""
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS]
        cut = max(text.rfind(" "), text.rfind("\n"))
        text = text[:cut] if cut > 0 else text
    return _SURROGATES.sub("\ufffd", text)


def _words(tokens: Iterable[Any]) -> list[str]:
    return [token.text for token in tokens]


def _batches(items: list[Any], size: Any) -> Iterator[list[Any]]:
    """Cut items into batches of about equal sizes, shortest first."""
    batch: list[Any] = []
    for item in sorted(items, key=size):
        if batch and (len(batch) == BATCH_TEXTS or (len(batch) + 1) * size(item) > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _spans(doc: Any, tags: Sequence[str]) -> Iterator[Any]:
    """Join BIO tags to spans by slovnet's rule: an I that follows nothing is dropped, its type is ignored."""
    kind, start, stop = "", 0, 0
    for token, tag in zip(doc.tokens, tags, strict=True):
        part, _, name = tag.partition("-")
        if part == "I":
            stop = token.stop
            continue
        if kind:
            yield natasha.doc.DocSpan(start, stop, kind, doc.text[start:stop])
        kind, start, stop = (name, token.start, token.stop) if part == "B" else ("", 0, 0)
    if kind:
        yield natasha.doc.DocSpan(start, stop, kind, doc.text[start:stop])


def _touches(sent: Any, spans: Sequence[Any]) -> bool:
    return any(span.start < sent.stop and sent.start < span.stop for span in spans)


def _entity(span: Any) -> Entity:
    return Entity(
        text=span.text,
        normal=span.normal,
        type=cast("EntityType", span.type),
        start=span.start,
        end=span.stop,
    )
