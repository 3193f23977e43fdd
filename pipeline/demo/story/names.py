"""What the invented companies are called: case forms by object, formal and colloquial, for the grammar."""

from __future__ import annotations

from dataclasses import dataclass

CASES = ("nom", "gen", "dat", "acc", "ins", "loc")

BANK = "rassvet"
APP = "rassvet-online"
CARD = "zarya"
CEO = "ladogin"
FEES = "fees"
SEVKAP = "sevkap"
POLUS = "polus"


@dataclass(frozen=True)
class Name:
    """One object's names: per case, the forms that stand alone and those that need a word of banking near."""

    object_id: str
    sure: tuple[tuple[str, ...], ...]
    bare: tuple[tuple[str, ...], ...] = ((), (), (), (), (), ())

    def forms(self, case: str, context: bool) -> tuple[str, ...]:
        """All forms of a case; with ``context``, those that are ambiguous without it too (twice as often)."""
        index = CASES.index(case)
        return self.sure[index] + (self.bare[index] * 2 if context else ())


def _rows(*rows: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(form.strip() for form in row.split("/")) for row in rows)


NAMES: dict[str, Name] = {
    "bank": Name(
        BANK,
        _rows(
            "Рассвет Банк / «Рассвет Банк» / Рассвет Банк / банк «Рассвет» / банк Рассвет / рассветбанк",
            "Рассвет Банка / «Рассвет Банка» / Рассвет Банка / банка «Рассвет» / рассветбанка",
            "Рассвет Банку / «Рассвет Банку» / Рассвет Банку / банку «Рассвет» / рассветбанку",
            "Рассвет Банк / «Рассвет Банк» / Рассвет Банк / банк «Рассвет» / рассветбанк",
            "Рассвет Банком / Рассвет Банком / банком «Рассвет» / рассветбанком",
            "Рассвет Банке / Рассвет Банке / банке «Рассвет» / банке Рассвет / рассветбанке",
        ),
        _rows("Рассвет", "Рассвета", "Рассвету", "Рассвет", "Рассветом", "Рассвете"),
    ),
    "bank_en": Name(BANK, _rows("Rassvet Bank", *["Rassvet Bank"] * 5)),
    "app": Name(
        APP,
        _rows(
            "Рассвет Онлайн / «Рассвет Онлайн» / Рассвет-Онлайн",
            "Рассвет Онлайна / «Рассвет Онлайн»",
            "Рассвет Онлайну / «Рассвет Онлайн»",
            "Рассвет Онлайн / «Рассвет Онлайн» / Рассвет-Онлайн",
            "Рассвет Онлайном / «Рассвет Онлайн»",
            "Рассвет Онлайне / «Рассвет Онлайн»",
        ),
    ),
    "card": Name(
        CARD,
        _rows(
            "карта «Заря» / карта Заря",
            "карты «Заря» / карты Заря",
            "карте «Заря» / карте Заря",
            "карту «Заря» / карту Заря",
            "картой «Заря» / картой Заря",
            "карте «Заря» / карте Заря",
        ),
        _rows("Заря / «Заря»", "Зари", "Заре", "Зарю", "Зарёй", "Заре"),
    ),
    "ceo": Name(
        CEO,
        _rows(
            "Ладогин / Аркадий Ладогин",
            "Ладогина / Аркадия Ладогина",
            "Ладогину / Аркадию Ладогину",
            "Ладогина / Аркадия Ладогина",
            "Ладогиным / Аркадием Ладогиным",
            "Ладогине / Аркадии Ладогине",
        ),
    ),
    "sev": Name(
        SEVKAP,
        _rows(
            "Северный Капитал / «Северный Капитал» / Северный Капитал Банк / Севкап / севкап",
            "Северного Капитала / банка «Северный Капитал» / Севкапа",
            "Северному Капиталу / банку «Северный Капитал» / Севкапу",
            "Северный Капитал / банк «Северный Капитал» / Северный Капитал Банк / Севкап",
            "Северным Капиталом / банком «Северный Капитал» / Севкапом",
            "Северном Капитале / банке «Северный Капитал» / Севкапе",
        ),
    ),
    "pol": Name(
        POLUS,
        _rows(
            "Полюс Банк / «Полюс Банк» / Полюс Банк / полюсбанк",
            "Полюс Банка / «Полюс Банка» / полюсбанка",
            "Полюс Банку / полюсбанку",
            "Полюс Банк / «Полюс Банк» / полюсбанк",
            "Полюс Банком / полюсбанком",
            "Полюс Банке / Полюс Банке / полюсбанке",
        ),
    ),
}

TAGS: dict[str, tuple[str, ...]] = {
    BANK: ("#РассветБанк", "@rassvet_bank", "#рассветбанк"),
    APP: ("#РассветОнлайн", "#рассветонлайн"),
    CARD: ("#картаЗаря",),
    CEO: ("#Ладогин",),
    SEVKAP: ("#СеверныйКапитал", "@sevkap_bank", "#севкап"),
    POLUS: ("#ПолюсБанк", "@polus_bank"),
}
"""Hashtags and handles that are put at the end of a post (and name the object once more)."""

CONTEXT = (
    "банк",
    "карт",
    "счет",
    "счёт",
    "вклад",
    "кредит",
    "ипотек",
    "перевод",
    "кешбэк",
    "комисси",
    "приложен",
)
"""Stems of banking: where one stands in a phrase, «Рассвет» and «Заря» alone are the bank and the card."""
