"""A circuit breaker per host: after failures in a row the host is left alone, then tried by one request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agents.base import Clock, Refused

FAILURES: Final = 5
"""In a row; then the circuit opens."""
FIRST_REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(minutes=15)
MOST_CIRCUITS: Final = 1000
PROBE: Final = timedelta(minutes=2)
"""How long a probe may take before another one is let through."""


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    until: datetime | None = None
    """Closed to requests until then; None: the circuit is closed, requests pass."""
    opened: int = 0
    """How often in a row it has opened; the rest doubles each time."""
    probed: bool = False
    """A request was let through to probe the host."""


class Breakers:
    """The circuits of all hosts that a process asks; ``jitter`` (0 to 1) spreads the probes."""

    def __init__(self, clock: Clock, jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._circuits: dict[str, _Circuit] = {}
        self._most = MOST_CIRCUITS

    def check(self, host: str) -> None:
        """Refuse while the circuit is open.

        Raises:
            Refused: the host is left alone; when to ask again.
        """
        circuit = self._circuits.get(host)
        if circuit is None or circuit.until is None:
            return
        wait = circuit.until - self._clock()
        if wait > timedelta():
            raise Refused(
                f"{host} failed {circuit.failures} times in a row; it is asked again in"
                f" {wait.total_seconds():.0f} s",
                wait,
            )

    def begin(self, host: str) -> None:
        """Refuse like `check`; else the request goes out, of an open circuit as its only probe."""
        self.check(host)
        circuit = self._circuits.get(host)
        if circuit is not None and circuit.until is not None:
            circuit.until, circuit.probed = self._clock() + PROBE, True

    def failed(self, host: str) -> bool:
        """Note a failure: no connection, no answer, HTTP 5xx. True where it opened the circuit.

        Of an open circuit only its probe counts: others were on their way when it opened.
        """
        circuit = self._circuits.setdefault(host, _Circuit())
        circuit.failures += 1
        if circuit.failures < FAILURES or (circuit.until is not None and not circuit.probed):
            return False
        rest = min(FIRST_REST * 2**circuit.opened, LONGEST_REST)
        circuit.opened, circuit.probed = min(circuit.opened + 1, 16), False
        circuit.until = self._clock() + rest * (0.75 + self._jitter() / 2)
        return True

    def succeeded(self, host: str) -> bool:
        """Note an answer; True where it closed the circuit."""
        circuit = self._circuits.pop(host, None)
        return circuit is not None and circuit.until is not None

    def forget(self) -> list[str]:
        """Where many hosts have failed, forget those that nobody asks any more; which of them were open.

        What is left may double before the next look.
        """
        if len(self._circuits) < self._most:
            return []
        before = self._clock() - LONGEST_REST
        over = [host for host, each in self._circuits.items() if each.until is None or each.until < before]
        dropped = {host: self._circuits.pop(host) for host in over}
        self._most = max(MOST_CIRCUITS, 2 * len(self._circuits))
        return [host for host, circuit in dropped.items() if circuit.until is not None]

    def is_open(self, host: str) -> bool:
        """Whether the host is left alone, or tried by a probe."""
        circuit = self._circuits.get(host)
        return circuit is not None and circuit.until is not None
