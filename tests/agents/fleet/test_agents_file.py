"""agents.yaml: what it may say, mistakes with their lines, and secrets that nobody is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from agents import agents_file
from agents.agents_file import agent_of, parse_agents, read_agents
from agents.base import BadConfiguration
from agents.kinds import KINDS, Kind, Loaded, load
from agents.options import AgentOptions, Limits, Lookup, Secret, secrets_in
from pipeline.logs import Redaction

TOKEN = "s3cr3t-of-this-test"


class Options(AgentOptions):
    """A kind with a token."""

    LIMITS = Limits(requests_per_second=3, burst=5)

    kind: Literal["vk"] = "vk"
    token: Secret
    groups: tuple[str, ...] = ()


@pytest.fixture
def vk(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(kind: str) -> Loaded:
        return Loaded(Options, lambda options, around: None) if kind == "vk" else load(kind)  # type: ignore[arg-type,return-value]

    monkeypatch.setattr(agents_file, "load", loaded)


def parsed(text: str, **environment: str) -> tuple[AgentOptions, ...]:
    return parse_agents(text, "f", Lookup(environment))


@pytest.mark.usefixtures("vk")
def test_an_agent_has_a_name_limits_a_period_and_its_secret() -> None:
    (banks,) = parsed(
        "agents:\n"
        "  - name: banks\n"
        "    kind: vk\n"
        "    token: env:VK_TOKEN\n"
        "    groups: [a, '1']\n"
        "    limits: {requests_per_second: 2.5}\n"
        "    backfill: {since: 2026-01-01, until: 2026-02-01T12:00:00+03:00}\n",
        VK_TOKEN=f" {TOKEN}\n",
    )
    assert isinstance(banks, Options) and banks.agent == "vk:banks"
    assert banks.token.get_secret_value() == TOKEN and TOKEN not in repr(banks)
    assert banks.effective_limits == Limits(requests_per_second=2.5, burst=1)
    assert banks.backfill is not None
    assert banks.backfill.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert banks.backfill.until == datetime(2026, 2, 1, 9, tzinfo=UTC)


@pytest.mark.usefixtures("vk")
def test_a_kind_gives_the_limits_that_the_file_does_not() -> None:
    (banks,) = parsed("agents:\n  - {name: banks, kind: vk, token: 'env:T'}\n", T="t")
    assert banks.effective_limits == Limits(requests_per_second=3, burst=5)


START = "agents:\n  - name: banks\n    kind: vk\n"
MISTAKES = [
    (START, "f:2: vk:banks: token: Field required"),
    (START + "    token: env:NONE\n", "f:4: vk:banks: token: the variable NONE is not set"),
    (START + "    token: file:no/such\n", "f:4: vk:banks: token: .*no/such cannot be read"),
    (START + f"    token: {TOKEN}\n", "f:4: vk:banks: token: holds a secret: write `env:NAME`"),
    (START + f"    token: [{TOKEN}]\n", "f:4: vk:banks: token: holds a secret"),
    (START + "    token: env:T\n    tokens: x\n", "f:5: vk:banks: tokens: Extra inputs"),
    (START + "    token: env:T\n    limits:\n      burst: 0\n", r"f:6: vk:banks: limits\.burst: .*greater"),
    (
        START + "    token: env:T\n    backfill: {since: 2026-02-01, until: 2026-01-01}\n",
        "f:5: vk:banks: backfill: `since` must come before `until`",
    ),
    ("agents:\n  - {name: Banks, kind: vk, token: 'env:T'}\n", "f:2: vk:Banks: name: String should match"),
    ("agents:\n  - name: x\n", "f:2: `kind` is missing: one of .*rss"),
    ("agents:\n  - name: x\n    kind: telepathy\n", "f:3: there is no kind 'telepathy'; there are .*rss"),
    ("agents:\n  - [x]\n", "f:2: an agent has `name`"),
    ("agents: {}\n", "f:1: write `agents:` and under it a list"),
    ("", "f:1: write `agents:`"),
    ("agents:\n  - {name: x, kind: vk, token: 'env:T'}\nagent: 1\n", "f:3: unknown key `agent`"),
    (
        "agents:\n  - {name: x, kind: vk, token: 'env:T'}\n  - {name: x, kind: vk, token: 'env:T'}\n",
        "f:3: there is an agent vk:x in line 2 already",
    ),
    (
        "agents:\n  - {name: x, kind: rss, feeds: [{url: 'http://a.b'}, {url: 'http://a.b'}]}\n",
        "f:2: rss:x: http://a.b/ stands there twice",
    ),
    ("agents:\n  - name: [\n", "f:3: not YAML"),
]


@pytest.mark.usefixtures("vk")
@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_line_and_without_secrets(text: str, message: str) -> None:
    with pytest.raises(BadConfiguration, match=message) as caught:
        parsed(text, T="t")
    assert TOKEN not in str(caught.value)


@pytest.mark.usefixtures("vk")
def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadConfiguration) as caught:
        parsed(
            "agents:\n  - {name: x, kind: vk}\n  - {name: y, kind: vk, token: 'env:T', limits: 3}\n", T="t"
        )
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == ["f:2", "f:3"]


@pytest.mark.usefixtures("vk")
def test_secret_files_stand_beside_agents_yaml_and_may_be_left_unread(tmp_path: Path) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text(START + "    token: file:vk.token\n")
    (unread,) = read_agents(file, {}, complete=False)
    assert unread.agent == "vk:banks"
    (tmp_path / "vk.token").write_text(f"{TOKEN}\n")
    (banks,) = read_agents(file, {})
    assert isinstance(banks, Options) and banks.token.get_secret_value() == TOKEN
    (tmp_path / "vk.token").write_text("\n")
    with pytest.raises(BadConfiguration, match=r"agents.yaml:4: .*file:vk.token is empty"):
        read_agents(file, {})


@pytest.mark.usefixtures("vk")
def test_an_agent_is_found_by_its_full_name_or_by_a_name_that_only_one_has() -> None:
    feed = "feeds: [{url: 'https://a.example'}]"
    agents = parsed(
        "agents:\n  - {name: a, kind: vk, token: 'env:T'}\n  - {name: b, kind: vk, token: 'env:T'}\n"
        f"  - {{name: a, kind: rss, {feed}}}\n",
        T="t",
    )
    assert agent_of(agents, "rss:a").agent == "rss:a" and agent_of(agents, "b").agent == "vk:b"
    with pytest.raises(BadConfiguration, match="which one"):
        agent_of(agents, "a")
    with pytest.raises(BadConfiguration, match="there is no agent 'c'; there are vk:a, vk:b, rss:a"):
        agent_of(agents, "c")


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind("tests.agents.fleet.needs_more", "Sky-Diving", "sky_diving", "sky")
    monkeypatch.setattr("agents.kinds.KINDS", {"sky": kind})
    with pytest.raises(BadConfiguration, match=r"the sky agent needs Sky-Diving: pip install 'molva\[sky\]'"):
        load("sky")


def test_every_kind_can_be_loaded_or_says_what_it_needs() -> None:
    for name, kind in KINDS.items():
        try:
            loaded = load(name)
        except BadConfiguration as error:
            assert kind.extra and f"molva[{kind.extra}]" in str(error)
            continue
        assert issubclass(loaded.options, AgentOptions) and callable(loaded.build), name


@pytest.mark.parametrize(
    "file", ["examples/agents.example.yaml", "deploy/agents/agents.yaml", "deploy/kubernetes/sources.yaml"]
)
def test_the_files_that_come_with_molva_are_valid(file: str) -> None:
    assert read_agents(Path(__file__).parents[3] / file, {})


def test_no_log_of_the_fleet_shows_a_secret_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "banks.key").write_text(f"{TOKEN}-from-a-file\n")
    (tmp_path / "agents.yaml").write_text(
        "agents:\n"
        "  - name: banks\n"
        "    kind: vk\n"
        "    tokens: [{secret: 'env:VK_ONE'}, {secret: 'file:banks.key', of: service}]\n"
        "    queries: [банк]\n"
    )
    (banks,) = read_agents(tmp_path / "agents.yaml", {"VK_ONE": TOKEN})
    assert set(secrets_in(banks)) == {TOKEN, f"{TOKEN}-from-a-file"}
    redact = Redaction(secrets_in(banks))
    assert redact(f"GET /method?access_token={TOKEN}-from-a-file") == "GET /method?access_token=***"
