"""agents.yaml -> the options of every agent, each checked by its kind; every mistake with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.base import BadConfiguration
from agents.checked_yaml import CheckedYaml, read_text
from agents.kinds import KINDS, load
from agents.options import AgentOptions, Lookup

TOP = "agents"


def read_agents(
    path: Path, environment: Mapping[str, str], *, complete: bool = True
) -> tuple[AgentOptions, ...]:
    """Read and check the file.

    Args:
        environment: where ``env:NAME`` is looked up; ``file:PATH`` begins at the folder of the file.
        complete: False leaves the secrets unread, for a table of the agents where nobody has them.

    Raises:
        BadConfiguration: every mistake of the file with its line; no message holds a secret.
    """
    lookup = Lookup(environment, path.resolve().parent, complete)
    return parse_agents(read_text(path), str(path), lookup)


def parse_agents(text: str, name: str, lookup: Lookup) -> tuple[AgentOptions, ...]:
    """The agents of a YAML text; ``name`` is what errors call it.

    Raises:
        BadConfiguration: every mistake with its line.
    """
    file = CheckedYaml(text, name)
    document = file.document
    entries = document.get(TOP) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        file.mistake((TOP,), "write `agents:` and under it a list of agents (examples/agents.example.yaml)")
        file.require_none()
        return ()
    for key in document:
        if key != TOP:
            file.mistake((key,), f"unknown key `{key}`: there is only `agents`")
    found = {}
    for index in range(len(entries)):
        if (options := _options(file, index, lookup)) is not None:
            found[index] = options
    _require_unique(file, found)
    file.require_none()
    return tuple(found.values())


def _options(file: CheckedYaml, index: int, lookup: Lookup) -> AgentOptions | None:
    place, entry = (TOP, index), file.document[TOP][index]
    if not isinstance(entry, dict):
        file.mistake(place, "an agent has `name`, `kind` and the options of its kind")
        return None
    kind = entry.get("kind")
    if not isinstance(kind, str):
        file.mistake(place, f"`kind` is missing: one of {', '.join(KINDS)}")
        return None
    try:
        model = load(kind).options
    except BadConfiguration as error:
        file.mistake((*place, "kind"), str(error))
        return None

    def called(steps: Sequence[int | str]) -> str:
        where = ".".join(map(str, steps))
        return f"{kind}:{entry.get('name', '?')}: {where}".removesuffix(": ")

    return file.model(model, place, context=lookup, called=called)


def _require_unique(file: CheckedYaml, found: Mapping[int, AgentOptions]) -> None:
    first: dict[str, int] = {}
    for index, options in found.items():
        if (earlier := first.setdefault(options.agent, index)) != index:
            line = file.line((TOP, earlier, "name"))
            file.mistake((TOP, index, "name"), f"there is an agent {options.agent} in line {line} already")


def agent_of(agents: Sequence[AgentOptions], name: str) -> AgentOptions:
    """The agent of a full name, or of its entry name where only one kind has it.

    Raises:
        BadConfiguration: there is none, or more than one.
    """
    fitting = [each for each in agents if name in (each.agent, each.name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise BadConfiguration(f"which one? {', '.join(each.agent for each in fitting)}")
    raise BadConfiguration(
        f"there is no agent {name!r}; there are {', '.join(each.agent for each in agents)}"
    )
