"""The words of a post that may say what a wave of posts is about, and the stems under which they are counted.

Tallies keep the words as they stand; background and explanation compare stems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import snowballstemmer

MAX_WORDS: Final = 12
"""Different words kept of one post, the first ones."""
NEGATIONS: Final = frozenset(("не", "нет", "без"))
"""They turn round the next word of content: «не работает», «без связи» are terms of their own."""
_NOISE: Final = re.compile(r"https?://\S+|www\.\S+|@\w+|&\w{2,6};|^\W*rt\b")
_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SHORTEST: Final = 3

FUNCTION_WORDS: Final = frozenset(
    """
    авось ага айда аж али будто бы был была были было быть вам вами вас ваш ваша ваше ваши весь ведь вместо
    во вон вообще вот впрочем все всего всей всем всеми всему всех всю вся всякий всё где да даже для до
    его ее ей ему если есть еще ещё ею за зато здесь из изза из-за или им ими иногда их каждый как какая
    какие какого какое какой каком какую кем когда кого кое кому который которая которое которые которого
    которой которых кроме кто куда ли либо лишь между меня мне мной мною мои мой моя мои моего моей можно
    может мол мы на навсегда над надо наконец нам нами нас наш наша наше наши него нее ней некоторый нему
    несмотря нету неужели нибудь никак никакой никто них ничего ничто но ну об оба однако около он она они
    оно опять от отсюда очень перед по под пока после потом потому почему почти при про просто пусть разве
    раз сам сама сами само самый самая самое свой своя свое свои своего своей своих себе себя сейчас со
    собой совсем сразу так также такая такие такое такой там тебе тебя тем теми тех то тобой тогда того тоже
    той только том тому тот тою туда тут ты уж уже хотя хоть чего чей чем через что чтобы чтоб чуть чья эта
    эти это этим этих этого этой этом этому этот эту теперь типа вроде короче именно снова опять кстати
    будет будут буду будем сегодня вчера завтра время день года году год лет
    the and for with you your his her its our they them this that these those are was were been have has had
    not but from into about will would can could should just what when where which who how why all any via
    """.replace("ё", "е").split()
)


def content_words(excerpt: str, own: Iterable[str] = ()) -> tuple[str, ...]:
    """Up to twelve different words in lower case, without addresses, handles and function words.

    Args:
        own: how the object itself is written in the post; its words are left out.

    >>> content_words("RT @vasya: Приложение Акме опять не работает! https://t.co/x", ["Акме"])
    ('приложение', 'не работает')
    """
    skipped = {word for name in own for word in _WORD.findall(_folded(name))}
    found: dict[str, None] = {}
    negation = ""
    for word in _WORD.findall(_NOISE.sub(" ", _folded(excerpt))):
        if word in NEGATIONS:
            negation = f"{word} "
        elif len(word) >= _SHORTEST and word not in FUNCTION_WORDS and word not in skipped:
            found[negation + word] = None
            negation = ""
            if len(found) == MAX_WORDS:
                break
    return tuple(found)


@lru_cache(50_000)
def stem(term: str) -> str:
    """What the forms of a Russian word have in common (Porter's Snowball algorithm), word by word.

    >>> {stem(form) for form in ("отделения", "отделении", "отделение")}, stem("не работают")
    ({'отделен'}, 'не работа')
    """
    stemmer = snowballstemmer.stemmer("russian")  # not shared: it works on a buffer of its own
    return " ".join(stemmer.stemWords(term.split()))


def _folded(text: str) -> str:
    return text.casefold().replace("ё", "е")
