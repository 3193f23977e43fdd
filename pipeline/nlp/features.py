"""From a post's text to the tokens and hashed features that the sentiment model adds up.

Training (``training.py``) and inference (``sentiment.py``) share this module: whatever changes here makes
trained weights meaningless, so `VERSION` is stored with them and checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

VERSION = 1

BITS = 19
"""Features are hashed to ``2 ** BITS`` buckets; no vocabulary of the training texts is stored anywhere."""

MAX_CHARS = 5_000
"""Of a longer text only so many characters are read (around the object where one is asked for)."""

OBJECT = "<object>"
"""Stands for every mention of the object that the sentiment is asked toward."""

_MASK = (1 << BITS) - 1
_CHARS = (2, 3, 4, 5)
_NEAR_TOKENS = 7

_EMOJI = {
    "joy": "😀😃😄😁😊🙂😉😇☺😋😎🤗🥳😌😏🎉🎊✨🌞☀",
    "laugh": "😂🤣😆😅😹",
    "love": "❤♥💕💖💗💙💚💛💜🖤💓💞💘😍🥰😘😻🤍🧡",
    "good": "👍👏🙏💪🔥💯✅🏆👌🤩⭐🌟",
    "anger": "😡😠🤬👿😤💢🖕",
    "sad": "😢😭😞😔😟🙁☹😥😓😩😫😣😖🥺💔😿😪",
    "bad": "👎🤮🤢💩😒🙄😑🤦🤡🥴😨😱😰😬☠💀",
}
_EMOJI_KIND = {char: f"<{kind}>" for kind, chars in _EMOJI.items() for char in chars}

_TOKEN = re.compile(
    r"""
    (?P<url>(?:https?://|www\.)\S+|\b(?:t\.co|bit\.ly|goo\.gl|vk\.com|youtu\.be)/\S+)
    |(?P<handle>@\w+)
    |(?P<smile>[:;=8]['`]?[-^oо]?[)\]}>DdР*]+|(?<!\w)[xXхХ][DdД]+(?!\w)|\^_*\^|\){2,})
    |(?P<frown>[:;=8]['`]?[-^oо]?[(\[{<]+|\({2,}|(?<!\w)[тТTt]_+[тТTt](?!\w)|[оОoO0]_+[оОoO0])
    |(?P<number>\d+(?:[.,:]\d+)*)
    |(?P<word>[^\W\d_]+(?:[-'’*@][^\W\d_]+)*)
    |(?P<emoji>[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\u2B06\u2B07])
    |(?P<marks>[!?]+|\.{2,}|…+|[.,;\n)])
    """,
    re.X,
)
_MODIFIERS = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")
_ELONGATED = re.compile(r"(.)\1{2,}")
_RETWEET = re.compile(r"\s*RT\s+(?=@)")

_NEGATIONS = frozenset(
    ("не", "ни", "нет", "без", "нельзя", "никогда", "ничем", "ничего", "никак", "not", "no", "never")
)
_TRANSPARENT = frozenset(
    ("очень", "так", "такой", "такая", "такое", "самый", "самая", "особо", "совсем", "сильно", "уже", "и")
)
_BOUNDARIES = frozenset(["но", "зато", "однако", "а", "хотя", "тогда", "but"])
_STOPS = frozenset((".", "!", "!!", "?", "??", "!?", "...", ";", "\n"))


class Token(NamedTuple):
    """A normalised token and the characters that it stands for."""

    key: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Cut a text into normalised tokens.

    Links, handles, numbers, smileys and the known emoji become placeholders; letters are lower-cased, ``ё``
    is ``е``, elongations are shortened (and marked); a word under a negation is prefixed with ``не_``.
    """
    tokens: list[Token] = []
    lonely_smile = text.count(")") > text.count("(")
    retweet = _RETWEET.match(text)
    position = retweet.end() if retweet else 0
    for match in _TOKEN.finditer(text, position):
        kind, piece = match.lastgroup, match.group()
        start, end = match.span()
        if kind == "word":
            tokens += _word(piece, start, end)
        elif kind == "emoji":
            tokens += _emoji(piece, start, end)
        elif kind == "marks":
            if piece == ")":
                tokens += [Token("<smile>", start, end)] if lonely_smile else []
            else:
                tokens.append(Token(_marks(piece), start, end))
        else:
            tokens.append(Token(f"<{kind}>", start, end))
    return _negate(tokens)


def mask(tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> list[Token]:
    """Replace the tokens that overlap a span of the object by one `OBJECT` token per mention."""
    masked: list[Token] = []
    ordered = sorted(spans)
    at, last = 0, -1
    for token in tokens:
        while at < len(ordered) and ordered[at][1] <= token.start:
            at += 1
        if at == len(ordered) or ordered[at][0] >= token.end:
            masked.append(token)
        elif at != last:
            masked.append(Token(OBJECT, token.start, token.end))
            last = at
    return masked


def near(tokens: Sequence[Token]) -> list[int]:
    """Indexes of the tokens that speak of the object: around it, not beyond the end of its clause."""
    chosen: set[int] = set()
    for index, token in enumerate(tokens):
        if token.key != OBJECT:
            continue
        for step in (-1, 1):
            for distance in range(1, _NEAR_TOKENS + 1):
                other = index + step * distance
                if not 0 <= other < len(tokens):
                    break
                key = tokens[other].key
                if key in _BOUNDARIES or (key in _STOPS and step < 0):
                    break
                chosen.add(other)
                if key in _STOPS:
                    break
    return sorted(chosen)


def features(key: str) -> list[int]:
    """Buckets of one token: the word itself and, for words, its 2- to 5-character pieces with word ends."""
    buckets = [crc32(f"w {key}".encode("utf-8", "surrogatepass")) & _MASK]
    if key[0] == "<" or not key[-1].isalpha():
        return buckets
    negated = key.startswith("не_")
    word = f" {key.removeprefix('не_')} ".encode("utf-16-le", "surrogatepass")
    for size in _CHARS:
        salt = size + 8 * negated
        buckets += [
            crc32(word[at : at + 2 * size], salt) & _MASK for at in range(0, len(word) - 2 * size + 1, 2)
        ]
    return buckets


def pair(left: str, right: str) -> int:
    """Bucket of two neighbouring tokens."""
    return crc32(f"{left} {right}".encode("utf-8", "surrogatepass")) & _MASK


def units(tokens: Sequence[Token], chosen: Sequence[int] | None = None) -> tuple[list[str], list[int]]:
    """The distinct tokens and the distinct pairs of neighbours (as buckets), each in order of appearance.

    ``chosen`` are the sorted indexes of the tokens that count; None: all. Repetition adds nothing, so that a
    word said a hundred times weighs like one said once.
    """
    indexes = range(len(tokens)) if chosen is None else chosen
    keys = [tokens[index].key for index in indexes]
    pairs = [
        pair(tokens[left].key, tokens[right].key) for left, right in pairwise(indexes) if right == left + 1
    ]
    return list(dict.fromkeys(keys)), list(dict.fromkeys(pairs))


def excerpt(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """Bound a text to `MAX_CHARS` around its first span; the spans move with it."""
    if len(text) <= MAX_CHARS:
        return text, list(spans)
    first = min((start for start, _ in spans), default=0)
    start = max(0, first - MAX_CHARS // 2)
    stop = start + MAX_CHARS
    inside = [(a - start, b - start) for a, b in spans if a >= start and b <= stop]
    return text[start:stop], inside


def _word(piece: str, start: int, end: int) -> list[Token]:
    key = piece.lower().replace("ё", "е")
    tokens = []
    if len(piece) > 3 and piece.isupper():
        tokens.append(Token("<caps>", start, end))
    short = _ELONGATED.sub(r"\1", key)
    if short != key:
        tokens.append(Token("<long>", start, end))
    return [*tokens, Token(short[:40], start, end)]


def _emoji(piece: str, start: int, end: int) -> list[Token]:
    if _MODIFIERS.fullmatch(piece):
        return []
    kind = _EMOJI_KIND.get(piece)
    own = Token(f"<{piece}>", start, end)
    return [own] if kind is None else [Token(kind, start, end), own]


def _marks(piece: str) -> str:
    if piece[0] in "…" or piece.startswith(".."):
        return "..."
    if "!" in piece and "?" in piece:
        return "!?"
    return piece if len(piece) == 1 else piece[:2]


def _negate(tokens: list[Token]) -> list[Token]:
    negated: list[Token] = []
    reach = 0
    for token in tokens:
        key = token.key
        if key in _NEGATIONS:
            reach = 2
        elif reach and key in _TRANSPARENT:
            pass
        elif reach == 2 and key[0].isalpha():
            token = Token(f"не_{key}", token.start, token.end)
            reach = 0
        elif not key[0].isalpha():
            reach = 0
        negated.append(token)
    return negated
