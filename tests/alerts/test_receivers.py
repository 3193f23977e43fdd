"""Receivers over real HTTP: what is sent, how it is signed, and what each answer means."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from pipeline.alerts.alertmanager import Alertmanager
from pipeline.alerts.apprise_receiver import AppriseReceiver, UnknownService
from pipeline.alerts.configuration import Configuration, WebhookConfig
from pipeline.alerts.http_call import retry_after
from pipeline.alerts.receiver import Delivered, Later, Notification, Refused, Standing
from pipeline.alerts.receivers import open_receivers
from pipeline.alerts.webhook import Webhook
from pipeline.alerts.wording import composer, teller
from pipeline.core.incidents import Incidents
from pipeline.errors import UsageError
from schemas import Alert
from tests.alerts.listening import serving
from tests.alerts.spikes import T0, at, spike
from tests.alerts.surroundings import Stage, Time, webhooks

IMGHDR = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise's e-mail plugin imports it on Python before 3.13."""
NAMES = {"bank": "Теплобанк"}.get
COMPOSE = composer(
    "en", lambda each: NAMES(each) or each, link="https://board.example/?o=${object}&from=${from}"
)


def alert(**more: object) -> Alert:
    incidents = Incidents(
        teller(lambda each: NAMES(each) or each, ZoneInfo("Europe/Moscow")), timedelta(minutes=30)
    )
    found = incidents.absorb(spike(**more), T0)  # type: ignore[arg-type]
    assert found is not None
    return found


def notification(found: Alert, **more: object) -> Notification:
    return Notification.model_validate({"receiver": "r", "alert": found, "queued_at": T0, **more})


async def test_a_webhook_is_signed_and_carries_the_alert_and_its_key() -> None:
    async with serving() as server:
        hook = Webhook(
            "r", server.url, COMPOSE, Time(), secret="s3cret", headers={"Authorization": "Bearer t"}
        )
        assert (
            await hook.send(
                notification(alert(dimension="region", value="Самара", id="bank/1h/x/region=Самара"))
            )
            == Delivered()
        )
        await hook.close()
    (request,) = server.requests
    document = json.loads(request.body)
    assert Alert.model_validate(document["alert"]).lead.value == "Самара"
    assert document["title"].startswith("[warning] New incident. Теплобанк")
    assert document["link"].startswith("https://board.example/?o=bank&from=17")
    assert request.headers["Authorization"] == "Bearer t"
    assert request.headers["Idempotency-Key"] == "bank/1h/x/region=%D0%A1%D0%B0%D0%BC%D0%B0%D1%80%D0%B0#1#r"
    seconds, code = (part.split("=", 1)[1] for part in request.headers["X-Molva-Signature"].split(","))
    signed = hmac.new(b"s3cret", f"{seconds}.".encode() + request.body, hashlib.sha256)
    assert (int(seconds), code) == (int(T0.timestamp()), signed.hexdigest())


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (204, {}, Delivered()),
        (400, {}, Refused("HTTP 400: 'said so'")),
        (404, {}, Refused("HTTP 404: 'said so'")),
        (302, {"Location": "/elsewhere"}, Refused("HTTP 302: 'said so'")),
        (429, {"Retry-After": "17"}, Later("HTTP 429: 'said so'", 17.0)),
        (429, {}, Later("HTTP 429: 'said so'")),
        (500, {}, Later("HTTP 500: 'said so'")),
        (503, {"Retry-After": "Mon, 02 Mar 2026 10:01:30 GMT"}, Later("HTTP 503: 'said so'", 90.0)),
    ],
)
async def test_what_an_answer_means(status: int, headers: dict[str, str], outcome: object) -> None:
    async with serving((status, headers)) as server:
        hook = Webhook("r", server.url, COMPOSE, Time())
        assert await hook.send(notification(alert())) == outcome
        await hook.close()


async def test_silence_and_absence_are_worth_another_try() -> None:
    async with serving(None) as server:
        hook = Webhook("r", server.url, COMPOSE, Time(), timeout=0.05)
        assert await hook.send(notification(alert())) == Later("no answer in time (ReadTimeout)")
        await hook.close()
    gone = Webhook("r", server.url, COMPOSE, Time())
    assert isinstance(await gone.send(notification(alert())), Later)
    await gone.close()


def test_retry_after_is_a_number_or_a_date() -> None:
    assert retry_after(None, T0) == retry_after("soon", T0) == 0
    assert retry_after("Mon, 02 Mar 2026 09:00:00 GMT", T0) == 0


@pytest.mark.parametrize(
    "value",
    [
        "²",
        "٣",
        "-1",
        "1e9",
        f"Mon, 02 Mar {'9' * 20} 10:00:00 GMT",
        f"Mon, {'9' * 20} Mar 2026 10:00:00 GMT",
        f"Mon, 02 Mar 2026 10:00:00 +{'9' * 20}",
        "Mon, 02 Mar 10000 10:00:00 GMT",
    ],
)
def test_a_retry_after_that_is_neither_asks_for_nothing(value: str) -> None:
    assert retry_after(value, T0) == 0


async def test_an_address_that_is_none_is_refused_and_not_tried_for_a_day() -> None:
    for url in ("example.org/x", "http://h/\n"):
        hook = Webhook("r", url, COMPOSE, Time())
        assert isinstance(await hook.send(notification(alert())), Refused)
        await hook.close()


def test_a_receiver_that_cannot_be_opened_is_named() -> None:
    config = WebhookConfig(name="hook", type="webhook", url=SecretStr("http://x/"))
    unchecked = config.model_copy(update={"proxy": SecretStr("foo")})
    with pytest.raises(UsageError, match=r"the receiver 'hook': .*proxy"):
        open_receivers(Configuration(receivers=(unchecked,)), str, Time())


async def test_nothing_is_lost_over_failures_time_outs_and_limits() -> None:
    """The whole way: a real receiver that fails, hangs, limits and breaks, then takes everything in order."""
    script = [(500, {}), None, (429, {"Retry-After": "40"}), (502, {})]
    async with serving(*script) as server:
        time = Time()
        hook = Webhook("hook", server.url, COMPOSE, time, timeout=0.1)
        stage = Stage(webhooks("hook"), [hook], time=time)
        await stage.shift.start()
        await stage.take(spike("a"), spike("b"), spike("c"))
        await server.received(7)
        await stage.shift.end()
    keys = [request.headers["Idempotency-Key"] for request in server.requests]
    first, *others = (f"{spike(name).id}#1#hook" for name in "abc")
    assert keys == [first] * 5 + others
    assert time.slept == [0.75, 1.5, 40.0, 6.0]


async def test_alertmanager_hears_of_begin_escalation_and_end() -> None:
    incidents = Incidents(teller(str, ZoneInfo("UTC")), timedelta(minutes=30))
    events = [
        incidents.absorb(spike(), at(0)),
        incidents.absorb(spike(revision=2, status="updated", minute=9, severity="critical"), at(9)),
        incidents.absorb(spike(revision=3, status="resolved", minute=20), at(20)),
    ]
    async with serving() as server:
        time = Time()
        manager = Alertmanager("r", server.url, COMPOSE, time, hold=timedelta(minutes=10))
        for event in events:
            assert event is not None
            time.now = event.at
            assert await manager.send(notification(event)) == Delivered()
        await manager.remind([Standing(event, event.status == "open") for event in events if event])
        await manager.close()
    begun, worse, over, _ = (json.loads(request.body) for request in server.requests)
    (first,) = begun
    assert first["labels"] == {
        "alertname": "MolvaSpike",
        "incident": spike().id,
        "object": "bank",
        "kind": "brand",
        "resolution": "1h",
        "signal": "negativity",
        "severity": "warning",
    }
    assert (first["startsAt"], first["endsAt"]) == (at(0).isoformat(), at(10).isoformat())
    assert {"summary", "description_ru", "description_en", "runbook"} <= first["annotations"].keys()
    assert [(each["labels"]["severity"], each["endsAt"]) for each in worse] == [
        ("warning", at(9).isoformat()),
        ("critical", at(19).isoformat()),
    ]
    assert [each["endsAt"] for each in over] == [at(20).isoformat()] * 2


@IMGHDR
async def test_apprise_sends_through_a_service() -> None:
    async with serving((200, {}), (500, {})) as server:
        receiver = AppriseReceiver("r", server.url.replace("http://", "json://"), COMPOSE)
        assert await receiver.send(notification(alert())) == Delivered()
        assert isinstance(await receiver.send(notification(alert())), Later)
    sent = json.loads(server.requests[0].body)
    assert sent["title"].startswith("[warning] New incident.")
    assert spike().id in sent["message"]


@IMGHDR
def test_an_address_that_apprise_does_not_know_is_told_without_the_address() -> None:
    with pytest.raises(UnknownService) as told:
        AppriseReceiver("r", "nonsense://token", COMPOSE)
    assert "token" not in str(told.value)
