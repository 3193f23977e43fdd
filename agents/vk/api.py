"""VK's API: methods with whichever token may ask, many calls in one by ``execute``, errors by their codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from agents.base import BadConfiguration, SourceUnavailable
from agents.rates import Bucket, Limit
from agents.surroundings import Surroundings
from agents.vk.failures import (
    OF_TOKEN,
    RESTS,
    TOO_HEAVY,
    TOO_MANY,
    TRANSIENT,
    Troubled,
    failure_of,
    translated,
)
from agents.vk.options import Options
from agents.vk.tokens import Access, Tokens
from agents.web import Unusable

VERSION: Final = "5.199"
MOST_CALLS: Final = 25
"""In one ``execute``."""
TRIES: Final = 6
PAST_SHARE: Final = 0.15
EXECUTE: Final = "execute"
OK: Final = 200
JSON: Final = ("application/json", "text/javascript", "text/json")
NAMES: Final = "screen_name,verified,members_count,followers_count"
"""What is asked about people and communities besides their names."""


class Call(NamedTuple):
    """A method with its parameters; ``about`` is what it asks about, for messages."""

    method: str
    params: Mapping[str, Any]
    about: str = ""

    @property
    def subject(self) -> str:
        return self.about or self.method


class Api:
    """One agent's access to VK."""

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._url = f"{options.api}/method/"
        self._around = around
        self.tokens = Tokens(options.access, around.agent, around.metrics, around.clock)
        self._calls = MOST_CALLS
        daily = {"newsfeed.search": options.daily_searches, "wall.get": options.daily_walls}
        past = daily if around.budget == "backfill" else {}
        self._shares = {method: self._share(method, most) for method, most in past.items()}

    def _share(self, method: str, daily: int) -> Bucket:
        """What back-fill may use of a daily limit: what live requests leave."""
        calls = max(1, int(PAST_SHARE * daily * max(1, self.tokens.count(method))))
        return Bucket(Limit(calls / 86_400, calls), self._around.clock)

    async def call(self, call: Call, *inside: str) -> Any:
        """What VK answers; ``inside`` are the methods of an ``execute``.

        Raises:
            Troubled: VK refuses this; other calls may go well.
            Refused: all tokens must rest.
            SourceUnavailable: VK does not answer.
            BadConfiguration: no token may ask this.
        """
        if (share := self._shares.get(call.method)) is not None:
            while (wait := share.take("live")) > 0:
                await self._around.sleep(wait)
        for attempt in range(TRIES):
            access = self.tokens.pick(call.method, *inside)
            body = await self._ask(access, call)
            if "error" not in body:
                return body["response"] if call.method != EXECUTE else body
            failure = failure_of(body["error"])
            if failure.code in TRANSIENT:
                await self._around.sleep(2.0 ** min(attempt, 4) * (0.5 + self._around.jitter()))
            elif failure.code == TOO_MANY:
                self._around.web.rest(self._url, RESTS[TOO_MANY], token_key=access.key)
            elif failure.code in OF_TOKEN:
                self.tokens.rest(access, call.method, failure)
            else:
                raise translated(failure, call.subject)
        raise Troubled(f"{call.subject}: {failure}, {TRIES} times", failure.code)

    async def batch(self, calls: Sequence[Call]) -> list[Any | Troubled]:
        """The answers of several calls, in their order; a refusal of one stands in its place.

        Raises:
            Refused, SourceUnavailable, BadConfiguration: as `call`.
        """
        found: list[Any | Troubled] = []
        while len(found) < len(calls):
            part = calls[len(found) : len(found) + self._calls]
            if len(part) == 1 or self._calls == 1:
                found.append(await self._outcome(part[0]))
                continue
            try:
                found += await self._execute(part)
            except (Unusable, Troubled) as error:
                if isinstance(error, Troubled) and error.code not in TOO_HEAVY:
                    raise
                self._calls = max(1, len(part) // 2)
            except BadConfiguration:
                if not self._single():
                    raise
        return found

    def _single(self) -> bool:
        """No token may ``execute``: from now on one call at a time; False where that is so already."""
        before, self._calls = self._calls, 1
        return before != 1

    async def _outcome(self, call: Call) -> Any | Troubled:
        try:
            return await self.call(call)
        except Troubled as error:
            return error

    async def _execute(self, calls: Sequence[Call]) -> list[Any | Troubled]:
        """One request; what failed for reasons of the token is asked once more by itself."""
        body = await self.call(Call(EXECUTE, {"code": script(calls)}), *{call.method for call in calls})
        answers, failures = body.get("response"), iter(body.get("execute_errors") or ())
        if not isinstance(answers, list) or len(answers) != len(calls):
            raise Troubled("execute: as many answers as calls were expected", min(TOO_HEAVY))
        found: list[Any | Troubled] = []
        for call, answer in zip(calls, answers, strict=True):
            if answer is not False:
                found.append(answer)
                continue
            failure = failure_of(next(failures, None))
            if failure.code in OF_TOKEN:
                found.append(await self._outcome(call))
            else:
                error = translated(failure, call.subject)
                if not isinstance(error, Troubled):
                    raise error
                found.append(error)
        return found

    async def _ask(self, access: Access, call: Call) -> dict[str, Any]:
        """One request: an answer with ``response`` or ``error``."""
        form = {key: _written(value) for key, value in call.params.items() if value is not None}
        reply = await self._around.web.post(
            f"{self._url}{call.method}",
            data={**form, "v": VERSION, "access_token": access.secret},
            accept=JSON,
            token_key=access.key,
            retries=2,  # all of them only read
        )
        if reply.status != OK:
            raise SourceUnavailable(f"{call.subject}: HTTP {reply.status}")
        body = reply.json()
        if not isinstance(body, dict) or not ("response" in body or "error" in body):
            raise Unusable(f"{call.subject}: an answer without `response` and `error`")
        return body


def script(calls: Sequence[Call]) -> str:
    """The VKScript that makes the calls and returns the list of their answers."""
    made = (f"API.{call.method}({json.dumps(_given(call), ensure_ascii=False)})" for call in calls)
    return f"return [{','.join(made)}];"


def _given(call: Call) -> dict[str, Any]:
    return {key: value for key, value in call.params.items() if value is not None}


def _written(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
