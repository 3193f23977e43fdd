"""Names that are not spelled out: wrong layout, signs, misspellings, glued tags, cut ends, adjectives."""

from __future__ import annotations

import pytest

from pipeline.core.mentions import Matcher
from pipeline.core.watchlist_yaml import parse_watchlist
from pipeline.nlp.inflection import Inflector

WATCHLIST = """
- id: sber
  kind: brand
  name: Сбербанк
  aliases: [Сбербанк, Сбер]
  accounts: {twitter: [sberbank]}
  unless_part_of: [Сбербанк Страхование]
- {id: mts, kind: brand, name: МТС, aliases: [МТС]}
- {id: vtb, kind: brand, name: ВТБ, aliases: [ВТБ, ВТБ24]}
- {id: beeline, kind: brand, name: Билайн, aliases: [Билайн, Beeline]}
- id: megafon
  kind: brand
  name: МегаФон
  aliases: [{text: Мегафон, exclude: [рупор, кричать в, кричать]}]
- {id: tele2, kind: competitor, name: Tele2, aliases: [Tele2, Теле2]}
- {id: rostelecom, kind: competitor, name: Ростелеком, aliases: [Ростелеком]}
- {id: tinkoff, kind: competitor, name: Тинькофф, aliases: [Тинькофф]}
- id: alfa
  kind: brand
  name: Альфа-Банк
  aliases: [Альфа-Банк, Alfa-Bank]
  unless_part_of: [Альфа-Страхование]
- {id: raif, kind: brand, name: Райффайзен, aliases: [Райффайзен]}
- {id: gazprom, kind: brand, name: Газпром, aliases: [Газпром]}
- {id: magnit, kind: brand, name: Магнит, aliases: [{text: Магнит, require: [магазин, касса, кассир]}]}
- {id: strict, kind: product, name: Яромир, aliases: [{text: Яромир, exact: true}]}
- {id: tame, kind: product, name: Полянка, aliases: [{text: Белополянск, misspellings: false}]}
- {id: head, kind: person, name: Глава, aliases: [Эльвира Заболотина, Заболотина]}
"""

FOUND = [
    # the keyboard in the other layout
    (",bkfqy jgznm kt;bn", ["beeline:,bkfqy:layout"]),
    ("<bkfqy, dthybnt ltymub", ["beeline:<bkfqy:layout"]),
    ("yf,hfk vtufajyjv, ytn cdzpb", ["megafon:vtufajyjv:layout"]),
    ("Cthdbc vjuj ,fyrf? CTHDBC Cbergbank", []),
    ("c,th,fyr yt hf,jnftn", ["sber:c,th,fyr:layout"]),
    ("ntkt2 kexit", ["tele2:ntkt2:layout"]),
    ("jnrhsk cxtn d fkmaf ,fyrt", ["alfa:fkmaf ,fyrt:layout"]),
    ("e vtyz vnc jgznm yt kjdbn", ["mts:vnc:layout"]),
    ("vnc viewer for windows", []),
    ("у меня иуудшту тупит", ["beeline:иуудшту:layout"]),
    ("перешёл на еуду2", ["tele2:еуду2:layout"]),
    ("симка ьеы и всё", ["mts:ьеы:layout"]),
    ("the guest went home, hello", []),
    # letters apart, signs inside
    ("надоел с б е р", ["sber:с б е р:separated"]),
    ("у с б е р б а н к а сбой", ["sber:с б е р б а н к а:separated"]),
    ("С Б Е Р Б А Н К", ["sber:С Б Е Р Б А Н К:separated"]),
    ("с-б-е-р снова с.б.е.р", ["sber:с-б-е-р:separated", "sber:с.б.е.р:separated"]),
    ("cб_ер закрыли", ["sber:cб_ер:separated"]),
    ("т е л е 2 молчит", ["tele2:т е л е 2:separated"]),
    ("М.Т.С. и м-т-с", ["mts:М.Т.С:separated", "mts:м-т-с:separated"]),
    ("с\u200bб\u200bе\u200bр", ["sber:с\u200bб\u200bе\u200bр:alias"]),
    ("с б евро, а я и он", []),
    ("С. Б. Ермолов и С.Б.Ерёмин", []),
    ("С.Бер написал роман", []),
    ("план а б в г", []),
    # a sign in place of a letter
    ("сб*р врёт", ["sber:сб*р:masked"]),
    ("бил@йн, верни деньги", ["beeline:бил@йн:masked"]),
    ("$бербанк и мег*ф*н", ["sber:$бербанк:masked", "megafon:мег*ф*н:masked"]),
    ("в р*стелекоме", ["rostelecom:р*стелекоме:masked"]),
    ("м*с и с**р", []),
    ("2*2=4, a@b.example", []),
    # misspellings
    ("тенькофф банк", ["tinkoff:тенькофф:misspelled"]),
    ("тинкофф и тинькоф", ["tinkoff:тинкофф:misspelled", "tinkoff:тинькоф:misspelled"]),
    ("мигафон тупит", ["megafon:мигафон:misspelled"]),
    ("ростилеком, ростелекомм", ["rostelecom:ростилеком:misspelled", "rostelecom:ростелекомм:misspelled"]),
    (
        "сбербанг, збербанк, сбербнак",
        ["sber:сбербанг:misspelled", "sber:збербанк:misspelled", "sber:сбербнак:misspelled"],
    ),
    ("в сбирбанке", ["sber:сбирбанке:misspelled"]),
    ("билаин и белайн", ["beeline:билаин:alias", "beeline:белайн:misspelled"]),
    ("райфайзен", ["raif:райфайзен:misspelled"]),
    ("альфо-банк, альфобанк", ["alfa:альфо-банк:misspelled", "alfa:альфобанк:misspelled"]),
    ("#мигафон", ["megafon:мигафон:misspelled"]),
    ("мегатон, мегафлоп, росток телеком", []),
    ("магнид в магазине", ["magnit:магнид:misspelled"]),
    ("магнид на холодильнике", []),
    ("магний в магазине, магниты, магнат", ["magnit:магниты:inflected"]),
    ("мигафон, в который кричали, он же рупор", []),
    ("яромирр, яраимр, Яромира", []),
    ("белаполянск белополянск", ["tame:белополянск:alias"]),
    ("Забалотина сказала", ["head:Забалотина:misspelled"]),
    ("Заболотная и Заболотнина", []),
    # tags and handles
    ("#сбербанконлайнопятьлежит", ["sber:сбербанк:hashtag"]),
    ("#МегаФонВернутьДеньги", ["megafon:МегаФон:hashtag"]),
    ("#ненавижубилайн", ["beeline:билайн:hashtag"]),
    ("#долойвтб и #логикамтс", ["vtb:втб:hashtag", "mts:мтс:hashtag"]),
    ("#beelinesucks", ["beeline:beeline:hashtag"]),
    ("#сберегательный #сбережения #сберкнижка #омтс", []),
    ("#СберМаркет #сбермаркет #газпромбанк #ГазпромБанк #АльфаСтрахование", []),
    ("@SberbankSupport, @megafonhelp", ["sber:Sberbank:handle", "megafon:megafon:handle"]),
    ("@megafonchik_olga", []),
    # cut off
    ("верните деньги, Сберба…", ["sber:Сберба:truncated"]),
    ("RT @ivan: опять лежит Ростелек... http://t.co/abc", ["rostelecom:Ростелек:truncated"]),
    ("Сбербанк опять не раб…", ["sber:Сбербанк:alias"]),
    ("мегаф… и дальше", []),
    ("люблю бере… ма… всякое берем…", []),
    # nested, possessive, quoted, adjectives
    ("Газпромбанк выдал кредит", []),
    ("Сбербанк Страхование и Альфа-Страхование", []),
    ("СберМаркет привёз, сбермаркет", []),
    ('«Сбер» и "сбера", Сбер-то', ["sber:Сбер:alias", "sber:сбера:inflected", "sber:Сбер:alias"]),
    ("Alfa-Bank's app, Alfa Bank’s", ["alfa:Alfa-Bank:alias", "alfa:Alfa Bank:alias"]),
    ("сбербанковская карта", ["sber:сбербанковская:derived"]),
    ("МТСовский тариф, мтсовцы", ["mts:МТСовский:derived", "mts:мтсовцы:derived"]),
    ("всё по-билайновски", ["beeline:билайновски:derived"]),
    ("втбшный офис", ["vtb:втбшный:derived"]),
    # ordinary words
    ("теле 2 часа смотрел", ["tele2:теле 2:alias"]),
    ("сбер ежения", ["sber:сбер:alias"]),
    ("мегафоном кричали на площади", []),
    ("омтск, помтсить, втбешка-нет", []),
    ("alfa romeo giulia", []),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    inflector = Inflector()
    return Matcher(parse_watchlist(WATCHLIST), inflector.forms, inflector)


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[repr(text)[:60] for text, _ in FOUND])
def test_hidden_names(matcher: Matcher, text: str, expected: list[str]) -> None:
    found = [
        f"{match.object_id}:{text[match.start : match.end]}:{match.rule}" for match in matcher.find(text)
    ]
    assert found == expected


def test_what_is_remembered_does_not_change_the_answer(matcher: Matcher) -> None:
    fresh = Matcher(parse_watchlist(WATCHLIST), Inflector().forms, Inflector())
    for text, _ in reversed(FOUND):
        assert fresh.find(text) == matcher.find(text)


def test_a_hidden_name_names_its_alias(matcher: Matcher) -> None:
    assert [match.alias for match in matcher.find("в сбирбанке ,bkfqy альфабанковский")] == [
        "Сбербанк",
        "Билайн",
        "Альфа-Банк",
    ]


def test_offsets_hold_after_characters_that_vanish(matcher: Matcher) -> None:
    text = "\x00 😀  &quot;мигафон&quot;  и\u200b т е л е 2"
    assert [text[match.start : match.end] for match in matcher.find(text)] == ["мигафон", "т е л е 2"]


def test_a_slip_that_could_be_of_two_objects_is_of_none() -> None:
    inflector = Inflector()
    watchlist = parse_watchlist("""
- {id: one, kind: brand, name: А, aliases: [Рембантор]}
- {id: two, kind: brand, name: Б, aliases: [Рембандор]}
""")
    find = Matcher(watchlist, inflector.forms, inflector).find
    assert find("рембаннтор") == []
    assert [match.object_id for match in find("рембантор рембандор")] == ["one", "two"]


def test_without_a_vocabulary_nothing_is_guessed() -> None:
    find = Matcher(parse_watchlist(WATCHLIST), Inflector().forms).find
    assert find("мигафон #ненавижубилайн Сберба…") == []
