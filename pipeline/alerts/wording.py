"""What a receiver reads of an alert: title, text, link; in its language, by its templates or the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from string import Template
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pipeline.core.telling import body, headline
from pipeline.core.wording import WORDS, Language
from schemas.alert import Alert, AlertEvent, Telling
from schemas.spike import Spike

LOOK_BACK = timedelta(hours=6)
"""How much before the start of an incident its link shows."""
EVENTS: dict[Language, dict[AlertEvent, str]] = {
    "ru": {
        "opened": "Новый инцидент",
        "joined": "Инцидент ширится",
        "escalated": "Стало хуже",
        "updated": "Продолжается",
        "resolved": "Закончилось",
        "reopened": "Началось снова",
        "expired": "Закрыто: давно нет данных",
        "acknowledged": "Взято в работу",
        "unacknowledged": "Снова ничьё",
        "snoozed": "Отложено",
        "unsnoozed": "Больше не отложено",
        "suppressed": "Приглушено",
        "resumed": "Всё ещё продолжается",
    },
    "en": {
        "opened": "New incident",
        "joined": "Incident grows",
        "escalated": "Worse than before",
        "updated": "Goes on",
        "resolved": "Over",
        "reopened": "Back again",
        "expired": "Closed: no news for long",
        "acknowledged": "Acknowledged",
        "unacknowledged": "Nobody's again",
        "snoozed": "Snoozed",
        "unsnoozed": "No longer snoozed",
        "suppressed": "Silenced",
        "resumed": "Still going on",
    },
}
DEFAULT_TITLE = Template("[${severity}] ${event}. ${headline}")
DEFAULT_TEXT: dict[Language, Template] = {
    "ru": Template("${explanation}${more}${who}\nИнцидент: ${incident}"),
    "en": Template("${explanation}${more}${who}\nIncident: ${incident}"),
}
MORE: dict[Language, Template] = {
    "ru": Template("\nВсплесков в инциденте: ${spikes}; объекты: ${objects}."),
    "en": Template("\nSpikes in the incident: ${spikes}; objects: ${objects}."),
}
WHO: dict[Language, str] = {"ru": "\nВ работе у: ", "en": "\nAcknowledged by: "}
FIELDS = frozenset(
    {"severity", "event", "headline", "explanation", "more", "who", "incident", "objects", "spikes", "status"}
    | {"link", "comment"}
)
"""What ``title`` and ``text`` templates of alerts.yaml may hold."""
LINK_FIELDS = frozenset({"object", "incident", "from", "to"})


class Words(NamedTuple):
    """A notification for people; ``link`` is empty where none is configured."""

    title: str
    text: str
    link: str


Composer = Callable[[Alert], Words]
Names = Callable[[str], str]
"""An object's id -> what people call it."""


def composer(
    language: Language,
    names: Names,
    title: str | None = None,
    text: str | None = None,
    link: str | None = None,
) -> Composer:
    """How a receiver's notifications are worded.

    Args:
        title: a template (`string.Template`) over `FIELDS`; None: the default. ``text`` likewise.
        link: a template over `LINK_FIELDS`: where to look on; moments are in ms since 1970, as Grafana has
            them.
    """
    title_template = DEFAULT_TITLE if title is None else Template(title)
    text_template = DEFAULT_TEXT[language] if text is None else Template(text)

    def compose(alert: Alert) -> Words:
        address = "" if link is None else Template(link).substitute(_place(alert))
        fields = _fields(alert, language, names) | {"link": address}
        return Words(title_template.substitute(fields), text_template.substitute(fields), address)

    return compose


def teller(names: Names, zone: ZoneInfo) -> Callable[[Spike], tuple[Telling, Telling]]:
    """The texts of an incident's events (`pipeline.core.incident_events.Tell`)."""

    def tell(spike: Spike) -> tuple[Telling, Telling]:
        name = names(spike.object_id)
        ru, en = (
            Telling(title=headline(spike, name, language, zone), text=body(spike, name, language, zone))
            for language in ("ru", "en")
        )
        return ru, en

    return tell


def _fields(alert: Alert, language: Language, names: Names) -> dict[str, str]:
    told: Telling = alert.ru if language == "ru" else alert.en
    objects = ", ".join(names(each) for each in alert.object_ids)
    several = len(alert.spikes) > 1
    return {
        "severity": WORDS[language].severity[alert.severity],
        "event": EVENTS[language][alert.event],
        "headline": told.title,
        "explanation": told.text,
        "more": MORE[language].substitute(spikes=len(alert.spikes), objects=objects) if several else "",
        "who": WHO[language] + alert.acknowledged_by if alert.acknowledged_by else "",
        "incident": alert.id,
        "objects": objects,
        "spikes": str(len(alert.spikes)),
        "status": alert.status,
        "comment": alert.comment,
    }


def _place(alert: Alert) -> Mapping[str, str]:
    until = alert.resolved_at or alert.updated_at
    return {
        "object": quote(alert.lead.object_id, safe=""),
        "incident": quote(alert.id, safe=""),
        "from": str(round((alert.started_at - LOOK_BACK).timestamp() * 1000)),
        "to": str(round(until.timestamp() * 1000)) if alert.status == "resolved" else "now",
    }
