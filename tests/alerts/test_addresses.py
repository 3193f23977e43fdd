"""alerts.yaml: addresses, proxies, headers and durations that cannot work are told before anybody is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.alerts.configuration import WebhookConfig
from pipeline.alerts.configuration_file import AlertsError
from tests.alerts.test_configuration import HOOK, read


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HOOK.replace("http://x/", "example.org/x"), "2: `url`: write the whole address with http://"),
        (HOOK.replace("http://x/", "ftp://x/"), "2: `url`: write the whole address with http://"),
        (HOOK.replace("http://x/", ""), "2: `url`: write the whole address with http://"),
        (HOOK.replace("http://x/", "http://"), "2: `url`: the address has no host"),
        (HOOK.replace("http://x/", "http://a b/"), "2: `url`: the address has no host"),
        (HOOK.replace("http://x/", "http://h:99999/x"), "2: `url`: there is no port 99999"),
        (HOOK.replace("http://x/", "http://h:one/x"), "2: `url`: no URL"),
        (HOOK.replace("http://x/", "http://a..b/"), "2: `url`: no URL"),
        (
            "receivers:\n  - name: a\n    type: webhook\n    url: http://x/\n    proxy: foo\n",
            "5: `proxy`: write",
        ),
        (
            "receivers:\n  - name: a\n    type: alertmanager\n    url: http://x/\n    proxy: socks5://x:1\n",
            "5: `proxy`: write the whole address with http://",
        ),
        (
            "receivers:\n  - name: a\n    type: webhook\n    url: http://x/\n    headers: {X-Who: Молва}\n",
            "5: `headers`: the value of X-Who holds more than one line of ASCII",
        ),
        (
            'receivers:\n  - name: a\n    type: webhook\n    url: http://x/\n    headers: {X-Who: "a\\nb"}\n',
            "5: `headers`: the value of X-Who holds more than one line of ASCII",
        ),
        (
            "receivers:\n  - name: a\n    type: webhook\n    url: http://x/\n    headers: {Кто: a}\n",
            "5: `headers`: 'Кто' is no name of a header",
        ),
        (
            "receivers:\n  - name: a\n    type: webhook\n    url: http://x/\n    timeout: 999999w\n",
            "5: `timeout`: at most 366d",
        ),
    ],
)
def test_what_cannot_work_is_told_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(AlertsError) as told:
        read(tmp_path, text)
    assert str(told.value).startswith(f"{tmp_path / 'alerts.yaml'}:{complaint}")


def test_a_password_of_the_environment_may_hold_any_signs(tmp_path: Path) -> None:
    text = """
receivers:
  - {name: mail, type: apprise, url: "mailtos://molva:${WORD}@mail.example?to=pr@example.org"}
  - {name: hook, type: webhook, url: "http://u:${WORD}@h/${WORD}", proxy: "http://p:${WORD}@proxy:3128"}
"""
    mail, hook = read(tmp_path, text, WORD="a@b/c%d").receivers
    assert isinstance(hook, WebhookConfig)
    urls = [each.get_secret_value() for each in (mail.url, hook.url, hook.proxy) if each is not None]
    assert urls == [
        "mailtos://molva:a%40b%2Fc%25d@mail.example?to=pr@example.org",
        "http://u:a%40b%2Fc%25d@h/a@b/c%d",
        "http://p:a%40b%2Fc%25d@proxy:3128",
    ]


def test_an_address_whose_variable_is_not_set_is_one_mistake(tmp_path: Path) -> None:
    with pytest.raises(AlertsError) as told:
        read(tmp_path, "receivers:\n  - {name: a, type: webhook, url: '${NO_SUCH}'}\n")
    file = tmp_path / "alerts.yaml"
    assert str(told.value) == f"{file}:2: `url`: the variable NO_SUCH is not set in the environment"
