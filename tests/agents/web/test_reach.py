"""The allowlist of hosts, and how they may be written."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.base import BadConfiguration
from agents.web import Forbidden, Reach

NAMED = Reach.of(
    "api.vk.com", "*.example.org", "forum.example:8443", "https://blog.example/feed", "пример.рф"
)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.vk.com/method/wall.get?x=1",
        "http://API.VK.COM./",
        "wss://api.vk.com/stream",
        "https://example.org/",
        "https://a.b.example.org/",
        "https://forum.example:8443/x",
        "https://blog.example/other",
        "https://xn--e1afmkfd.xn--p1ai/",
    ],
)
def test_named_places(url: str) -> None:
    NAMED.check(httpx.URL(url))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://vk.com/", "no host that this agent is configured for"),
        ("https://api.vk.com.evil.example/", "configured"),
        ("https://evilexample.org/", "configured"),
        ("https://api.vk.com:22/", "configured"),
        ("https://forum.example/", "configured"),
        ("http://blog.example/", "configured"),
        ("https://api.vk.com@evil.example/", "user or password"),
        ("file:///etc/passwd", "http and https only"),
        ("gopher://api.vk.com/", "http and https only"),
        ("http:///x", "http and https only"),
        ("https://127.0.0.1/", "configured"),
    ],
)
def test_other_places(url: str, rule: str) -> None:
    with pytest.raises(Forbidden, match=rule):
        NAMED.check(httpx.URL(url))


def test_a_redirect_may_leave_for_usual_ports_where_the_kind_allows_it() -> None:
    there, odd = httpx.URL("https://moved.example/feed"), httpx.URL("https://moved.example:6379/")
    public = Reach.of("blog.example", redirects="public")
    public.check(there, redirected=True)
    with pytest.raises(Forbidden, match="port 6379"):
        public.check(odd, redirected=True)
    with pytest.raises(Forbidden, match="configured"):
        public.check(there)
    with pytest.raises(Forbidden, match="configured"):
        NAMED.check(there, redirected=True)


def test_no_redirect_leads_to_a_server_of_the_house_that_the_agent_does_not_name() -> None:
    reach = Reach.of("blog.example", redirects="public", private=["wiki.corp", "blog.example"])
    reach.check(httpx.URL("https://blog.example/"), redirected=True)
    for url in ("https://wiki.corp/", "http://WIKI.corp./"):
        with pytest.raises(Forbidden, match="no redirect leads to a server of MOLVA_AGENT_PRIVATE_HOSTS"):
            reach.check(httpx.URL(url), redirected=True)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://a.b.example.org/", "example.org:443"),
        ("https://example.org/", "example.org:443"),
        ("https://api.vk.com/x", "api.vk.com:443"),
        ("https://forum.example:8443/", "forum.example:8443"),
        ("https://elsewhere.example/", "elsewhere.example:443"),
    ],
)
def test_names_below_a_domain_are_counted_as_one_server(url: str, server: str) -> None:
    assert NAMED.server(httpx.URL(url)) == server


def test_credentials_leave_the_house_encrypted_only() -> None:
    reach = Reach.of("api.vk.com", "wiki.corp:8080", private=["wiki.corp:8080"])
    reach.check(httpx.URL("https://api.vk.com/"), secret=True)
    reach.check(httpx.URL("http://wiki.corp:8080/"), secret=True)
    with pytest.raises(Forbidden, match="https only"):
        reach.check(httpx.URL("http://api.vk.com/"), secret=True)


@pytest.mark.parametrize("name", ["", "*.", "a b/c", "host/path", "https://", "host:port"])
def test_what_is_no_host_is_a_mistake_of_the_configuration(name: str) -> None:
    with pytest.raises(BadConfiguration, match="is no host"):
        Reach.of(name)


def test_a_password_in_the_configuration_is_not_told() -> None:
    with pytest.raises(BadConfiguration) as told:
        Reach.of("user:hunter2@ho st/x")
    assert "hunter2" not in str(told.value)


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){1,3}", fullmatch=True))
def test_only_the_host_itself_and_what_is_below_it_match(host: str) -> None:
    reach = Reach.of("*.example.org")
    assert reach.names(httpx.URL(f"https://{host}.example.org/"))
    assert not reach.names(httpx.URL(f"https://{host}example.org.{host}/"))
    assert reach.names(httpx.URL(f"https://{host}/")) == (
        host == "example.org" or host.endswith(".example.org")
    )
