"""Which processes run on one machine: the workers of each stage and the agents."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.embedded.process import free_ports
from pipeline.supervisor import WorkerSpec


@dataclass(frozen=True)
class Plan:
    """How many workers of each stage run, and which agents (names for ``molva agent``)."""

    enrichment: int = 1
    detection: int = 1
    agents: tuple[str, ...] = ()
    fleet: bool = False
    """Whether a process of the fleet of agents.yaml runs, too (``molva agents run``)."""

    @property
    def collectors(self) -> list[str]:
        """The names of the processes that collect: they stop first."""
        return [f"agent-{name}" for name in self.agents] + ["agents-1"] * self.fleet

    def specs(self) -> list[WorkerSpec]:
        """The processes, upstream first, each with a free metrics port."""
        names: list[tuple[str, tuple[str, ...]]] = []
        names += [(f"agent-{name}", ("agent", name)) for name in self.agents]
        names += [("agents-1", ("agents", "run"))] * self.fleet
        names += [(f"enrichment-{n}", ("worker", "enrichment")) for n in range(1, self.enrichment + 1)]
        names += [(f"detection-{n}", ("worker", "detection")) for n in range(1, self.detection + 1)]
        names += [("storage-1", ("worker", "storage")), ("notification-1", ("worker", "notification"))]
        ports = free_ports(len(names))
        return [WorkerSpec(name, args, port) for (name, args), port in zip(names, ports, strict=True)]

    def slowest(self) -> list[str]:
        """The workers that take longest to load; they need neither ClickHouse nor a state."""
        return [f"enrichment-{number}" for number in range(1, self.enrichment + 1)]
