"""What a schedule did: each fault with its recovery time, and the ledger's verdict; as lines and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.ledger import Verdict
from tests.chaos.schedule import Fault


@dataclass
class Struck:
    """What a fault did: seconds from its end until all workers were ready and all posts of before stored."""

    fault: Fault
    after_s: float
    recovery_s: float | None = None
    why: str = ""

    def __str__(self) -> str:
        end = f"recovered in {self.recovery_s:.1f} s" if self.recovery_s is not None else self.why
        return f"{self.after_s:6.1f} s  {self.fault}: {end}"


@dataclass
class Report:
    """One schedule and its outcome."""

    seed: int
    brokers: int
    struck: list[Struck] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0
    crashes: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Processes that were ended by SIGKILL; one that had just ended by itself does not count."""
        return sum(each.fault.kind == "kill" and not each.why for each in self.struck)

    def as_json(self) -> dict[str, Any]:
        """The report as the command prints it."""
        faults = [
            {**each.fault._asdict(), "recovery_s": each.recovery_s, "why": each.why} for each in self.struck
        ]
        return {
            "seed": self.seed,
            "brokers": self.brokers,
            "kills": self.kills,
            "seconds": round(self.seconds, 1),
            "findings": self.verdict.findings,
            "counts": self.verdict.counts,
            "faults": faults,
            "details": self.verdict.details,
            "crashes": self.crashes,
        }
