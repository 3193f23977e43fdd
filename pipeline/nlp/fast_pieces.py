"""From text to pieces (words, emoji, marks) and from a piece to its normal form, for the fast sentiment tier.

``fast_tokens.py`` cuts whole batches with `PIECE` and asks for the normal form of each new piece once.
"""

from __future__ import annotations

import re
from typing import NamedTuple

END = "\x00"
"""Stands between the texts of a batch."""

OBJECT = "\x01"
"""Stands in a text for each mention of the object that the sentiment is asked toward."""

MAX_WORD = 40


WORD, NEGATION, TRANSPARENT, CONTRAST, STOP, THE_OBJECT, THE_END, OPENING, CLOSING, EMPTY = (
    1 << bit for bit in range(10)
)
"""What a piece is to its neighbours (several may hold); a negation reaches over what is transparent."""


class Normal(NamedTuple):
    """``key`` is the normal form; ``marks`` are said besides it: shouted, elongated, the kind of an emoji."""

    key: str
    kind: int
    marks: tuple[str, ...] = ()


PIECE = re.compile(
    r"""
    https?://\S+|www\.\S+|t\.co/\S+|bit\.ly/\S+|goo\.gl/\S+|vk\.com/\S+|youtu\.be/\S+
    |[^\W\d_]+(?:(?:[-'’*@$]{1,6}|\d)[^\W\d_]+)*\**
    |\x00|\x01
    |\d+(?:[.,:]\d+)*
    |[!?]+|\.{2,}|…+|[.,;\n]
    |@\w+
    |\){2,}|\({2,}|[()]
    |[:;=]['`]?[-^oо]?[)\]}>DРP*(\[{</|]+
    |\^_*\^|<3
    |[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\u2B06\u2B07]
    """,
    re.X,
)
_EMOJI = {
    "joy": "😀😃😄😁😊🙂😉😇☺😋😎🤗🥳😌😏🎉🎊✨🌞☀🎁🎈🌹🌺🌷🌸💐🤭😺🙃",
    "laugh": "😂🤣😆😅😹",
    "love": "❤♥💕💖💗💙💚💛💜🖤💓💞💘😍🥰😘😻🤍🧡🤎💝💟😚😙😽🫶",
    "good": "👍👏🙏💪🔥💯✅🏆👌🤩⭐🌟🤝✔☑🥇🚀🙌👑💎🆒👊✌🤘",
    "anger": "😡😠🤬👿😤💢🖕🗯👺",
    "sad": "😢😭😞😔😟🙁☹😥😓😩😫😣😖🥺💔😿😪😕😦😧🥲🥀",
    "bad": "👎🤮🤢💩😒🙄😑🤦🤡🥴😨😱😰😬☠💀❌⛔🚫🤥🙅🆘🤒🤕😵🐷🐍🤷😐",
}
_KIND_OF_EMOJI = {char: f"<{kind}>" for kind, chars in _EMOJI.items() for char in chars}
_MODIFIERS = frozenset("\ufe0e\ufe0f\u200d\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_ELONGATED = re.compile(r"(.)\1{2,}")
_MASKED = re.compile(r"[*@$\d]")
_RUSSIAN = re.compile("[а-я]+")
_LATIN = re.compile(r"[a-z]")
_CYRILLIC = re.compile(r"[а-я]")
_LINK = ("http", "www.", "t.co/", "bit.ly/", "goo.gl/", "vk.com/", "youtu.be/")

_NEGATIONS = (
    "не ни нет без нельзя никогда ничем ничего никак никакой никаких никакого никто вряд not no never"
)
_TRANSPARENT = (
    "очень так такой такая такое такие самый самая особо совсем сильно уже и был была было были больше бы "
    "всегда вообще просто даже ли"
)
_CONTRASTS = "но зато однако а хотя тогда but только"
_PART_OF_SPEECH = {
    **dict.fromkeys(_NEGATIONS.split(), NEGATION),
    **dict.fromkeys(_TRANSPARENT.split(), TRANSPARENT),
    **dict.fromkeys(_CONTRASTS.split(), CONTRAST),
}

_LOOKALIKES = str.maketrans("aceopxykmhtb", "асеорхукмнтв")
_TO_CYRILLIC = (
    ("shch", "щ"),
    ("sch", "щ"),
    ("yo", "е"),
    ("jo", "е"),
    ("zh", "ж"),
    ("kh", "х"),
    ("ts", "ц"),
    ("ch", "ч"),
    ("sh", "ш"),
    ("yu", "ю"),
    ("ju", "ю"),
    ("ya", "я"),
    ("ja", "я"),
    ("ye", "е"),
    ("iy", "ий"),
    ("yj", "ый"),
    ("yy", "ый"),
    ("ij", "ий"),
)
_LETTERS = str.maketrans("abvgdezijklmnoprstufhcyqxw'", "абвгдезийклмнопрстуфхцыкхвь")

_OBSCENE = (
    "хуй хуя хую хуем хуи хуев хуева хуево хуевый хуевая хуевое хуевые хуйня хуйню хуйни хуйней нахуй нахуя "
    "похуй похуям охуел охуели охуенно охуенный охуенная охуеть охуительно хуета хуеплет дохуя нихуя хули "
    "пизда пизды пиздец пиздецовый пиздато пиздатый пиздеть пиздит пиздеж пиздят спиздили распиздяи пиздабол "
    "блядь блядский блядская блядское бля блять бляди блядство "
    "ебать ебал ебаный ебаная ебаное ебаные ебут ебет заебал заебала заебало заебали заебись заебок наебали "
    "наебывают наебка наебалово отъебись разъебали уебок уебки уебищный уебище выебали съебался еб ебанутый "
    "ебануться ебана долбоеб долбоебы поебать "
    "сука суки сучий сучки мудак мудаки мудацкий мудила говно говна говном говенный дерьмо дерьмовый жопа "
    "жопы жопе гандон гондон гандоны пидор пидоры пидорас пидорасы мразь мрази залупа дрочить срать насрать "
    "срань обосрались обосрался жрать козел козлы урод уроды ублюдки ублюдок"
)
_BY_LETTER = {
    letter: [word for word in _OBSCENE.split() if word[0] == letter]
    for letter in {word[0] for word in _OBSCENE.split()}
}


def normal(piece: str) -> Normal:
    """The normal form of a piece that `PIECE` cut.

    Links, handles, numbers, smileys and known emoji become placeholders. Letters are lower-cased, ``ё`` is
    ``е``; elongations are shortened, masked profanity is restored, Latin letters are read as Russian ones.
    """
    first = piece[0]
    if first.isalpha():
        is_link = not piece.isalpha() and piece.startswith(_LINK) and ("/" in piece or "." in piece)
        return Normal("<url>", 0) if is_link else _word(piece)
    if piece in _SIGNS:
        return _SIGNS[piece]
    if first.isdigit():
        return Normal("<number>", 0)
    if first == "@":
        return Normal("<handle>", 0)
    if first in "!?.…":
        return _marks(piece)
    if first in "(" or (first in ":;=" and piece[-1] in "([{<|/"):
        return Normal("<frown>", 0)
    if first in ":;=^)<":
        return Normal("<smile>", 0)
    if first in _MODIFIERS:
        return Normal("", EMPTY)
    kind = _KIND_OF_EMOJI.get(first)
    return Normal(f"<{first}>", 0, (kind,) if kind else ())


_SIGNS = {
    END: Normal("<end>", THE_END | STOP),
    OBJECT: Normal("<object>", THE_OBJECT),
    "(": Normal("<frown>", OPENING),
    ")": Normal("<smile>", CLOSING),
    ",": Normal(",", 0),
    ";": Normal(";", STOP),
    "\n": Normal("\n", STOP),
}


def _marks(piece: str) -> Normal:
    if piece[0] == "…" or piece.startswith(".."):
        return Normal("...", STOP)
    if "!" in piece and "?" in piece:
        return Normal("!?", STOP)
    return Normal(piece[:2], STOP)


def _word(piece: str) -> Normal:
    if piece == "RT":
        return Normal("", EMPTY)
    marks: tuple[str, ...] = ("<caps>",) if len(piece) > 3 and piece.isupper() else ()
    key = piece.lower().replace("ё", "е").replace("’", "'")
    if _ELONGATED.search(key) and "*" not in key:
        marks, key = (*marks, "<long>"), _ELONGATED.sub(r"\1", key)
    key = key[:MAX_WORD]
    if _RUSSIAN.fullmatch(key):
        return Normal(key, WORD | _PART_OF_SPEECH.get(key, 0), marks)
    key = _in_cyrillic(key)
    if _MASKED.search(key):
        restored = _restored(key)
        if restored:
            return Normal(restored, WORD, (*marks, "<masked>"))
    return Normal(key, WORD | _PART_OF_SPEECH.get(key, 0), marks)


def _in_cyrillic(key: str) -> str:
    if not _LATIN.search(key):
        return key
    if _CYRILLIC.search(key):
        return key.translate(_LOOKALIKES)
    for latin, cyrillic in _TO_CYRILLIC:
        key = key.replace(latin, cyrillic)
    return key.translate(_LETTERS)


def _restored(key: str) -> str:
    """The obscene word that a masked one stands for (a run of masks is 1 to 4 letters), or ""."""
    pattern = re.compile(
        "".join(".{1,4}" if _MASKED.match(part) else re.escape(part) for part in re.split(r"([*@$\d]+)", key))
    )
    return next((word for word in _BY_LETTER.get(key[0], ()) if pattern.fullmatch(word)), "")
