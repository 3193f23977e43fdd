"""The signals of whole posts over the trained model, and the data that it was trained from."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.nlp.signal_training import DATA, examples
from pipeline.nlp.signals import ASPECTS, TYPES, SignalModel
from schemas.signals import Signals


@pytest.fixture(scope="module")
def model() -> SignalModel:
    return SignalModel.load()


def one(model: SignalModel, text: str) -> Signals:
    (signals,) = model.signals([text])
    return signals


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Третий день не работает приложение, поддержка молчит, безобразие", "complaint"),
        ("Спасибо сотрудникам, очень быстро помогли, рекомендую", "praise"),
        ("Подскажите, сколько стоит доставка в Омск?", "question"),
        ("Помогите, пожалуйста, не могу разблокировать карту, что делать?", "request_help"),
        ("Скидка 20% на все тарифы, оформите заявку онлайн", "offer"),
        ("Банк увеличил чистую прибыль по итогам года, сообщила пресс-служба", "news"),
        ("Заходит Вовочка в банк ахахаха", "joke"),
        ("Требуется водитель, график 5/2, оклад от 60 тысяч", "job"),
        ("Розыгрыш! Сделай репост и выиграй телефон", "giveaway"),
        ("доброе утро", "other"),
    ],
)
def test_types(model: SignalModel, text: str, kind: str) -> None:
    signals = one(model, text)
    assert signals.type == kind
    assert 1 / len(TYPES) < signals.p_type <= 1


@pytest.mark.parametrize(
    ("text", "aspect"),
    [
        ("приложение вылетает после обновления", "app"),
        ("курьер опоздал, посылку так и не привезли", "delivery"),
        ("кассир нахамила при всех, ужасный персонал", "staff"),
        ("поддержка не отвечает, в чате бот", "answers"),
        ("подняли тариф, комиссия грабительская", "price"),
    ],
)
def test_aspects(model: SignalModel, text: str, aspect: str) -> None:
    signals = one(model, text)
    assert signals.aspects[0].name == aspect
    assert list(signals.aspects) == sorted(signals.aspects, key=lambda item: -item.p)


def test_everything_at_once(model: SignalModel) -> None:
    text = "Уроды! Списали деньги с карты, верните деньги, подаю в суд. Мой номер 89123456789"
    signals = one(model, text)
    assert signals.type == "complaint"
    assert "refund" in signals.calls
    assert "court" in signals.threats
    assert signals.toxic
    assert signals.experience == "own"
    assert [(item.kind, text[item.start : item.end]) for item in signals.personal] == [
        ("phone", "89123456789")
    ]
    assert signals.evidence
    assert signals.fingerprint
    assert signals.cluster == ""


def test_who_reports_does_not_threaten(model: SignalModel) -> None:
    signals = one(model, "Прокуратура подала в суд на компанию, сообщили в пресс-службе ведомства")
    assert (signals.type, signals.threats) == ("news", ())


def test_without_words(model: SignalModel) -> None:
    signals = one(model, "😀 12 https://t.co/x")
    assert (signals.type, signals.experience, signals.fingerprint) == ("other", "none", ())
    assert model.signals([]) == []


@given(st.lists(st.text(st.characters(), max_size=200), max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_texts_and_the_batch_does_not_matter(model: SignalModel, texts: list[str]) -> None:
    together = model.signals(texts)
    for text, signals in zip(texts, together, strict=True):
        alone = one(model, text)
        assert signals.model_copy(update={"p_type": 0, "aspects": ()}) == alone.model_copy(
            update={"p_type": 0, "aspects": ()}
        )
        assert signals.p_type == pytest.approx(alone.p_type, abs=1e-3)


def test_the_examples_cover_every_type_and_aspect() -> None:
    rows = examples()
    own = [row for row in rows if row.aspects is not None or row.group.startswith(row.type)]
    assert len(own) >= 400
    assert min(Counter(row.type for row in rows)[kind] for kind in TYPES) >= 30
    named = Counter(aspect for row in rows for aspect in row.aspects or ())
    assert set(named) == set(ASPECTS)
    assert len({row.text for row in own}) == len(own)


def test_no_example_is_copied_from_the_data_sets(shared_texts: list[str]) -> None:
    """No run of 24 letters in common."""
    known = {run for text in shared_texts for run in _runs(text)}
    lines = (DATA / "signals.jsonl").read_text(encoding="utf-8").splitlines()
    copied = [line for line in lines if known & _runs(json.loads(line)["text"])]
    assert copied == []


def _runs(text: str) -> set[str]:
    letters = "".join(char for char in text.lower().replace("ё", "е") if char.isalpha())
    return {letters[at : at + 24] for at in range(len(letters) - 23)}


@pytest.fixture(scope="module")
def shared_texts() -> list[str]:
    folder = Path(os.environ.get("MOLVA_DATA", "../shared/data"))
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        pytest.skip(f"no data sets in {folder}")
    return [json.loads(line)["text"] for path in files for line in path.read_text("utf-8").splitlines()]
