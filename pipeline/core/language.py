"""The language of a post, by letters that only one alphabet has and by small words; a step of enrichment."""

from __future__ import annotations

import re
from typing import Final

UNDETERMINED: Final = "und"
MAX_CHARS: Final = 2_000
"""A longer text is judged by its beginning."""

_ADDRESS: Final = ("http://", "https://", "www.")
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)?")

_FOREIGN: Final = frozenset("ђјљњћџѓќѕҷӣӯҳҗ")
"""Letters of Serbian, Macedonian, Tajik, Uzbek and Tatar."""
_LETTERS: Final = {
    "ru": dict.fromkeys("ыэё", 1.0) | {"ъ": 3.0},  # ы and э are Kazakh and Belarusian too
    "uk": dict.fromkeys("їєґ", 3.0) | {"і": 1.0} | dict.fromkeys("ыэёъ", -3.0),
    "be": dict.fromkeys("ыэёі", 1.0) | {"ў": 3.0} | dict.fromkeys("ищъ", -3.0),
    "kk": dict.fromkeys("әғқңөұүһ", 3.0) | {"і": 1.0},
}
"""What one occurrence of a letter says for a language."""
_ROMANISED: Final = """
    i v ne chto na ya s kak eto vse tak no da ti ty k u vi vy za po tolko mne bylo ot menya esche net iz kogda
    dazhe esli uzhe ili byt ochen pochemu mozhno spasibo privet segodnya nas vas oni gde est dlya mi my
"""
_SMALL_WORDS: Final = {
    "ru": """
        и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было
        вот от меня еще нет о из ему теперь когда даже ну ли если уже или ни быть был него до вас опять вам
        ведь там про та сам сама сами тебе потом себя ничего ей может они тут где есть надо ней для мы тебя
        их чем была сам чтоб чтобы без будто чего раз тоже себе под будет тогда кто этот того потому этого
        какой ним здесь этом мой тем сейчас были это эта эти всё еще при об очень просто почему можно
        спасибо привет здравствуйте всем день сегодня
    """,
    "uk": """
        і та не що він на я з як а то все вона так його але ти до у же ви за по тільки її мені було ось від
        мене ще немає про із йому тепер коли навіть ну чи якщо вже або ні бути був нього вас вам там потім
        себе нічого їй може вони тут де є треба для ми тебе їх чим була сам щоб без теж собі під буде тоді
        хто цей того тому цього який це ця ці дуже просто чому можна дякую привіт всім день сьогодні
    """,
    "be": """
        і ды не што ён на я з як а то усё яна так яго але ты да у ж вы за па толькі яе мне было вось ад мяне
        яшчэ няма пра ў яму цяпер калі нават ну ці калі ўжо або ні быць быў вас вам там потым сябе нічога ёй
        можа яны тут дзе ёсць трэба для мы цябе іх чым была сам каб без таксама сабе пад будзе тады хто гэты
        таго таму гэтага які гэта гэтыя вельмі проста чаму можна дзякуй прывітанне сёння
    """,
    "kk": """
        және мен бұл бір де да үшін емес бар жоқ сен ол біз сіз олар не қалай қайда қашан өте жақсы рахмет
        деп еді болды болып керек туралы кейін дейін сәлем екен ғой ма ме ба бе осы сол
    """,
    "en": """
        the of and to in is it you that he was for on are with as his they be at one have this from or had
        by not but what all were we when your can said there use an each which she do how their if will up
        about out them then many some so her would like him into has more no my than been who its now did
        get just i me us our a good great thanks please why very don't it's i'm can't
    """,
}
_WORDS_OF: Final = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_ROMANISED_RUSSIAN: Final = frozenset(_ROMANISED.split())
_NOT_RUSSIAN: Final = frozenset("їєґіўәғқңөұүһ")


def detect_language(text: str) -> str:
    """``ru``, ``uk``, ``be``, ``kk``, ``en``; ``und`` for others and where the text does not tell.

    Addresses, handles and hashtags do not count, unless nothing else is there.
    """
    tokens = [token for token in text[:MAX_CHARS].lower().split() if not token.startswith(_ADDRESS)]
    written = [token for token in tokens if token[0] not in "@#&" and token != "rt"]
    words = _WORD.findall(" ".join(written)) or _WORD.findall(" ".join(tokens))
    total = sum(map(len, words))
    cyrillic = [word for word in words if "Ѐ" <= word[0] <= "ԯ"]
    latin = [word.replace("’", "'") for word in words if word[0] <= "ɏ"]
    english = sum(word in _WORDS_OF["en"] for word in latin)
    share = 2 if english else 4
    if cyrillic and sum(map(len, cyrillic)) * share >= total:
        return _cyrillic(cyrillic)
    if sum(map(len, latin)) * 2 > total:
        return _latin(latin, english)
    return UNDETERMINED


def _cyrillic(words: list[str]) -> str:
    letters = "".join(words)
    seen = set(letters)
    if sum(letters.count(char) for char in seen & _FOREIGN) * 50 > len(letters):
        return UNDETERMINED
    small = set(words)
    russian = len(small & _WORDS_OF["ru"])
    if not seen & _NOT_RUSSIAN and all(
        len(small & _WORDS_OF[other]) <= russian for other in ("uk", "be", "kk")
    ):
        return "ru"  # most posts end here
    scores = {
        language: sum(weights[char] * letters.count(char) for char in seen & weights.keys())
        + sum(word in _WORDS_OF[language] for word in words)
        for language, weights in _LETTERS.items()
    }
    return max(scores, key=lambda language: scores[language])


def _latin(words: list[str], english: int) -> str:
    russian = sum(word in _ROMANISED_RUSSIAN for word in words)
    if russian > english and russian >= 2:
        return "ru"
    foreign = sum(not word.isascii() for word in words)
    if english and english * 6 >= len(words) and foreign * 6 <= len(words):
        return "en"
    return UNDETERMINED
