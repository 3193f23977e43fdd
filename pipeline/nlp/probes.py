"""Hand-written sentences that name what a model can and cannot do; scored in every model card."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.nlp.tiers import LABELS, Question, Tier
from schemas.base import Label


class Probe(NamedTuple):
    """A sentence with the label that a person gives it; ``about`` is the object as it stands in the text."""

    skill: str
    text: str
    label: Label
    about: str = ""


PROBES: tuple[Probe, ...] = (
    Probe("plain", "Ужасное обслуживание, больше сюда ни ногой", "negative"),
    Probe("plain", "Спасибо за помощь, всё быстро решили, вы лучшие!", "positive"),
    Probe("plain", "Отделение на Ленина работает с девяти до шести", "neutral"),
    Probe("plain", "Меня бесит эта очередь, стою уже час", "negative"),
    Probe("plain", "Очень довольна новым тарифом", "positive"),
    Probe("plain", "Банк объявил дату собрания акционеров", "neutral"),
    Probe("negation", "Мне не понравилось, как они ответили", "negative"),
    Probe("negation", "Это совсем не хорошо", "negative"),
    Probe("negation", "Неплохо, мне даже не на что жаловаться", "positive"),
    Probe("negation", "Никаких проблем не было, всё работает", "positive"),
    Probe("negation", "Связь больше не пропадает, радует", "positive"),
    Probe("emoji", "Ваш новый офис 😍😍", "positive"),
    Probe("emoji", "опять это приложение 🤬", "negative"),
    Probe("emoji", "перевод не дошёл 😡", "negative"),
    Probe("sarcasm", "Ну да, конечно, лучший сервис: третий день без интернета", "negative"),
    Probe("sarcasm", "Спасибо, что списали деньги дважды, очень удобно", "negative"),
    Probe("sarcasm", "Гениально: закрыть отделение в день пенсий", "negative"),
    Probe("two objects", "Альфа отличная, а ВТБ ужасный", "positive", "Альфа"),
    Probe("two objects", "Альфа отличная, а ВТБ ужасный", "negative", "ВТБ"),
    Probe("two objects", "Ушёл из Ромашки, достали. Теперь в Лютике, очень доволен", "negative", "Ромашки"),
    Probe("two objects", "Ушёл из Ромашки, достали. Теперь в Лютике, очень доволен", "positive", "Лютике"),
    Probe("two objects", "Ромашка тормозит, зато Лютик радует скоростью", "positive", "Лютик"),
    Probe("two objects", "Ромашка тормозит, зато Лютик радует скоростью", "negative", "Ромашка"),
    Probe("profanity", "какой же х*евый банк", "negative"),
    Probe("profanity", "охренительно быстро сделали, красавцы", "positive"),
    Probe("profanity", "эта бл@дская связь опять лежит", "negative"),
    Probe("transliteration", "spasibo, ochen bystro pomogli", "positive"),
    Probe("transliteration", "uzhasnyj servis, nenavizhu", "negative"),
)


def judge(model: Tier, probe: Probe) -> Label:
    """The model's label for a probe."""
    if not probe.about:
        return LABELS[int(model.whole([probe.text])[0].argmax())]
    start = probe.text.index(probe.about)
    question = Question(probe.text, [(start, start + len(probe.about))], probe.about)
    return LABELS[int(model.toward([question])[0].argmax())]


def score(model: Tier) -> dict[str, str]:
    """How many probes of each skill the model gets right, as ``right/all``."""
    skills: dict[str, list[bool]] = {}
    for probe in PROBES:
        skills.setdefault(probe.skill, []).append(judge(model, probe) == probe.label)
    return {skill: f"{sum(right)}/{len(right)}" for skill, right in skills.items()}
