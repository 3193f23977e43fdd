"""The watchlist: what is accepted, and that every mistake is named with its line and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.watchlist import Watchlist, WatchlistError
from pipeline.core.watchlist_yaml import parse_watchlist
from pipeline.watchlist_file import load_watchlist

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

GOOD = """\
- id: bank
  kind: brand
  name: Банк
  aliases:
    - Теплобанк
    - text: Тепло
      exact: true
      require: [банк]
    - 24
    - no
  accounts: ["@teplobank"]
"""


def errors_of(text: str) -> list[str]:
    with pytest.raises(WatchlistError) as caught:
        parse_watchlist(text, "w.yaml")
    return str(caught.value).splitlines()


def test_a_good_watchlist() -> None:
    watchlist = parse_watchlist(GOOD)
    bank = watchlist["bank"]
    assert [alias.text for alias in bank.aliases] == ["Теплобанк", "Тепло", "24", "no"]
    assert bank.aliases[1].exact
    assert bank.required(bank.aliases[1]) == ("банк",)
    assert bank.accounts == {"any": ("@teplobank",)}
    assert "bank" in watchlist and "other" not in watchlist and len(watchlist) == 1
    assert list(watchlist) == [bank]


def test_the_list_may_stand_under_objects() -> None:
    indented = "".join(f"  {line}\n" for line in GOOD.splitlines())
    assert parse_watchlist("objects:\n" + indented).objects == parse_watchlist(GOOD).objects
    assert errors_of("objects:\n  - {id: a, kind: brnd, name: А, aliases: [Аа]}")[0].startswith("w.yaml:2: ")


@pytest.mark.parametrize("name", ["watchlist.example.yaml", "banks-and-operators.yaml"])
def test_the_examples_are_valid(name: str) -> None:
    assert len(load_watchlist(EXAMPLES / name)) >= 5


def test_the_banks_and_operators_are_all_there() -> None:
    ids = {watched.id for watched in load_watchlist(EXAMPLES / "banks-and-operators.yaml")}
    banks = {"sberbank", "vtb", "gazprom", "alfabank", "bankmoskvy", "raiffeisen", "uralsib", "rshb"}
    assert ids == banks | {"beeline", "mts", "megafon", "tele2", "rostelecom", "komstar", "skylink"}


MISTAKES = [
    ("- id: a\n  kind: brnd\n  name: А\n  aliases: [Аа]", 2, "object 'a'", "did you mean `brand`?"),
    ("- id: a\n  kind: brand\n  name: А\n  alias: [Аа]", 4, "unknown key `alias`", "did you mean `aliases`?"),
    ("- id: a\n  kind: brand\n  name: А", 1, "`aliases` is missing", "add how people call it"),
    ("- kind: brand\n  name: А\n  aliases: [Аа]", 1, "`id` is missing", "id: sberbank"),
    ("- id: a\n  kind: brand\n  name: А\n  aliases: []", 4, "`aliases` is empty", "add how people call it"),
    ("- id: a\n  kind: brand\n  name: А\n  aliases:", 4, "an empty value in `aliases`", "remove it"),
    ("- id: a\n  kind: brand\n  name: А\n  aliases: Аа", 4, "`aliases` must be a list", "`aliases: [Аа]`"),
    ("- id: a\n  kind: brand\n  name: А\n  aliases:\n  - Аа\n  - #Аа", 6, "an empty value", "quotes"),
    (
        "- id: a\n  kind: brand\n  name: А\n  aliases:\n  - Аа\n  - А: б",
        6,
        "unknown key `А`",
        "the keys are text",
    ),
    ("- id: a\n  kind: brand\n  name: А\n  aliases:\n  - Аа\n  - я", 6, "one letter", "exact: true"),
    ("- id: a\n  kind: brand\n  name: А\n  aliases:\n  - Аа*", 5, "`*`", "forms are found by themselves"),
    (
        "- id: a\n  kind: brand\n  name: А\n  aliases:\n  - text: Аа\n    exact: да",
        6,
        "`exact` is 'да'",
        "true or false",
    ),
    ("- id: Банк\n  kind: brand\n  name: А\n  aliases: [Аа]", 1, "the id 'Банк'", "a-z, 0-9"),
    ("- id: a\n  kind: brand\n  name: [А]\n  aliases: [Аа]", 3, "`name` must be text", "quotes"),
    ("- id: a\n  kind: brand\n  name: А\n  name: Б\n  aliases: [Аа]", 4, "`name` is given twice", "line 3"),
    (
        "- id: a\n  kind: brand\n  name: А\n  aliases: [Аа]\n  accounts: {vk: аа}",
        5,
        "`vk` must be a list",
        "[аа]",
    ),
    ("- Сбербанк", 1, "must be `key: value` lines", "'Сбербанк'"),
    ("id: a\nkind: brand", 1, "is not a list", "one `- id: ...` block per object"),
    ("", 1, "is empty", "watchlist.example.yaml"),
    ("# nothing\n", 1, "is empty", "watchlist.example.yaml"),
    ("- id: a\n\tkind: brand", 2, "not YAML", "a tab stands there: indent with spaces"),
    ("- id: a\n  accounts: [@sberbank]", 2, "not YAML", "in quotes"),
    ("- id: a\n  aliases:\n  - *Аа", 3, "not YAML", "in quotes"),
    ("- id: a\n  aliases: [Аа\n  name: А", 3, "not YAML", "check the indentation"),
    ("- id: a\n name: А\n  kind: brand", 2, "not YAML", "check the indentation"),
    ("- \x00", 1, "not YAML", "UTF-8"),
    ("- \ud800", 1, "not YAML", "UTF-8"),
    ("[" * 100_000, 1, "not YAML", "nested too deep"),
]


@pytest.mark.parametrize(("text", "line", "what", "hint"), MISTAKES, ids=[row[2] for row in MISTAKES])
def test_a_mistake_is_named_with_its_line_and_a_way_out(text: str, line: int, what: str, hint: str) -> None:
    first = errors_of(text)[0]
    assert first.startswith(f"w.yaml:{line}: ")
    assert what in first
    assert hint in first


def test_objects_may_have_their_own_sensitivity() -> None:
    watchlist = parse_watchlist(GOOD + "  sensitivity: {1h: 15, 5m: '12.5'}\n")
    assert watchlist["bank"].sensitivity == {"1h": 15.0, "5m": 12.5}
    assert watchlist.sensitivity() == {("bank", "1h"): 15.0, ("bank", "5m"): 12.5}
    assert parse_watchlist(GOOD).sensitivity() == {}


SENSITIVITY = "- id: a\n  kind: brand\n  name: А\n  aliases: [Аа]\n  sensitivity:"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (" 15", 5, "is given by length of the bucket: write it like `sensitivity: {1h: 15}`"),
        ("", 5, "is given by length of the bucket"),
        ("\n    2h: 15", 6, "unknown length of a bucket '2h' in `sensitivity`; there are 5m, 1h, 1d"),
        ("\n    5m: 12\n    1h: 7.9", 7, "the sensitivity of `1h` is '7.9': write a number from 8 to 50"),
        ("\n    1h: 51", 6, "from 8 to 50 (12 is the default, higher is less sensitive)"),
        ("\n    1h: nan", 6, "is 'nan': write a number"),
        ("\n    1h: high", 6, "is 'high': write a number"),
        ("\n    1h:", 6, "is '': write a number"),
        ("\n    1h: [15]", 6, "is ['15']: write a number"),
    ],
)
def test_a_wrong_sensitivity_is_named_with_its_line(text: str, line: int, words: str) -> None:
    (problem,) = errors_of(SENSITIVITY + text)
    assert problem.startswith(f"w.yaml:{line}: object 'a': ")
    assert words in problem


def test_every_problem_is_reported_in_the_order_of_lines() -> None:
    text = """\
- id: bank
  kind: bank
  name: Банк
  aliases: [Теплобанк]
- id: shop
  kind: brand
  nmae: Магазин
  aliases: [Лавка]
- id: bank
  kind: brand
  name: Снова
  aliases: []
"""
    lines = errors_of(text)
    assert [line.split(": ")[0] for line in lines] == [f"w.yaml:{number}" for number in (2, 7, 9, 12)]
    assert "the id is taken on line 1" in lines[2]


def test_an_alias_of_two_objects_needs_context() -> None:
    first = "- {id: a, kind: brand, name: А, aliases: [Ромашка]}\n"
    assert (
        "the alias 'ромашка' also names 'a' (line 1)"
        in errors_of(first + "- {id: b, kind: brand, name: Б, aliases: [ромашка]}")[0]
    )
    second = "- {id: b, kind: brand, name: Б, aliases: [{text: ромашка, require: [вклад]}]}"
    assert len(parse_watchlist(first + second)) == 2


def test_an_account_belongs_to_one_object() -> None:
    first = "- {id: a, kind: brand, name: А, aliases: [Аа], accounts: {vk: [one]}}\n"
    same = "- {id: b, kind: brand, name: Б, aliases: [Бб], accounts: ['https://vk.com/one']}"
    assert "belongs to 'a' (line 1)" in errors_of(first + same)[0]
    other = "- {id: b, kind: brand, name: Б, aliases: [Бб], accounts: {telegram: [one]}}"
    assert len(parse_watchlist(first + other)) == 2


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("- id: \u0431\n".encode("cp1251"), 1, "save the file in UTF-8"),
        (b"- id: a\n\xff\n", 2, "not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_utf8(tmp_path: Path, content: bytes, line: int, what: str) -> None:
    path = tmp_path / "w.yaml"
    path.write_bytes(content)
    with pytest.raises(WatchlistError, match=what) as caught:
        load_watchlist(path)
    assert caught.value.problems[0].line == line


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert "bank" in load_watchlist(path)


def test_a_missing_file_says_how_to_choose_another(tmp_path: Path) -> None:
    with pytest.raises(WatchlistError, match=r"cannot be read.*--watchlist or MOLVA_WATCHLIST"):
        load_watchlist(tmp_path / "none.yaml")


@given(st.text(st.sampled_from("- {}[]:#&*!|>'\"%@`\n\tаid,кind0~?") | st.characters(), max_size=80))
def test_any_text_is_a_watchlist_or_a_watchlist_error(text: str) -> None:
    try:
        assert isinstance(parse_watchlist(text), Watchlist)
    except WatchlistError as error:
        assert all(problem.line >= 1 and problem.message for problem in error.problems)
