"""The tokens of an agent: which one asks next, and which ones rest because VK wants them to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from agents.base import BadConfiguration, Clock, Refused
from agents.rates import token_key
from agents.vk.failures import AUTH, AUTH_REST, BY_METHOD, CAPTCHA, HOW, NOT_FOR_TOKEN, RESTS, Failure
from agents.vk.options import Token, TokenKind
from pipeline.metrics import Metrics

NEVER: Final = timedelta(days=365 * 100)
USER_METHODS: Final = frozenset({"newsfeed.getMentions"})
NOT_OF_COMMUNITIES: Final = frozenset(
    {"newsfeed.search", "newsfeed.getMentions", "wall.get", "wall.getComments"}
)
"""Methods that VK documents for tokens of users and applications only."""
ALL: Final = ""

log = logging.getLogger("molva.agent.vk")


class Access:
    """One token; ``key`` names it without telling it, ``number`` is its place in the options, from 1."""

    def __init__(self, token: Token, number: int) -> None:
        self.secret = token.secret.get_secret_value()
        self.of: TokenKind = token.of
        self.number = number
        self.key = token_key("vk", self.secret)
        self.rests: dict[str, tuple[datetime, Failure]] = {}
        """Until when, and why: for a method, or for `ALL`."""
        self.used = 0

    def may(self, *methods: str) -> bool:
        """Whether VK offers the methods to tokens of this kind."""
        if self.of == "user":
            return True
        refused = USER_METHODS if self.of == "service" else USER_METHODS | NOT_OF_COMMUNITIES
        return not refused.intersection(methods)

    def resting(self, methods: Sequence[str], now: datetime) -> tuple[datetime, Failure] | None:
        """The longest rest that concerns one of the methods; None: they may be used."""
        rests = [self.rests[each] for each in (ALL, *methods) if each in self.rests]
        return max((rest for rest in rests if rest[0] > now), key=lambda rest: rest[0], default=None)


class Tokens:
    """All tokens of an agent."""

    def __init__(self, tokens: Sequence[Token], agent: str, metrics: Metrics, clock: Clock) -> None:
        self._all = [Access(token, number) for number, token in enumerate(tokens, 1)]
        self._agent = agent
        self._metrics = metrics
        self._clock = clock
        self._turn = 0

    def count(self, method: str) -> int:
        """How many tokens may ask it."""
        return sum(access.may(method) for access in self._all)

    def pick(self, method: str, *inside: str) -> Access:
        """The token that has not been used for longest, of those that may ask; ``inside``: by ``execute``.

        Raises:
            BadConfiguration: there is none, or all of them are invalid.
            Refused: all of them rest; when the first one is back.
        """
        able = [access for access in self._all if access.may(method, *inside)]
        if not able:
            raise BadConfiguration(f"none of the tokens may ask {method}: {HOW}")
        now = self._clock()
        rests = {access: access.resting((method, *inside), now) for access in able}
        free = [access for access, rest in rests.items() if rest is None]
        if free:
            chosen = min(free, key=lambda access: access.used)
            self._turn += 1
            chosen.used = self._turn
            return chosen
        waits = [rest for rest in rests.values() if rest is not None]
        if all(failure.code in AUTH | NOT_FOR_TOKEN for _, failure in waits):
            raise BadConfiguration(_advice(waits[0][1], method))
        until, failure = min(waits, key=lambda rest: rest[0])
        raise Refused(
            f"all tokens rest, {method} is asked again at {until:%H:%M:%S} UTC: {failure}", until - now
        )

    def rest(self, access: Access, method: str, failure: Failure) -> None:
        """Let a token rest after an error that is about it."""
        code = failure.code
        span = NEVER if code in NOT_FOR_TOKEN else AUTH_REST if code in AUTH else RESTS[code]
        scope = method if code in BY_METHOD or code in NOT_FOR_TOKEN else ALL
        access.rests[scope] = (self._clock() + span, failure)
        self._metrics.agent_errors.labels(self._agent, _NAMES.get(code, "Auth")).inc()
        advice = f"; {_advice(failure, method)}" if code in AUTH or code == CAPTCHA else ""
        log.warning("%s: token %d rests for %s: %s%s", self._agent, access.number, span, failure, advice)


_NAMES: Final = {
    6: "TooManyPerSecond",
    9: "Flood",
    14: "Captcha",
    29: "DailyQuota",
    **dict.fromkeys(NOT_FOR_TOKEN, "NotForToken"),
}
"""How the errors are counted in ``molva_agent_errors``."""


def _advice(failure: Failure, method: str) -> str:
    if failure.code == CAPTCHA:
        return "VK wants a captcha: log in as the token's user in a browser and solve it, or ask less often"
    if failure.code in NOT_FOR_TOKEN:
        return f"{method} is not for this kind of token ({failure}): {HOW}"
    if failure.code == 17:
        return f"VK wants the token's user to log in again in a browser ({failure})"
    return f"the token is not valid (any more) ({failure}); make a new one: {HOW}"
