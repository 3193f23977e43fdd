"""Who is asking: a bearer token or a signed body -> the caller of the HTTP ingest, or a refusal."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDictProxy, MultiMapping

from agents.base import Clock
from agents.http.callers import ANY, Caller, Callers, Rights, caller_of_token
from agents.http.refusals import Refusal
from agents.http.signature import HEADER, BadSignature, Replays, Verification, parse_signature
from pipeline.metrics import Metrics

CALLER_HEADER = "X-Molva-Caller"
CALLER_QUERY = "caller"
"""For a sender that can be given an address only, and no header."""
DEFAULT = "default"
"""The caller of MOLVA_HTTP_TOKEN."""
FULL_SECONDS = 60
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="molva"'}
NO_TOKEN = "send the header `Authorization: Bearer <token>`, a token that is known here and not expired"
NO_SIGNATURE = (
    f"the signature is of no secret of the caller that {CALLER_HEADER} names: it is the hexadecimal"
    " HMAC-SHA256 of `<t>.<the body as it is sent>`"
)


def unauthorized(detail: str) -> Refusal:
    """The refusal of somebody unknown."""
    return Refusal(401, "unauthorized", detail, CHALLENGE)


class Claim:
    """Who a request says it is from. A signed one is `proven` only once its whole body is here."""

    def __init__(self, caller: Caller, verification: Verification | None = None) -> None:
        self.caller = Rights(caller)
        self.verification = verification

    @property
    def proven(self) -> bool:
        """Whether the caller is known before the body is read."""
        return self.verification is None

    def feed(self, piece: bytes) -> None:
        """The next bytes of the body, as they were sent."""
        if self.verification is not None:
            self.verification.feed(piece)


class Access:
    """Knows the callers; `renew` replaces them while requests run."""

    def __init__(
        self, token: str, metrics: Metrics, *, clock: Clock, callers: Iterable[Caller] | None = None
    ) -> None:
        """``token``: of the caller `DEFAULT`. Without it and without ``callers`` everybody may post."""
        self._metrics = metrics
        self._clock = clock
        self._own = (caller_of_token(token, DEFAULT),) if token else ()
        self._open = not token and callers is None
        self._anybody = Caller(name="anybody", token_sha256=("0" * 64,), sources=(ANY,), may_delete=True)
        self._replays = Replays()
        self._callers = Callers((*self._own, *(callers or ())))

    def renew(self, callers: Iterable[Caller]) -> None:
        """From now on these may post, beside the one of MOLVA_HTTP_TOKEN."""
        gone = set(self._callers.names)
        self._callers = Callers((*self._own, *callers))
        if gone - set(self._callers.names):
            self._metrics.http_caller_last_use.clear()  # who is left shows again with its next request

    def claim(self, headers: CIMultiDictProxy[str], query: MultiMapping[str]) -> Claim:
        """Who is asking.

        Raises:
            Refusal: 401, nobody that is known.
        """
        if HEADER in headers:
            return self._signed(headers, query)
        given = headers.getall("Authorization", [])
        if self._open:
            return Claim(self._anybody)
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        found = self._callers.by_token(token.strip().encode("utf-8", "surrogateescape"), self._clock())
        if found is None or scheme.lower() != "bearer":
            raise unauthorized(NO_TOKEN)
        return Claim(found)

    def _signed(self, headers: CIMultiDictProxy[str], query: MultiMapping[str]) -> Claim:
        now = self._clock()
        signatures = headers.getall(HEADER)
        if len(signatures) != 1:
            raise unauthorized(f"send one header {HEADER}")
        try:
            signature = parse_signature(signatures[0], now.timestamp())
        except BadSignature as error:
            raise unauthorized(str(error)) from error
        found = self._callers.by_name(headers.get(CALLER_HEADER) or query.get(CALLER_QUERY, ""), now)
        if found is None:
            raise unauthorized(NO_SIGNATURE)
        secrets = [secret.get_secret_value().encode() for secret in found.secrets]
        return Claim(found, Verification(signature, secrets))

    def prove(self, claim: Claim) -> None:
        """The body is here: it must be signed rightly, and new.

        Raises:
            Refusal: 401, the signature is wrong; 409, this body was taken before; 429, too many are.
        """
        now = self._clock().timestamp()
        if claim.verification is not None:
            if not claim.verification.right():
                raise unauthorized(NO_SIGNATURE)
            if self._replays.full(now):
                detail = "more signed bodies than are remembered; put more posts into each"
                raise Refusal(429, "busy", detail, {"Retry-After": str(FULL_SECONDS)})
            if not self._replays.take(claim.caller.name, claim.verification.identity, now):
                raise Refusal(409, "replayed", "this very body was taken before; sign again to repeat it")
        self._metrics.http_caller_last_use.labels(claim.caller.name).set(now)

    def withdraw(self, claim: Claim) -> None:
        """The proven body was not taken after all; the same may come again."""
        if claim.verification is not None:
            self._replays.forget(claim.caller.name, claim.verification.identity)
