"""The options of a ``vk-callback`` agent in agents.yaml."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agents.options import AgentOptions, Secret
from agents.vk.names import numbered, place_name


def _community(text: str) -> str:
    name = place_name(text)
    number = numbered(name)
    if number is None:
        raise ValueError(f"{text!r} is no id of a community: write club123, as its settings show it")
    return f"-{abs(number)}"


class Community(BaseModel):
    """A community whose Callback API sends to this agent; both secrets stand in its settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    community: Annotated[str, AfterValidator(_community)]
    confirmation: Secret
    """The string that VK wants to see once, to believe that the address is the company's."""
    secret: Secret
    """The secret key that VK sends with every event."""

    @property
    def number(self) -> int:
        """The id of the community, positive as in events."""
        return abs(int(self.community))


class Options(AgentOptions):
    """Where events are taken, and whose."""

    communities: tuple[Community, ...] = Field(min_length=1, max_length=300)
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65_535)
    path: str = Field(default="/vk", pattern=r"^/[\w./-]*$")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        numbers = [each.number for each in self.communities]
        if len(set(numbers)) < len(numbers):
            raise ValueError("a community is listed twice")
        return self
