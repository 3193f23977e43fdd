"""The matcher on hand-written hard cases: what must be found, where and why, and what must not."""

from __future__ import annotations

import pytest

from pipeline.core.mentions import Match, Matcher, by_object
from pipeline.core.watchlist import Watchlist
from pipeline.core.watchlist_yaml import parse_watchlist
from pipeline.nlp.inflection import Inflector

WATCHLIST = """
- id: sber
  kind: brand
  name: Сбербанк
  aliases: [Сбербанк, Сбер, Сбербанк России]
  accounts: {twitter: [sberbank, sber_help], vk: ["https://vk.com/sberbank"], site: [sberbank.ru]}
- id: mts
  kind: brand
  name: МТС
  aliases: [МТС, Мобильные телесистемы]
  accounts: ["@ru_mts"]
  unless_part_of: [МТС Банк]
- id: vtb
  kind: brand
  name: ВТБ
  aliases: [ВТБ, ВТБ24]
- id: moscow-bank
  kind: brand
  name: Банк Москвы
  aliases: [Банк Москвы]
- id: moscow
  kind: topic
  name: Москва
  aliases: [Москва]
- id: alfa
  kind: brand
  name: Альфа-Банк
  aliases:
    - Альфа-Банк
    - {text: Альфа, require: [кредит, карта, банкомат*], exclude: [самец, центавра]}
- id: beeline
  kind: brand
  name: Билайн
  aliases: [Билайн, Beeline]
- id: megafon
  kind: brand
  name: МегаФон
  aliases: [{text: Мегафон, exclude: [рупор, кричать в]}]
- id: tele2
  kind: competitor
  name: Tele2
  aliases: [Tele2, Теле2]
- id: ozon
  kind: competitor
  name: Ozon
  aliases: [Озон]
- id: gref
  kind: person
  name: Герман Греф
  aliases: [Герман Оскарович Греф, Греф]
- id: app
  kind: product
  name: ОК
  aliases: [{text: ОК, exact: true}, {text: Мой Пай, translit: false}]
- id: mvideo
  kind: brand
  name: М.Видео
  aliases: [М.Видео]
- id: hm
  kind: brand
  name: H&M
  aliases: [H&M]
- id: yolka
  kind: product
  name: Ёлка
  aliases: [Ёлка]
"""

FOUND = [
    # inflection, case, ё
    ("Вчера в Сбербанке стоял час", ["sber:Сбербанке:inflected"]),
    ("СБЕРБАНКОМ доволен", ["sber:СБЕРБАНКОМ:inflected"]),
    ("Люблю сбер", ["sber:сбер:alias"]),
    ("Сбербанка России больше нет", ["sber:Сбербанка России:inflected"]),
    ("у МТСа опять лежит сеть", ["mts:МТСа:inflected"]),
    ("ушёл к мтсу", ["mts:мтсу:inflected"]),
    ("Мобильных телесистем акции", ["mts:Мобильных телесистем:inflected"]),
    ("елку включили, ЁЛКОЙ довольны", ["yolka:елку:inflected", "yolka:ЁЛКОЙ:inflected"]),
    # several words, separators
    ("Банка Москвы отделение", ["moscow-bank:Банка Москвы:inflected"]),
    ("Банк  Москвы", ["moscow-bank:Банк  Москвы:alias"]),
    ("банк\nмосквы", ["moscow-bank:банк\nмосквы:alias"]),
    ("Банк «Москвы»", ["moscow-bank:Банк «Москвы:alias"]),
    ("банкмосквы закрыт", ["moscow-bank:банкмосквы:alias"]),
    ("альфа банка", ["alfa:альфа банка:inflected"]),
    ("Альфа—Банк", ["alfa:Альфа—Банк:alias"]),
    ("альфабанком", ["alfa:альфабанком:inflected"]),
    ("в м видео и в МВидео", ["mvideo:м видео:alias", "mvideo:МВидео:alias"]),
    ("скидки в H&amp;M", ["hm:H&amp;M:alias"]),
    ("втб 24 или ВТБ-24?", ["vtb:втб 24:alias", "vtb:ВТБ-24:alias"]),
    ("Теле 2 ловит", ["tele2:Теле 2:alias"]),
    # the longest wins
    ("Банк Москвы в Москве", ["moscow-bank:Банк Москвы:alias", "moscow:Москве:inflected"]),
    ("МТС Банк выдал карту, а МТС нет", ["mts:МТС:alias"]),
    ("мтс-банка офис", []),
    # hashtags
    ("#сбербанк", ["sber:сбербанк:hashtag"]),
    ("#Сбербанка", ["sber:Сбербанка:hashtag"]),
    ("#МтсБилайн", ["mts:Мтс:hashtag", "beeline:Билайн:hashtag"]),
    ("#МТСРоссия", ["mts:МТС:hashtag"]),
    ("#сбербанк_онлайн", ["sber:сбербанк:hashtag"]),
    ("#я_люблю_мтс", ["mts:мтс:hashtag"]),
    ("#банкмосквы", ["moscow-bank:банкмосквы:hashtag"]),
    ("#Сбербанк2014", ["sber:Сбербанк:hashtag"]),
    ("#СберСпасибо", ["sber:Сбер:hashtag"]),
    # handles
    ("@sberbank верните деньги", ["sber:sberbank:handle"]),
    ("RT @sberbank: новости", ["sber:sberbank:handle"]),
    ("@Sber_Help, ау", ["sber:Sber_Help:handle"]),
    ("спасибо @beeline!", ["beeline:beeline:handle"]),
    ("(@ru_mts)", ["mts:ru_mts:handle"]),
    ("@_Beeline_kz не работает", ["beeline:Beeline:handle"]),
    ("@BeelineKG привет", ["beeline:Beeline:handle"]),
    # other alphabet, look-alikes
    ("sberbank.. ", ["sber:sberbank:translit"]),
    ("v sberbanke ochered", ["sber:sberbanke:translit"]),
    ("перешёл в beeline", ["beeline:beeline:alias"]),
    ("cбepбанк", ["sber:cбepбанк:homoglyph"]),
    ("о3он подорожал", ["ozon:о3он:homoglyph"]),
    ("симка MTC", ["mts:MTC:homoglyph"]),
    ("ＭＴＳ", ["mts:ＭＴＳ:translit"]),
    ("Сбер\u00adбанк", ["sber:Сбер\u00adбанк:alias"]),
    ("Сбе\u0301рбанк", ["sber:Сбе\u0301рбанк:alias"]),
    ("Билаи\u0306н", ["beeline:Билаи\u0306н:alias"]),
    ("С\x00бербанк", ["sber:С\x00бербанк:alias"]),
    # context
    ("взял кредит в Альфе", ["alfa:Альфе:inflected"]),
    ("рядом банкоматы альфы", ["alfa:альфы:inflected"]),
    ("он альфа", []),
    ("альфа самец с кредитной картой", []),
    ("кричала в мегафон на площади", []),
    ("мегафон тупит", ["megafon:мегафон:alias"]),
    # persons
    ("Грефом недовольны", ["gref:Грефом:inflected"]),
    ("Герману Грефу написали", ["gref:Герману Грефу:inflected"]),
    ("Г. О. Греф заявил", ["gref:Г. О. Греф:inflected"]),
    ("Грефа Г.О. спросили", ["gref:Грефа Г.О.:inflected"]),
    # exact
    ("ОК, спасибо", ["app:ОК:alias"]),
    ("ок, ОКа, OK", []),
    ("мой пай", ["app:мой пай:alias"]),
    ("moy pay", []),
    # addresses
    ("смотрите https://vk.com/sberbank", ["sber:vk.com/sberbank:account"]),
    ("пишите на help@sberbank.ru", ["sber:sberbank.ru:account"]),
    ("https://online.sberbank.ru/x?mts=1", ["sber:sberbank.ru:account"]),
    ("http://t.co/mts http://mts.example/beeline", []),
    ("www.beeline.example/ru", []),
    ("карта сбербанкаhttp://t.co/abc", ["sber:сбербанка:inflected"]),
    ("Сбербанк/ВТБ/МТС", ["sber:Сбербанк:alias", "vtb:ВТБ:alias", "mts:МТС:alias"]),
    # not at all
    ("сбереги билайнера и омтс", []),
    ("зажмтсь", []),
    ("#омтс #мтсник", []),
    ("@mts_lover2000", []),
    ("ivan@beeline.example", []),
    ("vtb2 и втб24х", []),
    ("озона2", []),
    ("", []),
    (" \n\t", []),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    inflector = Inflector()
    return Matcher(parse_watchlist(WATCHLIST), inflector.forms, inflector)


def shown(text: str, matches: list[Match]) -> list[str]:
    return [f"{match.object_id}:{text[match.start : match.end]}:{match.rule}" for match in matches]


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[repr(text)[:60] for text, _ in FOUND])
def test_hard_cases(matcher: Matcher, text: str, expected: list[str]) -> None:
    assert shown(text, matcher.find(text)) == expected


def test_a_match_names_the_alias_of_the_watchlist(matcher: Matcher) -> None:
    [match] = matcher.find("в альфабанке")
    assert match == Match("alfa", 2, 12, "Альфа-Банк", "inflected")


def test_a_reply_that_begins_with_the_handle_mentions_the_object(matcher: Matcher) -> None:
    text = "@ru_mts да, номер в личке"
    assert shown(text, matcher.find(text)) == ["mts:ru_mts:handle"]


def test_offsets_are_those_of_the_original_text(matcher: Matcher) -> None:
    text = "\x00  😀 &quot;Сбер\u200bбанк&quot;   и\r\n\r\n 😀 МТС"
    assert [text[match.start : match.end] for match in matcher.find(text)] == ["Сбер\u200bбанк", "МТС"]


def test_context_words_count_within_300_characters(matcher: Matcher) -> None:
    near = "кредит " + "и " * 140 + "альфа"
    far = "кредит " + "и " * 160 + "альфа"
    assert [match.object_id for match in matcher.find(near)] == ["alfa"]
    assert matcher.find(far) == []


def test_one_alias_of_two_objects_told_apart_by_context() -> None:
    watchlist = parse_watchlist("""
- {id: phone, kind: brand, name: Мегафон, aliases: [Мегафон], exclude: [рупор]}
- {id: horn, kind: topic, name: Рупоры, aliases: [Мегафон], require: [рупор]}
""")
    find = Matcher(watchlist, Inflector().forms).find
    assert [match.object_id for match in find("мегафон завис")] == ["phone"]
    assert [match.object_id for match in find("мегафон, он же рупор")] == ["horn"]


def test_two_objects_with_the_same_alias_at_the_same_place_are_both_found() -> None:
    watchlist = parse_watchlist("""
- {id: bank, kind: brand, name: Банк, aliases: [Ромашка], require: [вклад]}
- {id: shop, kind: brand, name: Магазин, aliases: [Ромашка]}
""")
    matches = Matcher(watchlist, Inflector().forms).find("вклад в Ромашке")
    assert [(match.object_id, match.start, match.end) for match in matches] == [
        ("bank", 8, 15),
        ("shop", 8, 15),
    ]


def test_an_empty_watchlist_finds_nothing() -> None:
    assert Matcher(Watchlist(()), Inflector().forms).find("Сбербанк") == []


def test_by_object_keeps_the_order_of_appearance(matcher: Matcher) -> None:
    grouped = by_object(matcher.find("ВТБ, МТС и снова втб"))
    assert {object_id: len(matches) for object_id, matches in grouped.items()} == {"vtb": 2, "mts": 1}
    assert list(grouped) == ["vtb", "mts"]
